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
#   BATCHING   Y or N
#   KEY, WORD  in hexadecimal digits; sectors are full of WORD
#
# The volume is on the first disk.

set -eu -o pipefail

state=$1
name=traces
volume=/dev/mapper/$name
disk=/dev/vdb
tests=/kselftest/dm-crypt-mdu
size=$((1024 * 1024))

# use_volume WORD: writes and reads the volume.  Run it in a subshell, so that its processes
# end and the kernel frees their memory.
use_volume() {
	local file

	file=$(mktemp)
	head -n $((size / 16)) < <(yes "$1") | xxd -r -p > "$file"
	# Bios that need a scatterlist of their own, and bios of four segments, which do not.
	for cut in 2048 32768; do
		"$tests/block_io" write "$volume" --cut $cut --sizes 131072 < "$file"
		"$tests/block_io" read "$volume" --length $size --cut $cut \
			--sizes 131072 | cmp - "$file"
	done
	rm "$file"
}

echo "$2" > /sys/module/dm_crypt/parameters/batch_sectors
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
