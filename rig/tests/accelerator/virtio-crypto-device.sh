#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the driver of virtio crypto devices works with a device that answers in another
# order, has a small virtqueue, or fails in the middle of a request; and that the driver
# notifies the device once for many data units.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator_module.sh

# another_device MODE yes|no NAME=VALUE...: checks that a volume uses a device with these
# parameters (yes) or does not (no).
another_device() {
	reload_device "${@:3}"
	like_cpu "$1" "$2"
}

# The test module compares the driver's result with the CPU's result.
many_pieces() {
	local pieces

	for pieces in 1 5 17 64; do
		set_device requests=0
		uses_device yes set_device pieces=$pieces
		expect_device requests -eq 1
	done
}

# fails_inside MODE [NAME=VALUE...]: checks that an I/O fails if one of its device requests
# fails, and that the next I/O succeeds.
fails_inside() {
	open_volume "$1"
	set_device "${@:2}" requests=0 fail_at=20
	expect_io_error read_piece 5
	# The read has ended, so the device has none of its requests any more.
	expect_device requests -ge 20
	set_device requests=0
	expect_io_error write_piece 5
	set_device fail_at=0
	write_piece 5
	everything_works
	cpu_agrees
}

# notified MODE: checks that the driver sends one notification for a request of eight data
# units.
notified() {
	open_volume "$1"
	set_device notifications=0 requests=0 interrupts=0
	block_io write "$VOLUME" --sizes 4096 --length 4096 < "$WORK/plain"
	expect_device requests -eq 8
	expect_device notifications -eq 1
	expect_device interrupts -ge 1
}

ktap_set_plan $((${#MODES[@]} * 8 + 1))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: a device without errors" like_cpu "$mode" yes
	run_device_case "$mode: answers in another order" \
		another_device "$mode" yes order=lifo delay_us=2000
	run_device_case "$mode: room for 4 device requests" \
		another_device "$mode" yes ring_size=16
	run_device_case "$mode: max_size below a sector" another_device "$mode" no max_size=600
	run_device_case "$mode: one notification for all data units" notified "$mode"
	run_device_case "$mode: one data unit fails" fails_inside "$mode"
	run_device_case "$mode: an unknown status" fails_inside "$mode" status=77
	run_device_case "$mode: the device reports too few bytes" \
		fails_inside "$mode" status=0 written=512
done
run_device_case "cbc: requests in many pieces" many_pieces
finish
