#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# First process of the guest: sets up an ordinary environment, runs the job that the
# kernel command line names, reports how the job ended, and switches the guest off.
# The kernel passes these words of its command line in the environment:
#
#   mdu_job=NAME     /jobs/NAME.sh, or "shell" for an interactive shell
#   mdu_args="..."   arguments for the job, split at spaces
#   mdu_report=TTY   report to TTY, and not to the virtio port "report"
#   mdu_modules=DISK mount DISK on /lib/modules

export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec/busybox
export HOME=/tmp TMPDIR=/tmp TERM=linux LC_ALL=C
# The guest has no udev: libdevmapper must make device nodes and links itself, and must not
# wait until udev answers its cookies.
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

# User-mode Linux has other names for its disks: add the usual ones.
for device in /dev/ubd?; do
	[ ! -b "$device" ] || ln -s "${device##*/}" "/dev/vd${device#/dev/ubd}"
done

if [ -n "${mdu_modules-}" ]; then
	mount -t ext4 -o ro "$mdu_modules" /lib/modules
	# Load dm-crypt: tests need its parameters in sysfs, and the addresses of its functions.
	modprobe -q dm-crypt
fi

job=${mdu_job-}
if [ "$job" = shell ]; then
	echo "Type \"exit\" to switch the machine off. Selftests are in /kselftest."
	cd /tmp || exit
	setsid busybox cttyhack bash -i
	poweroff -f
fi

port=${mdu_report:-/dev/virtio-ports/report}
if [ ! -c "$port" ]; then
	echo "init: no virtio port named report, nowhere to report to" >&2
	poweroff -f
fi
exec 3> "$port"
# A terminal must pass each line on unchanged.
[ ! -t 3 ] || stty raw -echo < "$port"

# The port can be opened only once.  The job writes to a pipe, because some scripts
# open /dev/stdout again by name.
{
	if [ -x "/jobs/$job.sh" ]; then
		cd /tmp || exit
		# shellcheck disable=SC2086 # split at spaces on purpose
		"/jobs/$job.sh" ${mdu_args-} 3>&-
		echo $? > /run/status
	else
		echo "init: no such job: $job" >&2
		echo 127 > /run/status
	fi
} | cat >&3

read -r status < /run/status
echo "verdict: exit $status" >&3
exec 3>&-
poweroff -f
