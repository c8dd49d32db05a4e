#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a workqueue continues a bio which dm-crypt cannot finish in softirq
# context, because the queue of the cipher is full, and that no part of the bio is
# processed twice.  A batched bio stays one request.  A bio that found no memory for
# its scatterlist falls back once, and is not batched when a workqueue continues it.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_helper xts_oracle
require_mdu_cipher
require_null_blk

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
BIO=(--cut 2048 --sizes 131072)		# 64 segments in a bio
BIOS=$((SIZE / 131072))
UNITS=$((SIZE / 512))

# open_volume DEVICE
open_volume() {
	open_encrypted "$1" "$MDU_CIPHER" no_read_workqueue
}

read_volume() {
	block_io read "$VOLUME" "${BIO[@]}" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
	expect_cipher_sane
}

# batched DEVICE NAME=VALUE...
batched() {
	open_volume "$1"
	reset_cipher "${@:2}"
	read_volume
	expect_cipher softirq -eq $BIOS
	expect_cipher busy -eq $BIOS
	expect_cipher requests -eq $BIOS
	expect_cipher many -eq $BIOS
	expect_cipher units -eq $UNITS
	expect_status $BIOS 0
}

# dm-crypt converts the first sector of each bio in softirq context, and stops because
# the queue is full.  The delay keeps the queue full until dm-crypt looks.  Now and then
# there is room earlier, and dm-crypt continues.
falls_back() {
	open_volume "$1"
	reset_cipher busy_every=1 delay_us=2000
	start_failing failslab crypt_alloc_sg
	read_volume
	stop_failing
	expect_cipher softirq -ge $BIOS
	expect_cipher softirq -lt $((2 * BIOS))
	expect_cipher busy -eq $UNITS
	expect_cipher requests -eq $UNITS
	expect_cipher units -eq $UNITS
	expect_status 0 $BIOS
}

# The queue is full at every other sector, and requests complete in another order.  Later
# there is memory again, and dm-crypt batches.
comes_and_goes() {
	open_volume "$1"
	reset_cipher busy_every=2 order=random
	start_failing failslab crypt_alloc_sg
	read_volume
	stop_failing
	expect_cipher softirq -gt 0
	expect_cipher requests -eq $UNITS
	expect_status 0 $BIOS
	read_volume
	expect_status $BIOS $BIOS
}

# If there is room in the queue before dm-crypt looks, dm-crypt continues at once.
falls_back_in_line() {
	open_volume "$1"
	reset_cipher busy_every=1 context=inline
	start_failing failslab crypt_alloc_sg
	read_volume
	stop_failing
	expect_cipher softirq -eq $UNITS
	expect_cipher busy -eq $UNITS
	expect_status 0 $BIOS
}

require_fault failslab crypt_alloc_sg
trap 'stop_failing; clean_async' EXIT

ktap_set_plan 12
for device in irq1 irq2; do
	run_async_case "$device: one request, queue full" batched $device busy_every=1
	run_async_case "$device: one request, queue full, completed in softirq context" \
		batched $device busy_every=1 context=softirq
	run_async_case "$device: one request, queue free again at once" \
		batched $device busy_every=1 context=inline
	run_async_case "$device: sector by sector, queue full" falls_back $device
	run_async_case "$device: sector by sector, queue full now and then" \
		comes_and_goes $device
	run_async_case "$device: sector by sector, queue free again at once" \
		falls_back_in_line $device
done
finish
