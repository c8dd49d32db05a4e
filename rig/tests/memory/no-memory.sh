#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume works while dm-crypt gets no memory but its reserves.  Pages, bios
# and requests come from the reserves, also where dm-crypt must not wait for them.  I/O must
# continue when the reserves are used up.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh
. "$TEST_DIR"/_reserves.sh
require_dm_crypt_faults

SIZE=$((4 * 1024 * 1024))
# One I/O for the whole volume.  The volume, and each of its halves, has more sectors than
# the reserve has requests (64), and more pages than the reserve has pages (256).
WHOLE=(--sizes "$SIZE" --cut 8192)
# One bio at a time.
BIO=(--sizes 131072 --cut 2048)
BIOS=$((SIZE / 131072))
UNITS=$((SIZE / 512))

works() {
	random_file "$WORK/new" $SIZE
	leave_only_reserves
	expect_read "$WORK/plain" "${WHOLE[@]}"
	write_at_once "$WORK/new"
	expect_on_disk "$WORK/new"
	expect_read "$WORK/new" "${WHOLE[@]}"
	stop_failing
	[ "$(count fallbacks)" -gt 0 ] || fail "no fallbacks: $(get_status)"
	# Now there is memory again.
	write_at_once "$WORK/plain"
	expect_on_disk "$WORK/plain"
}

synchronous() {
	open_encrypted loop aes-xts-plain64 "$@"
	works
}

# The cipher must hold at least as many requests as the reserve has.
asynchronous() {
	open_encrypted "$1" "$MDU_CIPHER" "${@:2}"
	reset_cipher queue_len=1000 delay_us=2000 order=random busy_every=7
	works
	expect_cipher_sane
	expect_cipher most_held -ge 64
}

# dm-crypt cannot wait for a request in softirq context.  A workqueue continues the bio,
# sector by sector, without a second fallback.
in_softirq() {
	open_encrypted "$1" "$MDU_CIPHER" no_read_workqueue
	reset_cipher queue_len=1000 delay_us=2000
	leave_only_reserves
	expect_read "$WORK/plain" "${BIO[@]}"
	stop_failing
	expect_cipher_sane
	expect_cipher busy -eq 0 requests -eq $UNITS softirq -gt 0 softirq -lt requests
	expect_status 0 $BIOS
}

ktap_set_plan 6
run_async_case "a cipher that answers at once" synchronous
run_async_case "a cipher that answers at once, no workqueues" \
	synchronous "${NO_WORKQUEUES[@]}"
run_async_case "a cipher that answers later" asynchronous loop
run_async_case "a cipher that answers later, irq2, no workqueues" \
	asynchronous irq2 "${NO_WORKQUEUES[@]}"
for device in irq1 irq2; do
	run_async_case "requests used up in softirq context, $device" in_softirq $device
done
finish
