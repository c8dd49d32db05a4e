#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt converts a bio sector by sector, up to its end, if it cannot
# allocate the scatterlist; that small bios need no allocation; and that dm-crypt
# batches again as soon as there is memory.  failslab fails the allocations in
# crypt_alloc_sg(), and no others.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
require_helper xts_oracle

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
BIO=(--cut 2048 --sizes 131072)		# 64 segments in a bio
BIOS=$((SIZE / 131072))
UNITS=$((SIZE / 512))

open_volume() {
	DISK=$(make_disk $UNITS)
	random_file "$WORK/plain" $SIZE
	map "$DISK" aes-xts-plain64 "$KEY" 0
	expect_on
}

write_and_read() {
	block_io write "$VOLUME" "$@" < "$WORK/plain"
	block_io read "$DISK" | oracle decrypt --key "$KEY" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "written"
	block_io read "$VOLUME" "$@" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
}

falls_back() {
	open_volume
	start_failing failslab crypt_alloc_sg
	write_and_read "${BIO[@]}"
	expect_count batches 0
	expect_count fallbacks $((2 * BIOS))
}

# needs_no_memory OPTION...: uses I/O of 16 KiB, which has four segments at most.
needs_no_memory() {
	open_volume
	start_failing failslab crypt_alloc_sg
	write_and_read --sizes 16384 "$@"
	expect_count fallbacks 0
	expect_count batches $((2 * SIZE / 16384))
}

recovers() {
	open_volume
	start_failing failslab crypt_alloc_sg
	block_io write "$VOLUME" "${BIO[@]}" < "$WORK/plain"
	expect_count fallbacks $BIOS
	stop_failing
	write_and_read "${BIO[@]}"
	expect_count fallbacks $BIOS
	expect_count batches $((2 * BIOS))
}

require_fault failslab crypt_alloc_sg
trap 'stop_failing; clean_all' EXIT

ktap_set_plan 4
run_case "a bio without scatterlist is converted sector by sector" falls_back
run_case "16 KiB in one piece needs no memory" needs_no_memory
run_case "16 KiB in four segments needs no memory" needs_no_memory --cut 4096
run_case "batching goes on when there is memory again" recovers
finish
