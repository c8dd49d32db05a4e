#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that flushes, writes with O_DSYNC, and discards reach the disk below a batched
# volume, and that discards do so only if the table allows them.

. "$(dirname "$0")"/_lib.sh
require_tools blkdiscard dd

KEY=$(random_key 64)
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

# flushes_for COMMAND...: runs COMMAND on $TARGET several times, and prints the number of
# flushes.
flushes_for() {
	local before i

	before=$(flushes)
	for ((i = 0; i < TIMES; i++)); do
		"$@" 2> "$WORK/message" || fail "$(cat "$WORK/message")"
	done
	echo $(($(flushes) - before))
}

# flushed COMMAND...: the disk receives as many flushes through the volume as without
# dm-crypt, and the data is right.
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

# Besides the flush for the program, there is one for each bio: the disk has no FUA, so the
# block layer replaces FUA by a flush.
write_dsync() {
	dd if="$WORK/plain" of="$TARGET" bs=128k count=1 oflag=direct,dsync conv=notrunc
}

# A plain write must not cause a flush.
write_only() {
	local before

	open_volume
	before=$(flushes)
	dd if="$WORK/plain" of="$VOLUME" bs=128k count=8 oflag=direct conv=notrunc 2> /dev/null
	[ "$(flushes)" -eq "$before" ] || fail "there was a flush"
}

# A discard removes its part from the disk, and nothing else.
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
