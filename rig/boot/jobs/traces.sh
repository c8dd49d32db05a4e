#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Uses a volume with a known key and known data.  Afterwards rig/bin/traces searches the
# guest's memory for both.
#
# usage: traces open|wiped|closed BATCHING KEY WORD
#
#   open       leave the volume open, and leave a file that has WORD twice
#   wiped      suspend the volume and wipe its key
#   closed     remove the volume
#   BATCHING   Y, N, or none if the kernel has no batching
#   KEY, WORD  in hexadecimal digits; sectors are full of WORD
#
# The volume is on the first disk.

set -eu -o pipefail

state=$1
batching=$2
name=traces
volume=/dev/mapper/$name
disk=/dev/vdb
tests=/kselftest/dm-crypt-mdu
parameter=/sys/module/dm_crypt/parameters/batch_sectors
size=$((1024 * 1024))

# use_volume WORD: to be run in a subshell, so that its processes and their memory are gone
# afterwards
use_volume() {
	local file

	file=$(mktemp)
	echo "$1" | xxd -r -p > "$file"
	while [ "$(stat -c %s "$file")" -lt $size ]; do
		cat "$file" "$file" > "$file.twice"
		mv "$file.twice" "$file"
	done
	# Bios that need a scatterlist of their own, and bios of four segments, which do not.
	for cut in 2048 32768; do
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
	# Prove that the search can find the data, too.
	echo "$4$4" | xxd -r -p > "$(mktemp)" ;;
wiped)
	dmsetup suspend $name
	dmsetup message $name 0 key wipe ;;
closed)
	dmsetup remove --retry $name ;;
*)
	exit 2 ;;
esac
# Wait for memory that RCU frees later.
echo 3 > /proc/sys/vm/drop_caches
sleep 2
