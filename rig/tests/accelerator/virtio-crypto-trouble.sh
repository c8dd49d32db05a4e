#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume continues to work without the virtio crypto device that encrypts it.
# Under load, the test unplugs the device, unbinds the driver and suspends the machine.  In
# another case the device has no room for one more key.  No I/O may fail, and no byte may be
# wrong.  Volumes must use the device again when it is there again.
#
# Needs a virtio port "monitor" that leads to QEMU's monitor, see --accelerator of
# rig/boot/boot.sh, or the device of rig/modules/virtio_crypto_device.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_load.sh
. "$TEST_DIR"/_accelerator.sh
require_virtio_crypto
MODE=${MODES[-1]}

MONITOR=/dev/virtio-ports/monitor

expect_used_by_new_volume() {
	open_volume "$MODE"
	uses_device yes read_plain
	unmap
}

start_loads() {
	open_volume "$MODE"
	start_load 0 $((SIZE / 4))
	start_load $((SIZE / 2)) $((SIZE / 4))
	uses_device yes wait_rounds
}

# Compares the data of the loads, decrypted by the device, and all data, decrypted by the CPU.
end_loads() {
	end_load
	compare_loads
	unmap
	on_volume "$(cpu_cipher "$MODE")" compare_all
	expect_used_by_new_volume
}

compare_all() {
	compare_loads
	block_io read "$VOLUME" --offset $((SIZE / 4)) --length $((SIZE / 4)) > "$WORK/out"
	head -c $((SIZE / 2)) "$WORK/plain" | tail -c $((SIZE / 4)) > "$WORK/expected"
	expect_same "$WORK/expected" "$WORK/out" "the part without a load"
}

device_is_there() {
	[ -n "$(virtio_device)" ]
}

device_is_gone() {
	! device_is_there
}

unplug() {
	if [ -d $TEST_DEVICE ]; then
		rmmod virtio_crypto_device
		return
	fi
	echo "device_del accelerator" > $MONITOR
	wait_for 60 device_is_gone
}

# Until QEMU has removed the old device, it refuses a new one with the same ID.
added_to_qemu() {
	echo "device_add virtio-crypto-pci,cryptodev=cryptodev,id=accelerator" > $MONITOR
	sleep 1
	device_is_there
}

plug() {
	if [ -c $MONITOR ]; then
		wait_for 60 added_to_qemu
	else
		modprobe virtio_crypto_device
	fi
}

unplugged() {
	[ -c $MONITOR ] || [ -d $TEST_DEVICE ] ||
		skip "no virtio port leads to QEMU's monitor"
	start_loads
	for _ in 1 2; do
		unplug
		uses_device no wait_rounds
		plug
		# The volume uses the new device only after it has got its key again.
		set_key_again
		uses_device yes wait_rounds
	done
	end_loads
}

unbound() {
	start_loads
	for _ in 1 2 3; do
		unbind
		uses_device no wait_rounds
		bind
		wait_rounds
	done
	end_loads
}

# sleeps STATE: suspends only the devices of the machine (pm_test), which is enough here.
sleeps() {
	[ -e /sys/power/pm_test ] || skip "the kernel cannot test a suspend"
	grep -w "$1" /sys/power/state > /dev/null || skip "no such state: $1"
	start_loads
	echo devices > /sys/power/pm_test
	for _ in 1 2; do
		echo "$1" > /sys/power/state
		uses_device yes wait_rounds
	done
	echo none > /sys/power/pm_test
	end_loads
}

# If the device has no room for the key of a volume, the CPU encrypts the volume.  When there
# is room again, the volume uses the device after its key has been set again.
no_session_left() {
	[ -d $TEST_DEVICE ] || skip "only the device of the test module can refuse keys"
	set_device no_sessions=Y
	uses_device no open_volume "$MODE"
	set_device no_sessions=N
	expect_device sessions -eq 0
	set_key_again
	uses_device yes read_plain
	cpu_agrees
}

module_stays() {
	open_volume "$MODE"
	! rmmod virtio_crypto 2> "$WORK/message" || fail "removed while it is in use"
	unmap
	rmmod virtio_crypto
	[ ! -d $TEST_DEVICE ] || expect_device sessions -eq 0
	modprobe virtio_crypto
	wait_for 300 self_tests_done
	has_driver "$MODE"
	expect_used_by_new_volume
}

ktap_set_plan 6
run_case "$MODE: unplugged under load, and plugged in again" unplugged
run_case "$MODE: driver unbound under load, and bound again" unbound
run_case "$MODE: suspend to RAM under load" sleeps mem
run_case "$MODE: suspend to idle under load" sleeps freeze
run_case "$MODE: no room for one more key" no_session_left
run_case "$MODE: module removed after use, and loaded again" module_stays
finish
