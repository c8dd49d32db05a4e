#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that nothing waits for ever if a virtio crypto device breaks its virtqueue, does not
# answer or goes away; that writes succeed, as the CPU can do them again; and that the volume
# continues to work.  A read in flight fails, as the device decrypts in place.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator_module.sh

# breaks MODE COMMAND...: the device breaks its virtqueue during COMMAND
breaks() {
	open_volume "$1"
	set_device requests=0 break_at=20
	"${@:2}"
	expect_device requests -ge 20
	uses_device no write_piece 5
	uses_device no everything_works
	works_again
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
	read_plain
	write_piece 5
	everything_works
	works_again
}

is_notified() {
	[ "$(cat $TEST_DEVICE/notifications)" -gt 0 ]
}

# goes_while_notified MODE: the driver holds no lock while it notifies the device, as this may
# take long.  The request may complete, and the device may go away, before the driver is done.
goes_while_notified() {
	local writer

	# Make room for all of a piece, so that there is one notification.
	reload_device ring_size=1024
	open_volume "$1"
	set_device notifications=0 notify_ms=2000
	send_piece 5 &
	writer=$!
	wait_for 10 is_notified
	unbind
	wait $writer || fail "a write fails that the device has processed"
	keep_piece 5
	# The virtqueue must not be deleted while the driver notifies the device.
	expect_device notified_late -eq 0
	everything_works
	works_again
}

# others_wait MODE SECONDS COMMAND NAME=VALUE...: with these parameters of the device, and
# after COMMAND, the device does not finish a write.  Other writes wait behind that write.
others_wait() {
	reload_device ring_size=16
	open_volume "$1"
	set_device requests=0 "${@:4}"
	start_writers "$2"
	"$3"
	end_writers
	everything_works
	cpu_agrees
}

# deaf MODE COMMAND: the device does not answer to a new key.  The driver gives the device up
# after a while, or because of COMMAND.
deaf() {
	local opener

	open_volume "$1"
	set_device deaf=Y
	open_second &
	opener=$!
	sleep 1
	[ ! -e "$VOLUME-2" ] || fail "a key without an answer does not wait"
	"$2"
	wait_for 60 test -e "$VOLUME-2"
	uses_device no everything_works
	NAME=$NAME-2 uses_device no block_io read "$VOLUME-2" > /dev/null
	wait $opener
	dmsetup remove "$NAME-2"
	works_again
}

ktap_set_plan $((${#MODES[@]} * 3 + 6))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: returns what it has not got, to a write" \
		breaks "$mode" write_piece 5
	run_device_case "$mode: returns what it has not got, to a read" \
		breaks "$mode" expect_io_error read_piece 5
	run_device_case "$mode: breaks, and others wait" \
		others_wait "$mode" 0.05 true delay_us=500000 break_at=4
done
# Most of these wait for a timeout of the driver, so they use one cipher only.
mode=${MODES[-1]}
run_device_case "$mode: does not answer a write, and goes" silent "$mode" write
run_device_case "$mode: does not answer a read, and goes" silent "$mode" read
run_device_case "$mode: goes while it is notified" goes_while_notified "$mode"
run_device_case "$mode: does not answer, and others wait" \
	others_wait "$mode" 0.5 unbind silent_at=1
run_device_case "$mode: does not answer a control request" deaf "$mode" true
run_device_case "$mode: does not answer a control request, and goes" deaf "$mode" unbind
finish
