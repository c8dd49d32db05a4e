#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt frees its scatterlists if the cipher completes requests at once or
# later, or fails.  Hundreds of bios that need a scatterlist must not make the kernel's own
# memory grow.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_kmemleak.sh
. "$TEST_DIR"/_mdu_cipher.sh

SIZE=$((8 * 1024 * 1024))
BIO=(--cut 512 --sizes 16384)		# 32 segments in a bio
# Each scatterlist takes more than a KiB, and there are $SIZE / 16 KiB of them.  If they leaked,
# memory would grow by more than this.
MOST_KIB=256

# transfer read|write: transfers the whole volume, and continues if the cipher fails.
transfer() {
	# A read ignores its input.
	block_io "$1" "$VOLUME" "${BIO[@]}" --errors "$WORK/errors" < "$WORK/plain" > "$WORK/out"
}

# gives_back read|write CIPHER [NAME=VALUE...]: checks that dm-crypt frees the memory.
# MDU_CIPHER has these parameters.
gives_back() {
	local before

	reset_cipher "${@:3}"
	DISK=$(make_disk $((SIZE / 512)))
	map "$DISK" "$2" "$KEY" 0
	random_file "$WORK/plain" $SIZE
	# The first run makes allocations that the kernel keeps.
	transfer write
	transfer read
	before=$(meminfo SUnreclaim)
	transfer "$1"
	expect_slab "$before" $MOST_KIB
	expect_count fallbacks 0
	expect_batched
	expect_cipher_sane
}

# gives_back_failed read|write NAME=VALUE...: checks the same if each bio fails.
gives_back_failed() {
	gives_back "$1" "$MDU_CIPHER" fail_every=1 "${@:2}"
	expect_cipher failed -eq requests
	[ "$(wc -l < "$WORK/errors")" -eq $((SIZE / 16384)) ] || fail "not all I/Os failed"
}

ktap_set_plan 6
for what in write read; do
	run_async_case "memory is freed after ${what}s" gives_back $what aes-xts-plain64
	run_async_case "memory is freed after ${what}s, with an asynchronous cipher" \
		gives_back $what "$MDU_CIPHER"
done
run_async_case "memory is freed after writes that fail later" gives_back_failed write
run_async_case "memory is freed after reads that fail at once" \
	gives_back_failed read sync_every=1
finish
