#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Uses a volume with a known key and known data, for rig/bin/traces, which then looks
# for both in what was this machine's memory.
#
# usage: traces open|wiped|closed BATCHING KEY WORD
#
#   open       leave the volume as it is in the end, and twice the word in a file
#   wiped      suspend it and wipe its key
#   closed     remove it
#   BATCHING   Y, N, or none where the kernel does not know of it
#   KEY, WORD  in hexadecimal digits; sectors are full of the word
#
# The disk is the first one.

set -eu -o pipefail

state=$1
batching=$2
name=traces
volume=/dev/mapper/$name
disk=/dev/vdb
tests=/kselftest/dm-crypt-mdu
parameter=/sys/module/dm_crypt/parameters/batch_sectors
size=$((1024 * 1024))

# In processes that are gone, and their memory with them, when this ends.
use_volume()
{
	local file

	file=$(mktemp)
	echo "$1" | xxd -r -p > "$file"
	while [ "$(stat -c %s "$file")" -lt $size ]; do
		cat "$file" "$file" > "$file.twice"
		mv "$file.twice" "$file"
	done
	# Bios with memory for a scatterlist, and such without.
	for cut in 2048 8192; do
		"$tests/block_io" write "$volume" --cut $cut --sizes 131072 < "$file"
		"$tests/block_io" read "$volume" --length $size --cut $cut \
			--sizes 131072 | cmp - "$file"
	done
	rm "$file"
}

[ "$batching" = none ] || echo "$batching" > $parameter
dmsetup create $name --table \
	"0 $(blockdev --getsz $disk) crypt aes-xts-plain64 $3 0 $disk 0"
(use_volume "$4")
echo "# $(dmsetup status $name)"
case $state in
open)
	# So that it shows that one can find the data, too.
	echo "$4$4" | xxd -r -p > "$(mktemp)" ;;
wiped)
	dmsetup suspend $name
	dmsetup message $name 0 key wipe ;;
closed)
	dmsetup remove --retry $name ;;
*)
	exit 2 ;;
esac
# What is freed later, by RCU, is to be gone, too.
echo 3 > /proc/sys/vm/drop_caches
sleep 2
