#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the driver of virtio crypto devices does what is right with one that
# answers in another order, has little room, or fails inside of a request; and that it
# notifies the device once of many data units.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")"/lib.sh
# shellcheck source-path=SCRIPTDIR source=accelerator_module.sh disable=SC1091
. "$TEST_DIR"/accelerator_module.sh

# little_room MODE NAME=VALUE yes|no
little_room() {
	rebind "$2"
	like_cpu "$1" "$3"
}

other_order() {
	set_device order=lifo delay_us=2000
	like_cpu "$1" yes
}

# fails_inside MODE WHAT_AT=N [NAME=VALUE]: an error somewhere in a request
fails_inside() {
	local mode=$1 at=${2%=*} number=${2#*=}

	open_volume "$mode"
	set_device "${@:3}"
	set_device requests=0 "$at=$number"
	expect_io_error read_piece 5
	# All that the device was given has come back.
	[ "$(device_parameter requests)" -ge "$number" ] || fail "the device was not asked"
	set_device requests=0 "$at=$number"
	expect_io_error write_piece 5
	set_device "$at=0"
	write_piece 5
	everything_works
	cpu_agrees
}

# notified MODE: a request of many data units is one notification, of one it is one, too.
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

ktap_set_plan $((${#MODES[@]} * 8))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: all is well" like_cpu "$mode" yes
	run_device_case "$mode: answers in another order" other_order "$mode"
	run_device_case "$mode: room for 4 device requests" little_room "$mode" ring_size=16 yes
	run_device_case "$mode: no room for a sector" little_room "$mode" max_size=600 no
	run_device_case "$mode: one notification for all data units" notified "$mode"
	run_device_case "$mode: an error among many units" fails_inside "$mode" fail_at=20
	run_device_case "$mode: an unknown status" fails_inside "$mode" fail_at=20 status=77
	run_device_case "$mode: writes less than it has to" \
		fails_inside "$mode" written_at=20 written=512
done
finish
