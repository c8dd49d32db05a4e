#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt frees its scatterlists, with a cipher that answers at once and
# with one that answers later: hundreds of bios that need a scatterlist do not make the
# kernel's own memory grow.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_kmemleak.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_mdu_cipher

KEY=$(random_key 64)
SIZE=$((8 * 1024 * 1024))
BIO=(--cut 512 --sizes 16384)		# 32 segments in a bio
# Each scatterlist takes more than a KiB, and there are $SIZE / 16 KiB of them.
MOST_KIB=256

# gives_back read|write CIPHER
gives_back() {
	local before

	DISK=$(make_disk $((SIZE / 512)))
	map "$DISK" "$2" "$KEY" 0
	random_file "$WORK/plain" $SIZE
	# The first run makes the allocations that stay.
	block_io write "$VOLUME" "${BIO[@]}" < "$WORK/plain"
	block_io read "$VOLUME" "${BIO[@]}" > "$WORK/out"

	before=$(meminfo SUnreclaim)
	case $1 in
	write)	block_io write "$VOLUME" "${BIO[@]}" < "$WORK/plain" ;;
	read)	block_io read "$VOLUME" "${BIO[@]}" > "$WORK/out" ;;
	esac
	expect_slab "$before" $MOST_KIB
	expect_count fallbacks 0
	expect_batched
}

trap clean_async EXIT

ktap_set_plan 4
for what in write read; do
	run_case "memory is given back after ${what}s" gives_back $what aes-xts-plain64
	run_async_case "memory is given back after ${what}s, with an asynchronous cipher" \
		gives_back $what "$MDU_CIPHER"
done
finish
