#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume outlives the virtio crypto device that encrypts it.  Under load, the
# test unplugs the device, unbinds the driver and suspends the machine.  In another case the
# device has no room for one more key.  No I/O fails, no byte is wrong, and volumes use a
# device that comes back.
#
# Needs a virtio port "monitor" that leads to QEMU's monitor, see --accelerator of
# rig/boot/boot.sh, or the device of rig/modules/virtio_crypto_device.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_load.sh
. "$TEST_DIR"/_accelerator.sh
require_virtio_crypto
MODE=${MODES[-1]}

SIZE=$((1024 * 1024))
# QEMU has 256 sessions.  A key needs one session in each direction.
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

# Compares all written data, through the device and through the CPU.
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
}

# QEMU refuses the name while it still has the device.
added_to_qemu() {
	monitor device_add virtio-crypto-pci,cryptodev=cryptodev,id=accelerator
	sleep 1
	device_is_there
}

plug() {
	if [ ! -c $MONITOR ]; then
		modprobe virtio_crypto_device
		wait_for 60 device_is_there
	else
		wait_for 60 added_to_qemu
	fi
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
		set_key_again
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

# sleeps STATE: suspends the machine only as far as its devices, which is enough here.
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

# more_volumes NUMBER
more_volumes() {
	local i

	for ((i = 0; i < $1; i++)); do
		dmsetup create "$NAME-$i" --table "0 8 crypt $(device_cipher "$MODE")-plain64 \
			$(random_key "$(key_bytes "$MODE")") 0 $DISK 0"
	done
}

# If the device has no room for a key, the CPU encrypts the volume until the volume gets a
# key for which there is room.
no_session_left() {
	random_file "$WORK/plain" $SIZE
	KEY=$(random_key "$(key_bytes "$MODE")")
	DISK=$(make_disk $((SIZE / 512)))
	if [ -d $TEST_DEVICE ]; then
		set_device no_sessions=Y
	else
		more_volumes $QEMU_KEYS
	fi
	map "$DISK" "$(device_cipher "$MODE")-plain64" "$KEY" 8
	uses_device no write_plain
	if [ -d $TEST_DEVICE ]; then
		set_device no_sessions=N
		[ "$(device_parameter sessions)" -eq 0 ] || fail "sessions are left over"
	else
		dmsetup remove "$NAME-0"
	fi
	set_key_again
	uses_device yes read_plain
	unmap
	on_volume "$(cpu_cipher "$MODE")" read_plain
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
