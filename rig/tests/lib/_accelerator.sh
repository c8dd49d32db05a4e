# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # variables for the tests
#
# Opens volumes that a virtio crypto device encrypts, and volumes that the CPU encrypts with
# the same ciphers.  To be sourced after _lib.sh.

. "$TEST_DIR"/_wait.sh

VIRTIO_DRIVER=/sys/bus/virtio/drivers/virtio_crypto
# The device of the test module, rig/modules/virtio_crypto_device.
TEST_DEVICE=/sys/module/virtio_crypto_device/parameters
SIZE=$((1024 * 1024))
LOADED=
OPTIONS=()
SHAPE=()

# Prints the name of the device that the driver is bound to, such as virtio2.
virtio_device() {
	local device

	for device in "$VIRTIO_DRIVER"/virtio*; do
		[ ! -e "$device" ] || echo "${device##*/}"
	done
}

unbind() {
	DEVICE=$(virtio_device)
	echo "$DEVICE" > $VIRTIO_DRIVER/unbind
}

# Binds the driver again to the device from which unbind() has unbound it.
bind() {
	echo "$DEVICE" > $VIRTIO_DRIVER/bind
}

# require_virtio_crypto() sets this as the EXIT trap, in place of the trap of _lib.sh.
clean_virtio_crypto() {
	trap - ERR
	set +e
	clean_all
	[ -z "$LOADED" ] || rmmod virtio_crypto_device
}

# If there is no virtio crypto device, loads the test module, which makes a device.  Sets
# MODES to the cipher modes of the device.
require_virtio_crypto() {
	local mode

	[ -d $VIRTIO_DRIVER ] || modprobe -q virtio_crypto ||
		skip_all "the kernel has no driver of virtio crypto devices"
	trap clean_virtio_crypto EXIT
	[ -n "$(virtio_device)" ] || { modprobe -q virtio_crypto_device && LOADED=yes; } ||
		skip_all "no virtio crypto device, and no module virtio_crypto_device"
	wait_for 300 self_tests_done
	MODES=()
	for mode in cbc xts; do
		! has_driver $mode || MODES+=("$mode")
	done
	[ ${#MODES[@]} -gt 0 ] || skip_all "the device has neither CBC nor XTS"
}

# set_device NAME=VALUE...: sets parameters of the test module
set_device() {
	local word

	for word; do
		echo "${word#*=}" > "$TEST_DEVICE/${word%%=*}"
	done
}

# expect_device NAME TEST NUMBER: tests a parameter of the test module
expect_device() {
	local value

	value=$(< "$TEST_DEVICE/$1")
	test "$value" "$2" "$3" || fail "device: $1 is not $2 $3, but $value"
}

# device_drivers [cbc|xts]: prints the line of drivers_of() for each driver that uses the device
device_drivers() {
	local mode

	for mode in ${1:-cbc xts}; do
		drivers_of "$mode(aes)" | grep "^virtio_crypto_aes_$mode " || :
	done
}

# Have all drivers that use the device passed their self-tests?  On a busy host, the kernel
# stops waiting for a self-test before the self-test ends.
self_tests_done() {
	! device_drivers | grep -v ' passed ' > /dev/null
}

# has_driver cbc|xts: is there a driver, and has it passed its self-test?
has_driver() {
	device_drivers "$1" | grep ' passed ' > /dev/null
}

key_bytes() {
	case $1 in
	cbc)	echo 32 ;;
	xts)	echo 64 ;;
	esac
}

device_cipher() {
	echo "capi:virtio_crypto_aes_$1"
}

# Prints the template with AES of single blocks, so that the CPU encrypts the volume.
cpu_cipher() {
	case $1 in
	cbc)	echo "capi:cbc($(aes_driver))" ;;
	xts)	echo "capi:xts(ecb($(aes_driver)))" ;;
	esac
}

# Prints how many interrupts the device's data queues had.  If all queues share an interrupt,
# the number includes the control queue.
interrupts() {
	if [ -d $TEST_DEVICE ]; then
		cat $TEST_DEVICE/interrupts
		return
	fi
	awk -v pattern=" $(virtio_device)(-dataq.*|-virtqueues)?\$" '
		$0 ~ pattern { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i }
		END { print sum + 0 }' /proc/interrupts
}

# uses_device yes|no COMMAND...: runs COMMAND.  Fails the case if COMMAND causes no interrupts of
# the device (yes), or if it causes any (no).
uses_device() {
	local expected=$1 before used=no

	before=$(interrupts)
	"${@:2}"
	[ "$(interrupts)" -eq "$before" ] || used=yes
	[ $used = "$expected" ] || fail "device used: $used, expected: $expected"
}

# prepare_volume KEY_BYTES: sets DISK and KEY, and puts random data into $WORK/plain.
prepare_volume() {
	KEY=$(random_key "$1")
	DISK=$(make_disk $((SIZE / 512)))
	random_file "$WORK/plain" $SIZE
}

# open_volume MODE: opens $VOLUME, which the device encrypts, and writes $WORK/plain to it.
open_volume() {
	MODE=$1
	prepare_volume "$(key_bytes "$MODE")"
	map "$DISK" "$(device_cipher "$MODE")-plain64" "$KEY" 8
	write_plain
	expect_batched
}

# Sets the key of the volume again.  For each key the driver looks for a device.
set_key_again() {
	dmsetup suspend "$NAME"
	dmsetup message "$NAME" 0 key wipe
	dmsetup message "$NAME" 0 key set "$KEY"
	dmsetup resume "$NAME"
}

# on_volume CIPHER COMMAND...: runs COMMAND on a volume with $DISK, $KEY and OPTIONS.  Then
# sets LAST_STATUS to the status of the volume.
on_volume() {
	map "$DISK" "$1-plain64" "$KEY" 8 "${OPTIONS[@]}"
	"${@:2}"
	LAST_STATUS=$(get_status)
	unmap
}

# SHAPE has block_io options, which set the sizes and segments of the I/Os.
write_plain() {
	block_io write "$VOLUME" "${SHAPE[@]}" < "$WORK/plain"
}

read_plain() {
	block_io read "$VOLUME" "${SHAPE[@]}" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read from the volume"
}

# cpu_agrees: closes $VOLUME, and checks that the CPU reads $WORK/plain from the disk.
cpu_agrees() {
	unmap
	on_volume "$(cpu_cipher "$MODE")" read_plain
}
