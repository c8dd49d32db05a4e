#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume outlives the virtio crypto device that encrypts it: the device is
# unplugged, the driver unbound, the machine put to sleep, all of it under load, and the
# device has no room for one more key.  No I/O fails, no byte is wrong, and a device that
# comes back is used again.
#
# With a virtio port "monitor" that leads to QEMU's, see --accelerator of qemu/boot.sh;
# or the device is that of test_modules/virtio_crypto_device.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")"/lib.sh
# shellcheck source-path=SCRIPTDIR source=load.sh disable=SC1091
. "$TEST_DIR"/load.sh
# shellcheck source-path=SCRIPTDIR source=accelerator.sh disable=SC1091
. "$TEST_DIR"/accelerator.sh
require_virtio_crypto
MODE=${MODES[-1]}

SIZE=$((1024 * 1024))
# QEMU has 256 sessions, and a key needs one in each direction.
QEMU_KEYS=128

MONITOR=/dev/virtio-ports/monitor

open_volume() {
	KEY=$(random_key "$(key_bytes "$MODE")")
	DISK=$(make_disk $((SIZE / 512)))
	map "$DISK" "$(device_cipher "$MODE")-plain64" "$KEY" 8
	random_file "$WORK/plain" $SIZE
	uses_device yes block_io write "$VOLUME" < "$WORK/plain"
	expect_batched
}

start_loads() {
	start_load 0 $((SIZE / 4))
	start_load $((SIZE / 2)) $((SIZE / 4))
	wait_rounds
}

# The CPU must agree with all that has been written.
end_loads() {
	end_load
	compare_loads
	unmap
	map "$DISK" "$(cpu_cipher "$MODE")-plain64" "$KEY" 8
	compare_loads
	block_io read "$VOLUME" --offset $((SIZE / 4)) --length $((SIZE / 4)) > "$WORK/out"
	head -c $((SIZE / 2)) "$WORK/plain" | tail -c $((SIZE / 4)) > "$WORK/expected"
	expect_same "$WORK/expected" "$WORK/out" "what nobody wrote to"
	unmap
}

expect_used_by_new_volume() {
	open_volume
	unmap
}

device_is_there() {
	[ -n "$(virtio_device)" ]
}

device_is_gone() {
	! device_is_there
}

monitor() {
	echo "$*" > $MONITOR
}

unplug() {
	if [ -d $TEST_DEVICE ]; then
		rmmod virtio_crypto_device
		return
	fi
	monitor device_del accelerator
	wait_for 60 device_is_gone
	# QEMU refuses the name while it still has the device.
	sleep 1
}

plug() {
	if [ ! -c $MONITOR ]; then
		modprobe virtio_crypto_device
	else
		monitor device_add virtio-crypto-pci,cryptodev=cryptodev,id=accelerator
	fi
	wait_for 60 device_is_there
}

unplugged() {
	local i

	[ -c $MONITOR ] || [ -d $TEST_DEVICE ] ||
		skip "no virtio port leads to QEMU's monitor"
	open_volume
	start_loads
	for i in 1 2; do
		unplug
		uses_device no wait_rounds
		plug
		# The volume has no device until it gets a key.
		dmsetup suspend "$NAME"
		dmsetup message "$NAME" 0 key wipe
		dmsetup message "$NAME" 0 key set "$KEY"
		dmsetup resume "$NAME"
		uses_device yes wait_rounds
	done
	end_loads
	expect_used_by_new_volume
}

unbound() {
	local i device

	device=$(virtio_device)
	open_volume
	start_loads
	for i in 1 2 3; do
		echo "$device" > $VIRTIO_DRIVER/unbind
		uses_device no wait_rounds
		echo "$device" > $VIRTIO_DRIVER/bind
		wait_rounds
	done
	end_loads
	expect_used_by_new_volume
}

# sleeps STATE: as far as the devices, which is enough for them.
sleeps() {
	local i

	[ -e /sys/power/pm_test ] || skip "the kernel cannot test a suspend"
	grep -w "$1" /sys/power/state > /dev/null || skip "no such state: $1"
	open_volume
	start_loads
	echo devices > /sys/power/pm_test
	for i in 1 2; do
		echo "$1" > /sys/power/state
		uses_device yes wait_rounds
	done
	echo none > /sys/power/pm_test
	end_loads
	expect_used_by_new_volume
}

# more_volumes NUMBER: prints how many could be made of these.
more_volumes() {
	local i

	for ((i = 0; i < $1; i++)); do
		dmsetup create "$NAME-$i" --table "0 8 crypt $(device_cipher "$MODE")-plain64 \
			$(random_key "$(key_bytes "$MODE")") 0 $DISK 0" 2> "$WORK/message" || break
	done
	echo $i
}

no_session_left() {
	local made

	DISK=$(make_disk 8)
	if [ -d $TEST_DEVICE ]; then
		made=$(more_volumes 2)
		[ "$made" -eq 2 ] || fail "only $made keys: $(cat "$WORK/message")"
		unmap_all
		set_device no_sessions=Y
		made=$(more_volumes 1)
		set_device no_sessions=N
		[ "$made" -eq 0 ] || fail "the device has refused a session, the driver has not"
		[ "$(device_parameter sessions)" -eq 0 ] || fail "sessions are left over"
	else
		made=$(more_volumes $((QEMU_KEYS + 1)))
		[ "$made" -eq $QEMU_KEYS ] ||
			fail "$made keys, and not $QEMU_KEYS: $(cat "$WORK/message")"
	fi
	grep -i 'invalid\|no space' "$WORK/message" > /dev/null ||
		fail "not refused in words: $(cat "$WORK/message")"
	unmap_all
	expect_used_by_new_volume
}

module_stays() {
	open_volume
	! rmmod virtio_crypto 2> "$WORK/message" || fail "removed while it is in use"
	unmap
	rmmod virtio_crypto
	[ ! -d $TEST_DEVICE ] || [ "$(device_parameter sessions)" -eq 0 ] ||
		fail "sessions are left over"
	modprobe virtio_crypto
	wait_for 300 self_tests_done
	has_driver "$MODE"
	expect_used_by_new_volume
}

ktap_set_plan 6
run_case "$MODE: unplugged under load, and plugged in" unplugged
run_case "$MODE: driver unbound under load, and bound" unbound
run_case "$MODE: suspend to RAM under load" sleeps mem
run_case "$MODE: suspend to idle under load" sleeps freeze
run_case "$MODE: no room for one more key" no_session_left
run_case "$MODE: module removed after use, and loaded" module_stays
finish
