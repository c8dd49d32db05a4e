#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that flushes, writes that must be on the medium when they are done, and discards
# reach the disk below a batched volume, and discards only if the table allows them.

. "$(dirname "$0")"/_lib.sh
require_tools blkdiscard dd

KEY=$(random_key 64)
SIZE=$((2 * 1024 * 1024))
TIMES=12

# open_volume [OPTION...]: with random data on all of it.
open_volume() {
	DISK=$(make_disk $((SIZE / 512)))
	map "$DISK" aes-xts-plain64 "$KEY" 0 "$@"
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	expect_batched
}

# Flushes that the disk was asked for.
flushes() {
	local fields

	read -r -a fields < "/sys/block/${DISK##*/}/stat"
	[ ${#fields[@]} -ge 17 ] || skip "the kernel does not count flushes"
	echo "${fields[15]}"
}

# flushes_for COMMAND...: how many it takes to do that several times to $TARGET.
flushes_for() {
	local before i

	before=$(flushes)
	for ((i = 0; i < TIMES; i++)); do
		"$@" 2> "$WORK/message" || fail "$(cat "$WORK/message")"
	done
	echo $(($(flushes) - before))
}

# flushed COMMAND...: the disk is asked for flushes as if it were used by itself, and
# the volume works.
flushed() {
	local volume disk

	open_volume
	volume=$(TARGET=$VOLUME flushes_for "$@")
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
	unmap
	disk=$(TARGET=$DISK flushes_for "$@")
	[ "$volume" -ge $TIMES ] || fail "$volume flushes for $TIMES times"
	[ "$volume" -eq "$disk" ] || fail "$volume flushes, and without dm-crypt $disk"
}

write_and_fsync() {
	dd if="$WORK/plain" of="$TARGET" bs=64k count=2 conv=notrunc,fsync
}

# Beside the flush of the program there is one for each bio: the disk has no FUA, so that
# its block layer makes a flush of it.
write_dsync() {
	dd if="$WORK/plain" of="$TARGET" bs=128k count=1 oflag=direct,dsync conv=notrunc
}

# What is not flushed for is not.
write_only() {
	local before

	open_volume
	before=$(flushes)
	dd if="$WORK/plain" of="$VOLUME" bs=128k count=8 oflag=direct conv=notrunc 2> /dev/null
	[ "$(flushes)" -eq "$before" ] || fail "there was a flush"
}

# The part in the middle is gone from the disk, and nothing else.
discarded() {
	local part=$((SIZE / 4))

	open_volume "$1" allow_discards
	block_io read "$DISK" > "$WORK/expected"
	blkdiscard --offset $part --length $part "$VOLUME"
	dd if=/dev/zero of="$WORK/expected" bs=$part seek=1 count=1 conv=notrunc 2> /dev/null
	block_io read "$DISK" > "$WORK/out"
	expect_same "$WORK/expected" "$WORK/out" "on disk"
	dd if="$WORK/plain" of="$WORK/new" bs=$part skip=1 count=1 2> /dev/null
	block_io write "$VOLUME" --offset $part < "$WORK/new"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
}

not_allowed() {
	open_volume
	block_io read "$DISK" > "$WORK/expected"
	! blkdiscard "$VOLUME" 2> /dev/null || fail "discarded"
	block_io read "$DISK" > "$WORK/out"
	expect_same "$WORK/expected" "$WORK/out" "on disk"
}

ktap_set_plan 6
run_case "fsync flushes the disk" flushed write_and_fsync
run_case "a write with O_DSYNC flushes the disk" flushed write_dsync
run_case "a write without does not" write_only
for size in 512 4096; do
	run_case "discard, sectors of $size" discarded sector_size:$size
done
run_case "no discard unless it is allowed" not_allowed
finish
