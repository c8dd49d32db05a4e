#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume works while dm-crypt gets no memory but its reserves.  Pages, bios
# and requests come from the reserves, also where nobody can wait for them.  I/O continues
# when the reserves are used up.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_helper xts_oracle
require_mdu_cipher
require_null_blk

KEY=$(random_key 64)
SIZE=$((4 * 1024 * 1024))
# The whole volume at once: this has more sectors than the reserve of 64 requests, and
# more pages than the reserve of 256 pages.
WHOLE=(--sizes "$SIZE" --cut 8192)
# One bio at a time.
BIO=(--sizes 131072 --cut 2048)
BIOS=$((SIZE / 131072))
UNITS=$((SIZE / 512))

# open_volume DEVICE CIPHER [OPTION...]: $WORK/new has other data to write to $VOLUME.
open_volume() {
	open_encrypted "$@"
	random_file "$WORK/new" $SIZE
}

# read_volume FILE SHAPE...
read_volume() {
	block_io read "$VOLUME" "${@:2}" > "$WORK/out"
	expect_same "$1" "$WORK/out" "read"
}

# Two programs write at once, one of them in small I/O.
write_volume() {
	local large

	head -c $((SIZE / 2)) "$WORK/new" > "$WORK/first"
	tail -c $((SIZE / 2)) "$WORK/new" > "$WORK/second"
	block_io write "$VOLUME" "${WHOLE[@]}" < "$WORK/first" &
	large=$!
	block_io write "$VOLUME" --offset $((SIZE / 2)) --sizes 65536,512,131072,4096 \
		< "$WORK/second"
	wait $large
	block_io read "$DISK" | oracle decrypt --key "$KEY" > "$WORK/out"
	expect_same "$WORK/new" "$WORK/out" "written"
}

works() {
	leave_only_reserves
	read_volume "$WORK/plain" "${WHOLE[@]}"
	write_volume
	read_volume "$WORK/new" "${WHOLE[@]}"
	stop_failing
	[ "$(count fallbacks)" -gt 0 ] || fail "no fallbacks: $(get_status)"
	# There is memory again.
	write_volume
}

synchronous() {
	open_volume loop aes-xts-plain64 "$@"
	works
}

# The cipher holds at least as many requests as the reserve has.
asynchronous() {
	open_volume "$1" "$MDU_CIPHER" "${@:2}"
	reset_cipher queue_len=1000 delay_us=2000 order=random busy_every=7
	works
	expect_cipher_sane
	expect_cipher most_held -ge 64
}

# dm-crypt cannot wait for a request in softirq context.  A workqueue continues the bio,
# which then is not batched, and does not fall back another time.
in_softirq() {
	open_volume "$1" "$MDU_CIPHER" no_read_workqueue
	reset_cipher queue_len=1000 delay_us=2000
	leave_only_reserves
	read_volume "$WORK/plain" "${BIO[@]}"
	stop_failing
	expect_cipher_sane
	expect_cipher busy -eq 0
	expect_cipher requests -eq $UNITS
	expect_cipher softirq -gt 0
	expect_cipher softirq -lt requests
	expect_status 0 $BIOS
}

require_dm_crypt_faults
trap 'stop_failing; clean_async' EXIT

ktap_set_plan 6
run_async_case "a cipher that answers at once" synchronous
run_async_case "a cipher that answers at once, no workqueues" \
	synchronous no_read_workqueue no_write_workqueue
run_async_case "a cipher that answers later" asynchronous loop
run_async_case "a cipher that answers later, irq2, no workqueues" \
	asynchronous irq2 no_read_workqueue no_write_workqueue
for device in irq1 irq2; do
	run_async_case "requests used up in softirq context, $device" in_softirq $device
done
finish
