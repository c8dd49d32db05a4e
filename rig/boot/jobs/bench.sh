#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guest's part of the benchmark: reads commands from rig/bench/guest.py, one a
# line, and answers each with a line "ok ..." or "error ...".
#
# usage: bench [TTY]
#
#   TTY   device for commands and answers (default: the virtio port "bench")
#
#	run NAME=VALUE...	hand the words to the module
#				(rig/bench/module/mdu_bench.h) and answer with the
#				module's result
#	create NAME MDU TARGET...
#				create the mapping NAME of the whole disk.
#				"TARGET..." is the table, in which DISK stands for
#				the disk.  MDU is on, off, or none if the kernel
#				has no batching.
#	status NAME		answer with the status of the mapping
#	remove NAME		remove the mapping
#	info			answer with the kernel's version and features
#	quit
#
# The disk is a null block device, which completes requests where they are
# submitted: no interrupt, no waiting.

set -u

disk=/dev/nullbench
control=/proc/mdu_bench
parameter=/sys/module/dm_crypt/parameters/batch_sectors

# make_disk: size is in MiB, queue_mode 2 is a request queue as real disks have,
# irqmode 0 means no interrupt.
make_disk() {
	local config=/sys/kernel/config/nullb/${disk##*/} word

	mount -t configfs none /sys/kernel/config || return
	mkdir "$config" || return
	for word in size=16384 blocksize=512 queue_mode=2 irqmode=0 submit_queues=1 \
		hw_queue_depth=128 memory_backed=0 power=1; do
		echo "${word#*=}" > "$config/${word%%=*}" || return
	done
	[ -b $disk ]
}

load_module() {
	modprobe mdu_bench && [ -w $control ]
}

say() {
	echo "$*" >&4
}

# in_one_line TEXT
in_one_line() {
	echo "$1" | tr '\n' ' '
}

# run() starts no program: that is slow in User-mode Linux.
run() {
	local result

	if echo "$*" > $control && read -r result < $control; then
		say "ok $result"
	else
		read -r result < $control
		say "error $result"
	fi
} 2> /dev/null

# set_parameter on|off|none
set_parameter() {
	case $1 in
	on)	echo Y > $parameter ;;
	off)	echo N > $parameter ;;
	none)	[ ! -e $parameter ] ;;
	*)	false ;;
	esac
} 2> /dev/null

create() {
	local name=$1 mdu=$2 output
	shift 2

	if ! set_parameter "$mdu"; then
		say "error batch_sectors cannot be '$mdu' with this kernel"
	elif output=$(dmsetup create "$name" \
			--table "0 $sectors ${*/#DISK/$disk}" 2>&1); then
		say "ok device=/dev/mapper/$name"
	else
		say "error $(in_one_line "$output $(dmesg | tail -n 2)")"
	fi
}

# answer COMMAND...
answer() {
	local output

	if output=$("$@" 2>&1); then
		say "ok $(in_one_line "$output")"
	else
		say "error $(in_one_line "$output")"
	fi
}

info() {
	local mdu=no inlinecrypt=no

	[ ! -e "$parameter" ] || mdu=yes
	! dmsetup targets | grep -q '^inlinecrypt ' || inlinecrypt=yes
	say "ok release=$(uname -r) mdu=$mdu inlinecrypt=$inlinecrypt disk=$disk"
}

channel=${1:-/dev/virtio-ports/bench}
if [ ! -c "$channel" ]; then
	echo "bench: no port to take commands from"
	exit 1
fi
exec 4<> "$channel"
[ ! -t 4 ] || stty -F "$channel" raw -echo

output=$(make_disk 2>&1 && load_module 2>&1) || {
	say "error setting up: $(in_one_line "$output")"
	exit 1
}
sectors=$(blockdev --getsz $disk)
say "ready"

while read -r -u 4 command arguments; do
	# shellcheck disable=SC2086 # split at spaces on purpose
	case $command in
	run)	run $arguments ;;
	create)	create $arguments ;;
	status)	answer dmsetup status $arguments ;;
	remove)	answer dmsetup remove --retry $arguments ;;
	info)	info ;;
	quit)	say "ok"
		exit 0 ;;
	*)	say "error no such command: $command" ;;
	esac
done
echo "bench: the other side hung up"
exit 1
