#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt does not sleep to allocate a scatterlist if it converts a bio
# where the bio completes or is submitted, and not in a workqueue.  null_blk completes
# in the submitter's RCU read-side section, and in softirq and timer context.  The
# kernel warns if code sleeps there (DEBUG_ATOMIC_SLEEP).

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_null_blk.sh

KEY=$(random_key 64)
SIZE=$((4 * 1024 * 1024))

complaints() {
	dmesg | grep -c 'sleeping function called from invalid context' || :
}

# does_not_sleep IRQMODE OPTION
does_not_sleep() {
	local before

	# No memory_backed: with this attribute, null_blk may sleep when it gets a request.
	make_null_blk "$1" $((SIZE >> 20))
	before=$(complaints)
	map "$DISK" aes-xts-plain64 "$KEY" 0 "$2"
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" --cut 2048 --sizes 131072 < "$WORK/plain"
	block_io read "$VOLUME" --cut 2048 --sizes 131072 > "$WORK/out"
	[ "$(stat -c %s "$WORK/out")" -eq $SIZE ]
	expect_batched
	unmap
	[ "$(complaints)" -eq "$before" ] || fail "the kernel warns of sleeping in atomic context"
}

zcat /proc/config.gz 2> /dev/null | grep '^CONFIG_DEBUG_ATOMIC_SLEEP=y' > /dev/null ||
	skip_all "the kernel does not notice sleeping in atomic context"
require_null_blk
trap 'remove_null_blk; clean_all' EXIT

ktap_set_plan 6
for irqmode in 0 1 2; do
	for option in no_read_workqueue no_write_workqueue; do
		run_case "$option on a device that completes with irqmode $irqmode" \
			does_not_sleep $irqmode $option
		remove_null_blk
	done
done
finish
