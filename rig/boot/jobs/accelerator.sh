#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guest's part of rig/bench/accelerator.py.  Measures in turn I/O to volumes that a
# virtio crypto device encrypts, with and without batching, and to one that the CPU
# encrypts.
#
# usage: accelerator DIR ROUNDS SECONDS
#
#   DIR      directory on the host for QEMU's traces of the device
#   ROUNDS   number of measurements of each volume
#   SECONDS  duration of a measurement
#
# Prints "cipher NAME", "kernel VERSION", "begin", lines
# "speed VOLUME READ_OR_WRITE SIZE KIB_PER_SECOND", and lines
# "traced VOLUME READ_OR_WRITE SIZE IOS".  The trace for such a line is in the file
# VOLUME-READ_OR_WRITE-SIZE.

set -eu

directory=$1
rounds=$2
seconds=$3
parameter=/sys/module/dm_crypt/parameters/batch_sectors
disk=/dev/ram0

monitor=/dev/virtio-ports/monitor
[ -c "$monitor" ] || { echo "no virtio port leads to QEMU's monitor"; exit 1; }

# create VOLUME Y|N CIPHER KEY_BYTES
create() {
	echo "$2" > $parameter
	dmsetup create "$1" --table "0 $(blockdev --getsz $disk) crypt $3-plain64 \
		$(od -An -v -tx1 -N "$4" /dev/urandom | tr -d ' \n') 0 $disk 0"
	echo "# $1: $(dmsetup status "$1")"
}

# The CPU uses the same mode as the device: XTS if the device has XTS, or else CBC.
modprobe virtio_crypto
for i in {1..100}; do
	grep -q 'virtio_crypto_aes' /proc/crypto && break
	sleep 0.1
done
if grep -q virtio_crypto_aes_xts /proc/crypto; then
	mode=xts
	key=64
else
	mode=cbc
	key=32
fi
echo "cipher aes-$mode"
echo "kernel $(uname -r)"
create batched Y "capi:virtio_crypto_aes_$mode" $key
create single N "capi:virtio_crypto_aes_$mode" $key
create cpu Y "aes-$mode" $key
volumes=(batched single cpu)

# run VOLUME READ_OR_WRITE SIZE FIO_OPTION...: print fio's KiB/s
run() {
	fio --name=x --filename="/dev/mapper/$1" --rw="$2" --bs="$3" --direct=1 \
		--ioengine=psync --output-format=json "${@:4}" | jq ".jobs[0].$2.bw"
}

echo begin
for ((i = 0; i < rounds; i++)); do
	for size in 4k 1m; do
		for rw in read write; do
			for volume in "${volumes[@]}"; do
				speed=$(run "$volume" $rw $size \
					--time_based --runtime="$seconds")
				echo "speed $volume $rw $size $speed"
			done
		done
	done
done

for size in 4k 1m; do
	for rw in read write; do
		for volume in batched single; do
			echo "logfile $directory/$volume-$rw-$size" > "$monitor"
			echo "trace-event virtio_queue_notify on" > "$monitor"
			echo "trace-event virtio_notify on" > "$monitor"
			sleep 0.5
			ios=100
			[ $size = 4k ] || ios=8
			run $volume $rw $size --number_ios=$ios > /dev/null
			echo "trace-event virtio_queue_notify off" > "$monitor"
			echo "trace-event virtio_notify off" > "$monitor"
			sleep 0.5
			echo "traced $volume $rw $size $ios"
		done
	done
done
