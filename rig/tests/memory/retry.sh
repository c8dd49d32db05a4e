#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a workqueue continues a bio that dm-crypt cannot finish in softirq
# context, because the queue of the cipher is full.  dm-crypt must process no part of
# the bio twice.  A batched bio stays one request.  A bio that found no memory for its
# scatterlist falls back once, and is not batched when a workqueue continues it.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_fault failslab crypt_alloc_sg

SIZE=$((1024 * 1024))
BIOS=$((SIZE / 131072))

# open_volume DEVICE SECTOR_SIZE
open_volume() {
	UNIT=$2
	UNITS=$((SIZE / UNIT))
	open_encrypted "$1" "$MDU_CIPHER" no_read_workqueue
}

# Each bio has more segments than there are inline entries.
read_volume() {
	expect_read "$WORK/plain" --sizes 131072 --cut $((UNIT * 4))
	expect_cipher_sane
}

# batched DEVICE SECTOR_SIZE NAME=VALUE...
batched() {
	open_volume "$1" "$2"
	reset_cipher "${@:3}"
	read_volume
	expect_cipher softirq -eq $BIOS busy -eq $BIOS requests -eq $BIOS many -eq $BIOS \
		units -eq $UNITS
	expect_status $BIOS 0
}

# falls_back DEVICE SECTOR_SIZE NAME=VALUE...
falls_back() {
	open_volume "$1" "$2"
	reset_cipher "${@:3}"
	start_failing failslab crypt_alloc_sg
	read_volume
	stop_failing
	expect_cipher requests -eq $UNITS units -eq $UNITS
	expect_status 0 $BIOS
}

# dm-crypt converts the first sector of each bio in softirq context, and stops because
# the queue is full.  The delay keeps the queue full until dm-crypt asks whether there is
# room.  Sometimes there is room earlier, and dm-crypt continues in softirq context.
queue_full() {
	falls_back "$@" busy_every=1 delay_us=2000
	expect_cipher softirq -ge $BIOS softirq -lt $((2 * BIOS)) busy -eq $UNITS
}

# The queue is full at every other sector, and requests complete in another order.  Then
# there is memory again, and dm-crypt batches again.
comes_and_goes() {
	falls_back "$@" busy_every=2 order=random
	expect_cipher softirq -gt 0
	read_volume
	expect_status $BIOS $BIOS
}

# There is room in the queue before dm-crypt asks for it, so dm-crypt continues at once, in
# softirq context.
free_at_once() {
	falls_back "$@" busy_every=1 context=inline
	expect_cipher softirq -eq $UNITS busy -eq $UNITS
}

ktap_set_plan 12
for where in "irq1 512" "irq2 4096"; do
	read -r device size <<< "$where"
	run_async_case "$device: one request, queue full" batched "$device" "$size" busy_every=1
	run_async_case "$device: one request, queue full, completed in softirq context" \
		batched "$device" "$size" busy_every=1 context=softirq
	run_async_case "$device: one request, queue free again at once" \
		batched "$device" "$size" busy_every=1 context=inline
	run_async_case "$device: sector by sector, queue full" queue_full "$device" "$size"
	run_async_case "$device: sector by sector, queue full now and then" \
		comes_and_goes "$device" "$size"
	run_async_case "$device: sector by sector, queue free again at once" \
		free_at_once "$device" "$size"
done
finish
