#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that batches are right where sector numbers grow beyond 32 and 64 bits.
# "plain64" carries at 2^32.  "plain" does not, so dm-crypt must not batch a volume
# with "plain" across 2^32.  dm-crypt must not batch either if the sum of iv_offset and
# sector number wraps at 2^64.

. "$(dirname "$0")"/_lib.sh
require_helper xts_oracle

KEY=$(random_key 64)
SECTORS=2048

# Sets DISK to a disk whose last SECTORS lie around sector 2^32, which is in the middle of a
# batch: a batch has 256 sectors at most.
make_high_disk() {
	FIRST=$((0x100000000 - SECTORS / 2 - 8))
	truncate -s $(((FIRST + SECTORS) * 512)) "$WORK/high" 2> /dev/null ||
		skip "the file system of $WORK has no files of 2 TiB"
	DISK=$(losetup --find --show "$WORK/high")
}

make_low_disk() {
	FIRST=0
	DISK=$(make_disk $SECTORS)
}

# compare IV IV_OFFSET SECTOR_SIZE: writes the last SECTORS, compares the disk with
# the oracle, and reads the sectors back.
compare() {
	local place=(--offset $((FIRST * 512)))

	random_file "$WORK/plain" $((SECTORS * 512))
	block_io write "$VOLUME" "${place[@]}" < "$WORK/plain"
	block_io read "$DISK" "${place[@]}" |
		oracle decrypt --key "$KEY" --iv "$1" --iv-offset "$2" \
			--sector-size "$3" --first-sector "$FIRST" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "written by dm-crypt"
	block_io read "$VOLUME" "${place[@]}" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read by dm-crypt"
}

# batches low|high IV IV_OFFSET SECTOR_SIZE
batches() {
	make_"$1"_disk
	map "$DISK" "aes-xts-$2" "$KEY" "$3" "sector_size:$4"
	compare "$2" "$3" "$4"
	expect_batched
}

does_not_batch() {
	make_"$1"_disk
	map "$DISK" "aes-xts-$2" "$KEY" "$3" "sector_size:$4"
	expect_off iv_wrap
	compare "$2" "$3" "$4"
}

ktap_set_plan 10
for size in 512 4096; do
	run_case "plain64, sectors of $size, volume across 2^32" batches high plain64 0 $size
	run_case "plain, sectors of $size, volume across 2^32" does_not_batch high plain 0 $size
	run_case "plain, sectors of $size, volume below 2^32" \
		batches low plain $((0x100000000 - SECTORS)) $size
	run_case "plain, sectors of $size, iv_offset to 2^32" \
		does_not_batch low plain $((0x100000000 - SECTORS + 8)) $size
	run_case "plain64, sectors of $size, iv_offset near 2^64" \
		does_not_batch low plain64 18446744073709551608 $size
done
finish
