#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume continues to work if its virtio crypto device is not ready for a while,
# cannot be started or resumed, or forgets its keys, also under load.  When the device works
# again, the volume uses it again, and the driver has made sessions with the right keys.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_accelerator_module.sh
require_fault failslab virtcrypto_dev_start
trap 'stop_failing; clean_virtio_crypto' EXIT

# change_device NAME=VALUE: sets a parameter, and gives the driver half a second to notice.
change_device() {
	set_device "$1"
	sleep 0.5
}

# Checks that a volume uses the CPU while the device is not ready, and the device afterwards.
pauses() {
	change_device ready=N
	uses_device no everything_works
	change_device ready=Y
	uses_device yes everything_works
}

# not_ready MODE FORGETS: opens two volumes with different keys.  Then the device is not ready
# for a while.  FORGETS is the parameter "forgets" of the device.  The driver makes the sessions
# again, in another order.
not_ready() {
	open_volume "$1"
	set_device forgets="$2"
	open_second
	pauses
	uses_device yes block_io write "$VOLUME-2" < "$WORK/plain"
	expect_device sessions -eq 4
	dmsetup remove "$NAME-2"
	cpu_agrees
	DISK=$DISK_2 KEY=$KEY_2 on_volume "$(cpu_cipher "$MODE")" read_plain
}

# not_ready_under_load MODE: checks that the driver sends no more device requests when the
# device reports that it is not ready, and that no write waits for the device.
not_ready_under_load() {
	# The virtqueue has room for 4 of the 512 device requests.  The device takes half a second
	# for these 4.
	reload_device ring_size=16
	open_volume "$1"
	set_device requests=0 delay_us=500000
	start_writers 0.1
	change_device ready=N
	end_writers
	expect_device requests -le 16
	set_device delay_us=0
	change_device ready=Y
	uses_device yes everything_works
	cpu_agrees
}

# key_meanwhile MODE STOP START: sets the parameter STOP of the device, sets keys, and then sets
# the parameter START
key_meanwhile() {
	open_volume "$1"
	change_device "$2"
	set_key_again
	open_second
	uses_device no everything_works
	change_device "$3"
	uses_device yes everything_works
	uses_device yes block_io write "$VOLUME-2" < "$WORK/plain"
	dmsetup remove "$NAME-2"
	cpu_agrees
}

# not_started MODE: checks that the driver does not use a device whose algorithms it cannot
# register.  Otherwise sessions would change while requests use them.
not_started() {
	register_rsa reload_device rsa=Y
	open_volume "$1"
	change_device ready=N
	start_failing failslab virtcrypto_dev_start
	change_device ready=Y
	stop_failing
	uses_device no everything_works
	register_rsa set_device ready=Y
	uses_device yes everything_works
	expect_device sessions -eq 2
	cpu_agrees
}

# The driver's RSA has a user when the device goes away.  The algorithm must stay registered, or
# the driver must register it again with a reference count that includes the user.
rsa_in_use() {
	register_rsa reload_device rsa=Y
	set_device rsa_user=Y
	unbind
	register_rsa bind
	set_device rsa_user=N
	unbind
	! has_rsa || fail "RSA is registered without a device and a user"
}

# breaks_when_ready MODE: the device breaks the control queue while the driver makes sessions.
breaks_when_ready() {
	open_volume "$1"
	change_device ready=N
	set_device break_control=Y
	change_device ready=Y
	uses_device no everything_works
	works_again
}

# cannot_wake MODE: after a suspend, the driver gets no virtqueues from the device of a volume
cannot_wake() {
	open_volume "$1"
	set_device no_queues=Y asleep=Y
	! set_device asleep=N 2> /dev/null || fail "resumed without virtqueues"
	uses_device no everything_works
	set_device no_queues=N
}

wakes_later() {
	cannot_wake "$1"
	set_device asleep=Y asleep=N
	uses_device yes everything_works
	pauses
	cpu_agrees
}

cannot_wake_and_goes() {
	cannot_wake "$1"
	unbind
	works_again
}

# The driver must close sessions before it resets the device.
never_forgets() {
	set_device forgets=never
	open_volume "$1"
	unbind
	expect_device sessions -eq 0
	cpu_agrees
}

ktap_set_plan $((${#MODES[@]} * 3 + 8))
for mode in "${MODES[@]}"; do
	run_device_case "$mode: not ready for a while" not_ready "$mode" reset
	run_device_case "$mode: not ready, and forgets its keys" not_ready "$mode" unready
	run_device_case "$mode: never forgets its keys" never_forgets "$mode"
done
# These cases do not depend on the cipher, so they run with one cipher only.
mode=${MODES[-1]}
run_device_case "$mode: becomes not ready under load" not_ready_under_load "$mode"
run_device_case "$mode: new keys while the device is not ready" \
	key_meanwhile "$mode" ready=N ready=Y
run_device_case "$mode: new keys while the device sleeps" \
	key_meanwhile "$mode" asleep=Y asleep=N
run_device_case "RSA is in use when the device goes away" rsa_in_use
run_device_case "$mode: cannot be started" not_started "$mode"
run_device_case "$mode: breaks the control queue when it becomes ready" breaks_when_ready "$mode"
run_device_case "$mode: cannot be resumed at first, and later can" wakes_later "$mode"
run_device_case "$mode: cannot be resumed, and goes away" cannot_wake_and_goes "$mode"
finish
