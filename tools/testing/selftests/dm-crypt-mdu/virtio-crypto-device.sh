#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves what the driver of virtio crypto devices does with a device that answers in
# another order, has little room, fails, answers nonsense or not at all: what can be
# right is, what cannot be fails, all comes to an end, and the volume goes on.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")"/lib.sh
# shellcheck source-path=SCRIPTDIR source=virtio_crypto.sh disable=SC1091
. "$TEST_DIR"/virtio_crypto.sh
require_test_device
TEST_DEVICE_NAME=$(virtio_device)

SIZE=$((1024 * 1024))
# One bio of 128 sectors.
PIECE=65536

reset_device() {
	set_device order=fifo delay_us=0 fail_at=0 status=1 written_at=0 written=0 break_at=0 \
		silent_at=0 no_sessions=N deaf=N forgets=reset ready=Y \
		requests=0 notifications=0 interrupts=0 \
		indirect=0 ring_size=256 max_size=4294967295
}

# The driver asks for some of it when it is bound.
rebind() {
	local device

	device=$(virtio_device)
	set_device "$@"
	[ -z "$device" ] || echo "$device" > $VIRTIO_DRIVER/unbind
	echo "${device:-$TEST_DEVICE_NAME}" > $VIRTIO_DRIVER/bind
}

# run_device_case DESCRIPTION FUNCTION [ARGUMENT...]: the device is as it was when it was
# loaded.
run_device_case() {
	reset_device
	run_case "$@"
	reset_device
	rebind
}

# open_volume MODE: with random data, also in $WORK/plain
open_volume() {
	MODE=$1
	KEY=$(random_key "$(key_bytes "$MODE")")
	DISK=$(make_disk $((SIZE / 512)))
	map "$DISK" "$(device_cipher "$MODE")-plain64" "$KEY" 8
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	expect_batched
}

# cpu_agrees: what is on the disk is $WORK/plain.
cpu_agrees() {
	unmap
	on_volume "$(cpu_cipher "$MODE")" read_plain
}

# write_piece NUMBER: writes and keeps that part of $WORK/plain anew.
write_piece() {
	random_file "$WORK/piece" $PIECE
	block_io write "$VOLUME" --offset $(($1 * PIECE)) --length $PIECE \
		--sizes $PIECE < "$WORK/piece" 2> "$WORK/message" || return
	dd if="$WORK/piece" of="$WORK/plain" bs=$PIECE seek="$1" conv=notrunc status=none
}

read_piece() {
	block_io read "$VOLUME" --offset $(($1 * PIECE)) --length $PIECE \
		--sizes $PIECE > "$WORK/out" 2> "$WORK/message"
}

expect_io_error() {
	! "$@" || fail "no error: $*"
	grep -i 'input/output error' "$WORK/message" > /dev/null ||
		fail "not an I/O error: $(cat "$WORK/message")"
}

everything_works() {
	write_piece 3
	write_piece 4
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read afterwards"
}

# like_cpu MODE yes|no: is the device used?
like_cpu() {
	open_volume "$1"
	uses_device "$2" everything_works
	[ "$(device_parameter indirect)" -eq 0 ] || fail "indirect descriptors are used"
	cpu_agrees
}

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

breaks() {
	open_volume "$1"
	set_device requests=0 break_at=20
	# What the device has got fails; and nothing waits.
	expect_io_error write_piece 5
	uses_device no write_piece 5
	uses_device no everything_works
	set_device break_at=0
	cpu_agrees
	rebind
	like_cpu "$1" yes
}

silent() {
	local device writer

	open_volume "$1"
	device=$(virtio_device)
	set_device requests=0 silent_at=20
	write_piece 5 &
	writer=$!
	sleep 1
	kill -0 $writer 2> /dev/null || fail "a write without an answer does not wait"
	echo "$device" > $VIRTIO_DRIVER/unbind
	! wait $writer || fail "a write without an answer passes"
	write_piece 5
	everything_works
	set_device silent_at=0
	cpu_agrees
	echo "$device" > $VIRTIO_DRIVER/bind
	like_cpu "$1" yes
}

# waits_for_silent MODE: what the device has got fails, what waits behind it does not.
waits_for_silent() {
	local i writers=()

	rebind ring_size=16
	open_volume "$1"
	set_device requests=0 silent_at=1
	for i in 1 2 3 4; do
		random_file "$WORK/piece.$i" $PIECE
		block_io write "$VOLUME" --offset $((i * PIECE)) --length $PIECE \
			--sizes $PIECE < "$WORK/piece.$i" 2> "$WORK/message.$i" || exit &
		writers+=($!)
		sleep 0.5
	done
	echo "$TEST_DEVICE_NAME" > $VIRTIO_DRIVER/unbind
	! wait "${writers[0]}" || fail "a write without an answer passes"
	for i in 2 3 4; do
		wait "${writers[i - 1]}" || fail "write $i fails, of which the device has nothing"
		dd if="$WORK/piece.$i" of="$WORK/plain" bs=$PIECE seek=$i conv=notrunc \
			status=none
	done
	write_piece 1
	everything_works
	cpu_agrees
}

# breaks_with_others MODE: the same, when the device breaks the virtqueue.
breaks_with_others() {
	local i writers=() failed=0

	rebind ring_size=16
	open_volume "$1"
	set_device requests=0 delay_us=500000 break_at=4
	for i in 1 2 3 4; do
		random_file "$WORK/piece.$i" $PIECE
		block_io write "$VOLUME" --offset $((i * PIECE)) --length $PIECE \
			--sizes $PIECE < "$WORK/piece.$i" 2> "$WORK/message.$i" || exit &
		writers+=($!)
		sleep 0.05
	done
	for i in 1 2 3 4; do
		if wait "${writers[i - 1]}"; then
			dd if="$WORK/piece.$i" of="$WORK/plain" bs=$PIECE seek=$i conv=notrunc \
				status=none
		else
			failed=$((failed + 1))
		fi
	done
	[ $failed -eq 1 ] || fail "$failed writes fail, and not the one that the device had"
	set_device delay_us=0 break_at=0
	for i in 1 2 3 4; do
		write_piece $i
	done
	cpu_agrees
}

# The rest of a case after a key has been set in vain: there is no device any more.
expect_without_device() {
	local deadline=$((SECONDS + 60))

	until [ -e "$VOLUME-2" ] || [ $SECONDS -ge $deadline ]; do
		sleep 0.5
	done
	[ -e "$VOLUME-2" ] || fail "still waits for a device that does not answer"
	uses_device no everything_works
	NAME=$NAME-2 uses_device no block_io read "$VOLUME-2" > /dev/null
}

# open_second: a volume with another key, beside the first
open_second() {
	dmsetup create "$NAME-2" --table "0 $((SIZE / 512)) crypt \
		$(device_cipher "$MODE")-plain64 $KEY_2 8 $DISK_2 0"
}

prepare_second() {
	KEY_2=$(random_key "$(key_bytes "$MODE")")
	truncate -s $SIZE "$WORK/second"
	DISK_2=$(losetup --find --show "$WORK/second")
}

# A device that does not answer a control request is given up.
deaf() {
	open_volume "$1"
	prepare_second
	set_device deaf=Y
	open_second
	expect_without_device
	unmap_all
	on_volume "$(cpu_cipher "$MODE")" read_plain
	set_device deaf=N
	rebind
	like_cpu "$1" yes
}

# Also when the driver is to be unbound meanwhile.
deaf_and_goes() {
	local device

	open_volume "$1"
	prepare_second
	device=$(virtio_device)
	set_device deaf=Y
	open_second &
	sleep 1
	[ ! -e "$VOLUME-2" ] || fail "a key without an answer does not wait"
	echo "$device" > $VIRTIO_DRIVER/unbind
	expect_without_device
	wait $!
	unmap_all
	on_volume "$(cpu_cipher "$MODE")" read_plain
	set_device deaf=N
	echo "$device" > $VIRTIO_DRIVER/bind
	like_cpu "$1" yes
}

# not_ready MODE FORGETS: two keys, whose sessions are made in another order afterwards.
not_ready() {
	open_volume "$1"
	prepare_second
	set_device forgets="$2"
	open_second
	set_device ready=N
	sleep 0.5
	uses_device no everything_works
	set_device ready=Y
	sleep 0.5
	uses_device yes everything_works
	uses_device yes block_io write "$VOLUME-2" < "$WORK/plain"
	[ "$(device_parameter sessions)" -eq 4 ] ||
		fail "$(device_parameter sessions) sessions, and not 4"
	dmsetup remove "$NAME-2"
	cpu_agrees
	DISK=$DISK_2 KEY=$KEY_2 on_volume "$(cpu_cipher "$MODE")" read_plain
}

# The driver closes sessions before the device is reset.
never_forgets() {
	set_device forgets=never
	open_volume "$1"
	echo "$TEST_DEVICE_NAME" > $VIRTIO_DRIVER/unbind
	[ "$(device_parameter sessions)" -eq 0 ] || fail "sessions are left over"
	cpu_agrees
}

ktap_set_plan $((${#MODES[@]} * 13 + 4))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: all is well" like_cpu "$mode" yes
	run_device_case "$mode: answers in another order" other_order "$mode"
	run_device_case "$mode: room for 3 device requests" little_room "$mode" ring_size=16 yes
	run_device_case "$mode: no room for a sector" little_room "$mode" max_size=600 no
	run_device_case "$mode: one notification for all data units" notified "$mode"
	run_device_case "$mode: an error among many units" fails_inside "$mode" fail_at=20
	run_device_case "$mode: an unknown status" fails_inside "$mode" fail_at=20 status=77
	run_device_case "$mode: writes less than it has to" \
		fails_inside "$mode" written_at=20 written=512
	run_device_case "$mode: returns what it has not got" breaks "$mode"
	run_device_case "$mode: breaks, and others wait" breaks_with_others "$mode"
	run_device_case "$mode: not ready for a while" not_ready "$mode" reset
	run_device_case "$mode: not ready for a while, and forgets" not_ready "$mode" unready
	run_device_case "$mode: never forgets" never_forgets "$mode"
done
# These wait for the driver to lose patience.
run_device_case "$mode: does not answer, and goes" silent "$mode"
run_device_case "$mode: does not answer, and others wait" waits_for_silent "$mode"
run_device_case "$mode: does not answer a control request" deaf "$mode"
run_device_case "$mode: does not answer a control request, and goes" deaf_and_goes "$mode"
finish
