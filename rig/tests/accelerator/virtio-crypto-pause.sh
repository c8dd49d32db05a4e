#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume continues to work if its virtio crypto device is not ready for a while,
# cannot be started or resumed, or forgets its keys, also under load; and that the volume uses
# the device again when this is possible, with the sessions of the right keys.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_accelerator_module.sh
require_fault failslab virtcrypto_dev_start
trap 'stop_failing; clean_virtio_crypto' EXIT

NO_TESTS_PARAMETER=/sys/module/cryptomgr/parameters/notests

# change_device NAME=VALUE: sets a parameter, and gives the driver time to notice.
change_device() {
	set_device "$1"
	sleep 0.5
}

# The driver notices when the device is not ready, and when the device is ready again.
pauses() {
	change_device ready=N
	uses_device no everything_works
	change_device ready=Y
	uses_device yes everything_works
}

# not_ready MODE FORGETS: uses two keys, and the device is not ready for a while in between.
# FORGETS says when the device forgets its keys.  The driver then makes the sessions again, in
# another order.
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

# not_ready_under_load MODE: a device that says that it is not ready gets no more device
# requests, and nobody waits for the device.
not_ready_under_load() {
	# Room for 4 of the 512 device requests.  The device takes half a second for these.
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

# key_meanwhile MODE STOP START: sets keys between these two settings of the device
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

has_rsa() {
	drivers_of rsa | grep '^virtio-crypto-rsa .* passed ' > /dev/null &&
		drivers_of 'pkcs1pad(rsa)' | grep '^virtio-pkcs1-rsa .* passed ' > /dev/null
}

# register_rsa COMMAND...: runs COMMAND, which makes the driver register RSA.  Turns off
# self-tests, as the device has no RSA that would pass one.
register_rsa() {
	echo Y > $NO_TESTS_PARAMETER
	"$@"
	wait_for 10 has_rsa
	echo N > $NO_TESTS_PARAMETER
}

# not_started MODE: the driver must not use a device whose algorithms it cannot register, or
# sessions would change under requests.
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

# cannot_wake MODE: the device of a volume has no virtqueues after a suspend
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
	run_device_case "$mode: not ready for a while, and forgets" not_ready "$mode" unready
	run_device_case "$mode: never forgets" never_forgets "$mode"
done
# These cases do not depend on the cipher.
mode=${MODES[-1]}
run_device_case "$mode: not ready any more, under load" not_ready_under_load "$mode"
run_device_case "$mode: a key while the device is not ready" \
	key_meanwhile "$mode" ready=N ready=Y
run_device_case "$mode: a key while the device sleeps" \
	key_meanwhile "$mode" asleep=Y asleep=N
run_device_case "RSA is in use when the device goes" rsa_in_use
run_device_case "$mode: cannot be started" not_started "$mode"
run_device_case "$mode: breaks when it becomes ready" breaks_when_ready "$mode"
run_device_case "$mode: cannot be resumed, and then can" wakes_later "$mode"
run_device_case "$mode: cannot be resumed, and goes" cannot_wake_and_goes "$mode"
finish
