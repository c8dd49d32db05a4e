#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume behaves well on an unreliable device.  A byte that the
# device changes makes one block of the cipher differ and nothing else.  Writes that the
# device drops leave the old data.  If the device comes and goes, or cannot read a sector
# until the sector is written again, all other data is right.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_bad_disk.sh
require_helper xts_oracle

# The volume cannot know that the device drops writes, but must not mix old and new data.
dropped_writes() {
	open_volume 512
	break_all drop_writes
	random_file "$WORK/new" $SIZE
	block_io write "$VOLUME" --sizes 16384 --cut 512 < "$WORK/new"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read after writes were dropped"
	works_again
}

# Prints another value for the byte of the ciphertext at $1, as a decimal number.
other_byte() {
	local byte

	byte=$(od -An -tu1 -j "$1" -N 1 "$DISK")
	echo $((byte ^ 255))
}

# expect_block FILE OFFSET: FILE differs from $WORK/plain in the block of the
# cipher that contains the byte at OFFSET, and nowhere else.
expect_block() {
	local block=$(($2 / 16)) byte found

	found=$(cmp -l "$WORK/plain" "$1" || :)
	[ -n "$found" ] || fail "the byte at $2 makes no difference"
	while read -r byte _; do
		[ $(((byte - 1) / 16)) -eq $block ] ||
			fail "the byte at $2 makes byte $((byte - 1)) differ"
	done <<< "$found"
}

# The device changes one byte of one batch that is read.
corrupted_read() {
	local byte=70007

	open_volume "$1"
	break_all corrupt_bio_byte $((byte + 1)) r "$(other_byte $byte)" 0
	block_io read "$VOLUME" --length 131072 > "$WORK/out"
	tail -c +131073 "$WORK/plain" >> "$WORK/out"
	expect_block "$WORK/out" $byte
	works_again
}

# The device changes one byte of one batch that is written.  The test can find the
# right value of this byte only on the disk, which has the same data already.
corrupted_write() {
	local byte=70007

	open_volume "$1"
	break_all corrupt_bio_byte $((byte + 1)) w "$(other_byte $byte)" 0
	block_io write "$VOLUME" --length 131072 < "$WORK/plain"
	mend
	block_io read "$VOLUME" > "$WORK/out"
	expect_block "$WORK/out" $byte
	block_io write "$VOLUME" --length 131072 < "$WORK/plain"
	works_again
}

# The device comes and goes, for a second each.
up_and_down() {
	local good=0 bad=0 end=$((SECONDS + 20))

	open_volume 512
	break_with "0 $SECTORS flakey $DISK 0 1 1"
	while [ $good -lt 5 ] || [ $bad -lt 5 ]; do
		[ $SECONDS -lt $end ] || fail "in 20 s $good reads were good and $bad bad"
		if block_io read "$VOLUME" > "$WORK/out" 2> "$WORK/message"; then
			expect_same "$WORK/plain" "$WORK/out" "read while the device was up"
			good=$((good + 1))
		else
			grep 'Input/output error' "$WORK/message" > /dev/null ||
				fail "not EIO: $(cat "$WORK/message")"
			bad=$((bad + 1))
		fi
	done
	works_again
}

dust() {
	dmsetup message "$BELOW" 0 "$@"
}

# Two sectors cannot be read until they are written again, as on a real disk.  The
# first two writes to the second of them fail, too.
dust_sectors() {
	local failures

	open_volume "$1"
	break_with "0 $SECTORS dust $DISK 0 512"
	dust quiet
	dust addbadblock 75
	dust addbadblock 1203 2
	dust enable
	block_io read "$VOLUME" --sizes "$1" --errors "$WORK/errors" > "$WORK/out"
	printf '%d %d\n' $((75 * 512 / $1 * $1)) "$1" $((1203 * 512 / $1 * $1)) "$1" \
		> "$WORK/expected-errors"
	expect_same "$WORK/expected-errors" "$WORK/errors" "sectors that cannot be read"
	expect_eio block_io read "$VOLUME" --length 131072
	expect_eio block_io read "$VOLUME" --offset 524288 --length 131072
	block_io read "$VOLUME" --offset 131072 --length 393216 > "$WORK/out"
	head -c 524288 "$WORK/plain" | tail -c 393216 > "$WORK/expected"
	expect_same "$WORK/expected" "$WORK/out" "read between the bad sectors"

	random_file "$WORK/plain" $SIZE
	for failures in 1 1 0; do
		block_io write "$VOLUME" --sizes 131072 --errors "$WORK/errors" < "$WORK/plain"
		[ "$(wc -l < "$WORK/errors")" -eq $failures ] ||
			fail "not $failures writes failed: $(cat "$WORK/errors")"
	done
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read after the sectors were written"
	works_again
}

ktap_set_plan 8
for size in 512 4096; do
	run_case "sectors of $size: a byte changes when read" corrupted_read $size
	run_case "sectors of $size: a byte changes when written" corrupted_write $size
	run_case "sectors of $size: bad until they are written" dust_sectors $size
done
run_case "writes are dropped" dropped_writes
run_case "a device that comes and goes" up_and_down
finish
