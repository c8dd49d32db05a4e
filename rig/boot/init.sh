#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# First process of the virtual machine: sets up an ordinary environment, runs
# the one job named on the kernel command line, reports how it ended, and switches
# the machine off.
#
#   mdu.job=NAME     /jobs/NAME.sh, or "shell" for an interactive shell
#   mdu.args="..."   arguments for the job, split at spaces
#   mdu.report=TTY   report there, and not on the virtio port "report"
#   mdu.modules=DISK what to have in /lib/modules

export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec/busybox
export HOME=/tmp TMPDIR=/tmp TERM=linux LC_ALL=C
# There is no udev that would make device nodes, and links to them, or answer its cookies.
export DM_DISABLE_UDEV=1

mount -t proc -o nosuid,nodev,noexec none /proc
mount -t sysfs -o nosuid,nodev,noexec none /sys
mount -t debugfs none /sys/kernel/debug
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=1777 none /tmp
mkdir -p /dev/pts /dev/shm /dev/mapper /run/lock /run/cryptsetup
mount -t devpts none /dev/pts
mount -t tmpfs -o mode=1777 none /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
mkdir -p /dev/virtio-ports
for file in /sys/class/virtio-ports/*/name; do
	[ -e "$file" ] || continue
	read -r name < "$file"
	device=${file%/name}
	[ -z "$name" ] || ln -s "../${device##*/}" "/dev/virtio-ports/$name"
done

# User-mode Linux has other names for its disks.
for device in /dev/ubd?; do
	[ ! -b "$device" ] || ln -s "${device##*/}" "/dev/vd${device#/dev/ubd}"
done

read -r cmdline < /proc/cmdline

# Value of a quoted or plain parameter of the kernel command line.
parameter()
{
	case " $cmdline" in
	*" $1=\""*)
		value=${cmdline#*"$1=\""}
		echo "${value%%\"*}" ;;
	*" $1="*)
		value=${cmdline#*"$1="}
		echo "${value%% *}" ;;
	esac
}

modules=$(parameter mdu.modules)
if [ -n "$modules" ]; then
	mount -t ext4 -o ro "$modules" /lib/modules
	# Its parameters are there, and its functions have addresses, only when it is.
	modprobe -q dm-crypt
fi

job=$(parameter mdu.job)
args=$(parameter mdu.args)

if [ "$job" = shell ]; then
	echo "Type \"exit\" to switch the machine off. Selftests are in /kselftest."
	cd /tmp || exit
	setsid busybox cttyhack bash -i
	poweroff -f
fi

port=$(parameter mdu.report)
port=${port:-/dev/virtio-ports/report}
if [ ! -c "$port" ]; then
	echo "init: no virtio port named report, nowhere to report to" >&2
	poweroff -f
fi
exec 3> "$port"
# Line by line as it is, for those that are terminals.
[ ! -t 3 ] || stty raw -echo < "$port"

# The port can be opened only once; a pipe can be opened again by name, as
# some scripts do with /dev/stdout.
{
	if [ -x "/jobs/$job.sh" ]; then
		cd /tmp || exit
		# shellcheck disable=SC2086 # split at spaces on purpose
		"/jobs/$job.sh" $args 3>&-
		echo $? > /run/status
	else
		echo "init: no such job: mdu.job=$job" >&2
		echo 127 > /run/status
	fi
} | cat >&3

read -r status < /run/status
echo "verdict: exit $status" >&3
exec 3>&-
poweroff -f
