#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that nothing waits for ever if a virtio crypto device breaks its virtqueue, does not
# answer or goes away; that writes succeed, as the CPU can do them again; and that the volume
# continues to work.  A read in flight fails, as the device decrypts in place.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator_module.sh

read_fails() {
	expect_io_error read_piece 5
}

write_passes() {
	write_piece 5 || fail "a write fails that the CPU can do again"
}

# breaks MODE COMMAND: the device breaks its virtqueue during COMMAND
breaks() {
	open_volume "$1"
	set_device requests=0 break_at=20
	"$2"
	[ "$(device_parameter requests)" -ge 20 ] || fail "the device was not asked"
	uses_device no write_piece 5
	uses_device no everything_works
	set_device break_at=0
	cpu_agrees
	rebind
	like_cpu "$1" yes
}

# silent MODE write|read: the device goes away while this I/O is in flight
silent() {
	local user

	open_volume "$1"
	set_device requests=0 silent_at=20
	"$2_piece" 5 &
	user=$!
	sleep 1
	kill -0 $user 2> /dev/null || fail "a $2 without an answer does not wait"
	unbind
	if [ "$2" = write ]; then
		wait $user || fail "a write fails that the CPU can do again"
	else
		! wait $user || fail "a read passes that the device may have decrypted in part"
	fi
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "after the device has gone"
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

# goes_while_notified MODE: the driver holds no lock while it notifies the device, as this may
# take long.  The request may complete, and the device may go away, before the driver is done.
goes_while_notified() {
	local writer

	# Make room for all of a piece, so that there is one notification.
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

# waits_for_silent MODE: the device keeps a part of a write, and other writes wait behind it
waits_for_silent() {
	rebind ring_size=16
	open_volume "$1"
	set_device requests=0 silent_at=1
	start_writers 0.5
	unbind
	end_writers
	everything_works
	cpu_agrees
}

# breaks_with_others MODE: the same, but the device breaks the virtqueue.
breaks_with_others() {
	rebind ring_size=16
	open_volume "$1"
	set_device requests=0 delay_us=500000 break_at=4
	start_writers 0.05
	end_writers
	set_device delay_us=0 break_at=0
	everything_works
	cpu_agrees
}

# Ends a case in which the device did not answer to a new key: there is no device any more.
expect_without_device() {
	wait_for 60 test -e "$VOLUME-2"
	uses_device no everything_works
	NAME=$NAME-2 uses_device no block_io read "$VOLUME-2" > /dev/null
}

# The driver gives up a device that does not answer a control request.
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

# The same, but the driver is unbound meanwhile.
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

ktap_set_plan $((${#MODES[@]} * 3 + 6))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: returns what it has not got, to a write" \
		breaks "$mode" write_passes
	run_device_case "$mode: returns what it has not got, to a read" breaks "$mode" read_fails
	run_device_case "$mode: breaks, and others wait" breaks_with_others "$mode"
done
# Most of these wait for a timeout of the driver, so they use one cipher only.
mode=${MODES[-1]}
run_device_case "$mode: does not answer a write, and goes" silent "$mode" write
run_device_case "$mode: does not answer a read, and goes" silent "$mode" read
run_device_case "$mode: goes while it is notified" goes_while_notified "$mode"
run_device_case "$mode: does not answer, and others wait" waits_for_silent "$mode"
run_device_case "$mode: does not answer a control request" deaf "$mode"
run_device_case "$mode: does not answer a control request, and goes" deaf_and_goes "$mode"
finish
