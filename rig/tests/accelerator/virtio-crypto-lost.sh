#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that no I/O waits for ever if a virtio crypto device breaks its virtqueue, does not
# answer or goes away, and that the volume continues to work.  Writes succeed, because the CPU
# repeats them.  A read in flight fails: the device decrypts in place, so the CPU cannot repeat
# the read.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator_module.sh

# breaks MODE COMMAND...: during COMMAND, the device breaks its virtqueue with a wrong ID
breaks() {
	open_volume "$1"
	set_device requests=0 break_at=20
	"${@:2}"
	expect_device requests -ge 20
	uses_device no write_piece 5
	uses_device no everything_works
	works_again
}

# silent MODE write|read: the device does not answer this I/O, and then goes away
silent() {
	local user

	open_volume "$1"
	set_device requests=0 silent_at=20
	"$2_piece" 5 &
	user=$!
	sleep 1
	kill -0 $user 2> /dev/null || fail "the $2 does not wait for the device"
	unbind
	if [ "$2" = write ]; then
		wait $user || fail "the write fails, but the CPU can repeat it"
	else
		! wait $user || fail "the read succeeds, but its data may be decrypted in part"
	fi
	read_plain
	write_piece 5
	everything_works
	works_again
}

is_notified() {
	[ "$(cat $TEST_DEVICE/notifications)" -gt 0 ]
}

# goes_while_notified MODE: the device goes away while the driver notifies it.  A notification
# may take long, so the driver holds no lock.  The request may complete, and the device may go
# away, before the notification has returned.
goes_while_notified() {
	local writer

	# All sectors of a piece fit into the virtqueue, so there is one notification.
	reload_device ring_size=1024
	open_volume "$1"
	set_device notifications=0 notify_ms=2000
	send_piece 5 &
	writer=$!
	wait_for 10 is_notified
	unbind
	wait $writer || fail "the write fails, but the device has processed it"
	keep_piece 5
	# The driver must not delete the virtqueue before the notification has returned.
	expect_device notified_late -eq 0
	everything_works
	works_again
}

# others_wait MODE SECONDS COMMAND NAME=VALUE...: starts four writes, SECONDS apart, and runs
# COMMAND.  With these parameters, the device does not finish one of the writes, and the others
# wait behind this write.  All four must succeed.
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

# deaf MODE COMMAND: the device does not answer the control request for a new key.  The driver
# stops using the device after a timeout, or when COMMAND unbinds the driver.
deaf() {
	local opener

	open_volume "$1"
	set_device deaf=Y
	open_second &
	opener=$!
	sleep 1
	[ ! -e "$VOLUME-2" ] || fail "the second volume does not wait for the device"
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
	run_device_case "$mode: returns a wrong ID during a write" \
		breaks "$mode" write_piece 5
	run_device_case "$mode: returns a wrong ID during a read" \
		breaks "$mode" expect_io_error read_piece 5
	run_device_case "$mode: returns a wrong ID, and other writes wait" \
		others_wait "$mode" 0.05 true delay_us=500000 break_at=4
done
# Most of these cases wait for a timeout of the driver, so they run with one cipher only.
mode=${MODES[-1]}
run_device_case "$mode: does not answer a write, and goes away" silent "$mode" write
run_device_case "$mode: does not answer a read, and goes away" silent "$mode" read
run_device_case "$mode: goes away during a notification" goes_while_notified "$mode"
run_device_case "$mode: does not answer while other writes wait, and goes away" \
	others_wait "$mode" 0.5 unbind silent_at=1
run_device_case "$mode: does not answer a control request" deaf "$mode" true
run_device_case "$mode: does not answer a control request, and goes away" deaf "$mode" unbind
finish
