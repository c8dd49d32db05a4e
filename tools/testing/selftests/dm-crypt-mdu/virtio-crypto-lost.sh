#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that nothing waits for ever, and no more is lost than has to be, when a
# virtio crypto device breaks its virtqueue, does not answer or goes, and that the volume
# goes on.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")"/lib.sh
# shellcheck source-path=SCRIPTDIR source=accelerator_module.sh disable=SC1091
. "$TEST_DIR"/accelerator_module.sh

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
	local writer

	open_volume "$1"
	set_device requests=0 silent_at=20
	write_piece 5 &
	writer=$!
	sleep 1
	kill -0 $writer 2> /dev/null || fail "a write without an answer does not wait"
	unbind
	! wait $writer || fail "a write without an answer passes"
	write_piece 5
	everything_works
	set_device silent_at=0
	cpu_agrees
	bind
	like_cpu "$1" yes
}

notified() {
	[ "$(device_parameter notifications)" -gt 0 ]
}

# goes_while_notified MODE: who notifies the device has no lock, as that may take long, and
# may still be at it when the request is complete and the device is to go.
goes_while_notified() {
	local writer

	# With room for all of a piece, so that there is one notification.
	rebind ring_size=1024
	open_volume "$1"
	set_device notifications=0 notify_ms=2000
	send_piece 5 &
	writer=$!
	wait_for 10 notified
	unbind
	wait $writer || fail "a write fails that the device has processed"
	keep_piece 5
	[ "$(device_parameter notified_late)" -eq 0 ] ||
		fail "the virtqueue was deleted while the device was notified of a request"
	set_device notify_ms=0
	everything_works
	cpu_agrees
	bind
	like_cpu "$1" yes
}

# start_writers SECONDS: of the pieces 1 to 4, one after the other, with so much between.
start_writers() {
	local i

	WRITERS=()
	for i in 1 2 3 4; do
		send_piece $i 2> "$WORK/message.$i" || exit &
		WRITERS[i]=$!
		sleep "$1"
	done
}

# waits_for_silent MODE: what the device has got fails, what waits behind it does not.
waits_for_silent() {
	local i

	rebind ring_size=16
	open_volume "$1"
	set_device requests=0 silent_at=1
	start_writers 0.5
	unbind
	! wait "${WRITERS[1]}" || fail "a write without an answer passes"
	for i in 2 3 4; do
		wait "${WRITERS[i]}" || fail "write $i fails, of which the device has nothing"
		keep_piece $i
	done
	write_piece 1
	everything_works
	cpu_agrees
}

# breaks_with_others MODE: the same, when the device breaks the virtqueue.
breaks_with_others() {
	local i failed=0

	rebind ring_size=16
	open_volume "$1"
	set_device requests=0 delay_us=500000 break_at=4
	start_writers 0.05
	for i in 1 2 3 4; do
		if wait "${WRITERS[i]}"; then
			keep_piece $i
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
	wait_for 60 test -e "$VOLUME-2"
	uses_device no everything_works
	NAME=$NAME-2 uses_device no block_io read "$VOLUME-2" > /dev/null
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
	open_volume "$1"
	prepare_second
	set_device deaf=Y
	open_second &
	sleep 1
	[ ! -e "$VOLUME-2" ] || fail "a key without an answer does not wait"
	unbind
	expect_without_device
	wait $!
	unmap_all
	on_volume "$(cpu_cipher "$MODE")" read_plain
	set_device deaf=N
	bind
	like_cpu "$1" yes
}

ktap_set_plan $((${#MODES[@]} * 2 + 5))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: returns what it has not got" breaks "$mode"
	run_device_case "$mode: breaks, and others wait" breaks_with_others "$mode"
done
# Most of these wait for the driver to lose patience, so one cipher has to do.
mode=${MODES[-1]}
run_device_case "$mode: does not answer, and goes" silent "$mode"
run_device_case "$mode: goes while it is notified" goes_while_notified "$mode"
run_device_case "$mode: does not answer, and others wait" waits_for_silent "$mode"
run_device_case "$mode: does not answer a control request" deaf "$mode"
run_device_case "$mode: does not answer a control request, and goes" deaf_and_goes "$mode"
finish
