#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that I/O of every shape moves the right bytes through a batched volume:
# from one sector to 4 MiB, in few segments and in more than a bio holds, at odd
# offsets in memory, direct and buffered, one write over another.  The test writes
# the same data to a plain file, and compares the volume with the file.

. "$(dirname "$0")"/_lib.sh

SIZE=$((4 * 1024 * 1024))

# Opens a volume, and writes the same random data to all of it and to the plain file.
open_volume() {
	random_file "$WORK/model" $SIZE
	map "$(make_disk $((SIZE / 512)))" aes-xts-plain64 "$(random_key 64)" 0 "sector_size:$1"
	block_io write "$VOLUME" < "$WORK/model"
}

# put OFFSET LENGTH [OPTION...]: writes random data to the volume and to the file.
put() {
	random_file "$WORK/data" "$2"
	block_io write "$VOLUME" --offset "$1" --length "$2" "${@:3}" < "$WORK/data"
	block_io write "$WORK/model" --buffered --offset "$1" < "$WORK/data"
}

compare() {
	block_io read "$VOLUME" "$@" > "$WORK/read"
	expect_same "$WORK/model" "$WORK/read" "read $*"
	expect_batched
}

# 1 MiB arrives as eight bios.  dm-crypt must make one batch of each.
one_request_a_bio() {
	local size=$1 requests

	open_volume "$size"
	requests=$(count batches)
	put 0 $((1024 * 1024))
	[ $(($(count batches) - requests)) -eq 8 ] || fail "not 8 requests: $(get_status)"
	expect_count fallbacks 0
}

# cut_into SECTOR_SIZE SEGMENT_SIZE: uses many I/O sizes, with up to 1024 segments.
cut_into() {
	local largest=$(($2 * 1024))

	open_volume "$1"
	[ $largest -le $SIZE ] || largest=$SIZE
	put "$1" $((SIZE - $1)) --cut "$2" --sizes "$largest,$1,$(($1 * 7)),$(($1 * 33)),131072"
	compare --cut "$2" --sizes "$(($1 * 9)),$1,$largest,16384"
}

in_one_piece() {
	open_volume "$1"
	put 0 $SIZE --sizes $SIZE
	compare --sizes $SIZE
}

buffered() {
	open_volume "$1"
	put 1 $((SIZE - 2)) --buffered --sizes "5000,1,123456,$1,700001"
	blockdev --flushbufs "$VOLUME"
	compare --buffered --sizes 10000,77
	compare
}

# Direct and buffered writes overlap.
overlapping() {
	local unit=$1 i offset length

	open_volume "$unit"
	for i in {1..40}; do
		offset=$((RANDOM * 128 % SIZE / unit * unit))
		length=$(((1 + RANDOM % 256) * unit))
		[ $((offset + length)) -le $SIZE ] || length=$((SIZE - offset))
		if [ $((i % 3)) -eq 0 ]; then
			put "$offset" "$length" --buffered
		else
			put "$offset" "$length" --cut $((unit * (1 + i % 5)))
		fi
	done
	compare
}

RANDOM=${SEED:=$RANDOM}
ktap_print_msg "to repeat this run: SEED=$SEED"
ktap_set_plan 13
for size in 512 4096; do
	run_case "sectors of $size: one request a bio" one_request_a_bio $size
	run_case "sectors of $size: 4 MiB in one piece" in_one_piece $size
	run_case "sectors of $size: buffered" buffered $size
	run_case "sectors of $size: overlapping writes" overlapping $size
done
for cut in 512 1536 7680; do
	run_case "sectors of 512, segments of $cut" cut_into 512 $cut
done
for cut in 4096 12288; do
	run_case "sectors of 4096, segments of $cut" cut_into 4096 $cut
done
finish
