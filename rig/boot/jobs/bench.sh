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
#	run WORD...	hand the words to the module (rig/bench/module/mdu_bench.c) and answer
#			with the module's result
#	create NAME BATCHING TARGET...
#			create the mapping NAME of the whole disk.  "TARGET..." is the
#			table, in which DISK stands for the disk.  BATCHING is on, off,
#			or unpatched if the kernel has no batching.
#	status NAME	answer with the status of the mapping
#	remove NAME	remove the mapping
#	speed NAME READ_OR_WRITE SIZE FIO_OPTION...
#			run fio on the mapping, and answer with KiB/s
#	monitor WORD...	hand the words to QEMU's monitor
#	info		answer with the kernel's version and features
#	quit
#
# The disk is a null block device, which completes requests where they are submitted: no
# interrupt, no waiting.  With an accelerator, the disk is a RAM disk, and fio replaces the
# module.

# shellcheck disable=SC2317,SC2329 # some functions are arguments of answer()

set -u

disk=/dev/nullbench
control=/sys/module/mdu_bench/parameters/run
parameter=/sys/module/dm_crypt/parameters/batch_sectors
monitor=/dev/virtio-ports/monitor
mode=none

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
	[ -b $disk ] && modprobe mdu_bench && [ -w $control ]
}

# find_accelerator: waits until the device's ciphers are there.  The mode is XTS if the
# device has XTS, or else CBC.
find_accelerator() {
	disk=/dev/ram0
	modprobe virtio_crypto || return
	for _ in {1..100}; do
		! grep -q virtio_crypto_aes /proc/crypto || break
		sleep 0.1
	done
	mode=$(sed -n 's/^driver.*: virtio_crypto_aes_//p' /proc/crypto | sort | tail -n 1)
	[ -n "$mode" ]
}

say() {
	echo "$*" >&4
}

# in_one_line TEXT
in_one_line() {
	echo "$1" | tr '\n' ' '
}

# run() starts no program, because starting one is slow in User-mode Linux.
run() {
	local result

	if echo "$*" > $control && read -r result < $control; then
		say "ok $result"
	else
		read -r result < $control
		say "error $result"
	fi
} 2> /dev/null

# set_parameter on|off|unpatched
set_parameter() {
	case $1 in
	on)	echo Y > $parameter ;;
	off)	echo N > $parameter ;;
	unpatched)
		[ ! -e $parameter ] ;;
	*)	false ;;
	esac
} 2> /dev/null

create() {
	local name=$1 batching=$2 output
	shift 2

	if ! set_parameter "$batching"; then
		say "error batch_sectors cannot be '$batching' with this kernel"
	elif output=$(dmsetup create "$name" \
			--table "0 $sectors ${*/#DISK/$disk}" 2>&1); then
		say "ok device=/dev/mapper/$name"
	else
		say "error $(in_one_line "$output $(dmesg | tail -n 2)")"
	fi
}

speed() (
	set -o pipefail
	fio --name=x --filename="/dev/mapper/$1" --rw="$2" --bs="$3" --direct=1 \
		--ioengine=psync --output-format=json "${@:4}" 2> /tmp/fio |
		jq ".jobs[0].$2.bw" || { cat /tmp/fio; false; }
)

tell_monitor() {
	echo "$*" > "$monitor"
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
	say "ok release=$(uname -r) mdu=$mdu inlinecrypt=$inlinecrypt disk=$disk" \
		"accelerator=$mode"
}

channel=${1:-/dev/virtio-ports/bench}
if [ ! -c "$channel" ]; then
	echo "bench: no port to take commands from"
	exit 1
fi
exec 4<> "$channel"
[ ! -t 4 ] || stty -F "$channel" raw -echo

if [ -c $monitor ]; then
	find_accelerator
else
	make_disk
fi 2> /tmp/setup || {
	say "error setting up: $(in_one_line "$(cat /tmp/setup)")"
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
	speed)	answer speed $arguments ;;
	monitor)
		answer tell_monitor $arguments ;;
	info)	info ;;
	quit)	say "ok"
		exit 0 ;;
	*)	say "error no such command: $command" ;;
	esac
done
echo "bench: the host closed the connection"
exit 1
