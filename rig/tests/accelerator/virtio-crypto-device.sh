#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the driver of virtio crypto devices works with a device that answers in another
# order, has little room, has another kind of virtqueue, or fails inside a request; and that
# the driver notifies the device once for many data units.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator_module.sh

# another_device MODE yes|no NAME=VALUE...: does a volume use a device with these parameters?
another_device() {
	rebind "${@:3}"
	like_cpu "$1" "$2"
}

# no_memory_to_map MODE [NAME=VALUE]: data that cannot be mapped waits, or the CPU processes it.
no_memory_to_map() {
	grep 'swiotlb=[0-9]*,force' /proc/cmdline > /dev/null ||
		skip "the kernel was booted without swiotlb=512,force"
	# A device request takes four of the 512 slots, and 256 device requests fit in the queue.
	another_device "$1" yes bounces=Y ring_size=1024 delay_us=2000 "${@:2}"
}

# The test module compares the driver's result with the CPU's result.
many_pieces() {
	local pieces

	for pieces in 1 5 17 64; do
		set_device requests=0
		uses_device yes set_device pieces=$pieces
		[ "$(device_parameter requests)" -eq 1 ] || fail "not one device request"
	done
}

other_order() {
	set_device order=lifo delay_us=2000
	like_cpu "$1" yes
}

# fails_inside MODE WHAT_AT=N [NAME=VALUE]: the Nth device request of an I/O goes wrong.
fails_inside() {
	local mode=$1 at=${2%=*} number=${2#*=}

	open_volume "$mode"
	set_device "${@:3}"
	set_device requests=0 "$at=$number"
	expect_io_error read_piece 5
	# The device has returned all device requests of the read.
	[ "$(device_parameter requests)" -ge "$number" ] || fail "the device was not asked"
	set_device requests=0 "$at=$number"
	expect_io_error write_piece 5
	set_device "$at=0"
	write_piece 5
	everything_works
	cpu_agrees
}

# notified MODE: the driver sends one notification for a request of many data units.
notified() {
	local batched

	open_volume "$1"
	set_device notifications=0 requests=0
	block_io write "$VOLUME" --sizes 4096 --length 4096 < "$WORK/plain"
	[ "$(device_parameter requests)" -eq 8 ] || fail "not 8 device requests"
	batched=$(device_parameter notifications)
	[ "$batched" -eq 1 ] || fail "$batched notifications for one bio"
	[ "$(device_parameter interrupts)" -ge 1 ] || fail "no interrupt"
}

ktap_set_plan $((${#MODES[@]} * 12 + 1))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: all is well" like_cpu "$mode" yes
	run_device_case "$mode: answers in another order" other_order "$mode"
	run_device_case "$mode: room for 4 device requests" \
		another_device "$mode" yes ring_size=16
	run_device_case "$mode: no room for a sector" another_device "$mode" no max_size=600
	run_device_case "$mode: a packed ring" another_device "$mode" yes packed=Y
	run_device_case "$mode: a packed ring with little room" \
		another_device "$mode" yes packed=Y ring_size=16 delay_us=1000
	run_device_case "$mode: no memory to map requests" no_memory_to_map "$mode"
	run_device_case "$mode: no memory to map requests, a packed ring" \
		no_memory_to_map "$mode" packed=Y
	run_device_case "$mode: one notification for all data units" notified "$mode"
	run_device_case "$mode: an error among many units" fails_inside "$mode" fail_at=20
	run_device_case "$mode: an unknown status" fails_inside "$mode" fail_at=20 status=77
	run_device_case "$mode: writes less than it has to" \
		fails_inside "$mode" written_at=20 written=512
done
if has_driver cbc; then
	run_device_case "cbc: requests in many pieces" many_pieces
else
	ktap_test_skip "cbc: requests in many pieces: the device has no CBC"
fi
finish
