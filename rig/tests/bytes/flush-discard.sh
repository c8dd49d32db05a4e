#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that flushes, writes with O_DSYNC, and discards reach the disk below a batched
# volume, but no discards unless the table allows them.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_compare.sh
require_tools blkdiscard dd

SIZE=$((2 * 1024 * 1024))
TIMES=12

# open_volume [OPTION...]: opens $VOLUME and fills it with random data.
open_volume() {
	DISK=$(make_disk $((SIZE / 512)))
	map "$DISK" aes-xts-plain64 "$KEY" 0 "$@"
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	expect_batched
}

# Prints how many flushes the disk has received.
flushes() {
	local fields

	read -r -a fields < "/sys/block/${DISK##*/}/stat"
	[ ${#fields[@]} -ge 17 ] || skip "the kernel does not count flushes"
	echo "${fields[15]}"
}

# flushes_for TARGET OPTION...: writes to TARGET several times with these options of dd,
# and prints the number of flushes.
flushes_for() {
	local before i

	before=$(flushes)
	for ((i = 0; i < TIMES; i++)); do
		dd if="$WORK/plain" of="$1" bs=128k count=1 "${@:2}" 2> "$WORK/message" ||
			fail "$(cat "$WORK/message")"
	done
	echo $(($(flushes) - before))
}

# flushed LEAST OPTION...: checks that the disk receives at least LEAST flushes through the
# volume, and as many as without dm-crypt, and that the data is right.
flushed() {
	local volume disk

	open_volume
	volume=$(flushes_for "$VOLUME" "${@:2}")
	expect_read "$WORK/plain"
	unmap
	disk=$(flushes_for "$DISK" "${@:2}")
	[ "$volume" -ge "$1" ] || fail "$volume flushes for $TIMES writes"
	[ "$volume" -eq "$disk" ] || fail "$volume flushes, and without dm-crypt $disk"
}

# A discard must remove its part from the disk, and nothing else.
discarded() {
	local part=$((SIZE / 4))

	open_volume "$1" allow_discards
	block_io read "$DISK" > "$WORK/expected"
	blkdiscard --offset $part --length $part "$VOLUME"
	dd if=/dev/zero of="$WORK/expected" bs=$part seek=1 count=1 conv=notrunc status=none
	block_io read "$DISK" > "$WORK/out"
	expect_same "$WORK/expected" "$WORK/out" "on disk"
	dd if="$WORK/plain" bs=$part skip=1 count=1 status=none |
		block_io write "$VOLUME" --offset $part
	expect_read "$WORK/plain"
}

not_allowed() {
	open_volume
	! blkdiscard "$VOLUME" 2> /dev/null || fail "discarded without allow_discards"
	expect_read "$WORK/plain"
}

ktap_set_plan 6
run_case "fsync flushes the disk" flushed $TIMES conv=notrunc,fsync
# There may be more flushes than writes: the disk has no FUA, so the block layer replaces FUA
# by a flush for each bio.
run_case "a write with O_DSYNC flushes the disk" flushed $TIMES conv=notrunc oflag=direct,dsync
run_case "a write without O_DSYNC does not" flushed 0 conv=notrunc oflag=direct
for size in 512 4096; do
	run_case "discard, sectors of $size" discarded sector_size:$size
done
run_case "no discard without allow_discards" not_allowed
finish
