# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for who sources this
#
# Ciphers on a virtio crypto device, and the same ones on the CPU.  To be sourced after
# lib.sh.

VIRTIO_DRIVER=/sys/bus/virtio/drivers/virtio_crypto
# The device of test_modules/virtio_crypto_device.
TEST_DEVICE=/sys/module/virtio_crypto_device/parameters
LOADED=
OPTIONS=()
SHAPE=()

# Prints the device, as the bus names it.
virtio_device() {
	local device

	for device in "$VIRTIO_DRIVER"/virtio*; do
		[ ! -e "$device" ] || echo "${device##*/}"
	done
}

# A test ends with "trap clean_virtio_crypto EXIT" instead of the trap of lib.sh.
clean_virtio_crypto() {
	trap - ERR
	set +e
	clean_all
	[ -z "$LOADED" ] || rmmod virtio_crypto_device
}

load_test_device() {
	[ ! -d $TEST_DEVICE ] || return 0
	modprobe -q virtio_crypto_device || return
	LOADED=yes
}

# Takes the device that there is, or else that of the test module.  Sets MODES to those
# that it has.
require_virtio_crypto() {
	local mode

	[ -d $VIRTIO_DRIVER ] || modprobe -q virtio_crypto ||
		skip_all "the kernel has no driver of virtio crypto devices"
	trap clean_virtio_crypto EXIT
	[ -n "$(virtio_device)" ] || load_test_device ||
		skip_all "no virtio crypto device, and no module virtio_crypto_device"
	wait_for 300 self_tests_done
	MODES=()
	for mode in cbc xts; do
		! has_driver $mode || MODES+=("$mode")
	done
	[ ${#MODES[@]} -gt 0 ] || skip_all "the device has no cipher of disks"
}

require_test_device() {
	require_virtio_crypto
	[ -d $TEST_DEVICE ] || skip_all "there is another virtio crypto device"
}

# set_device NAME=VALUE...: of the test module
set_device() {
	local word

	for word; do
		echo "${word#*=}" > "$TEST_DEVICE/${word%%=*}"
	done
}

# Prints a parameter of the test module.
device_parameter() {
	cat "$TEST_DEVICE/$1"
}

# device_drivers [cbc|xts]: the device's, as in drivers_of
device_drivers() {
	local mode

	for mode in ${1:-cbc xts}; do
		drivers_of "$mode(aes)" | grep "^virtio_crypto_aes_$mode " || :
	done
}

# The self-tests of a driver run for longer than the kernel lets anybody wait for them, if
# the host is busy.
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

# The template, whatever else there is.
cpu_cipher() {
	case $1 in
	cbc)	echo "capi:cbc($(aes_driver))" ;;
	xts)	echo "capi:xts(ecb($(aes_driver)))" ;;
	esac
}

# The interrupts of the device's queues so far; a control queue may be among them.
interrupts() {
	if [ -d $TEST_DEVICE ]; then
		device_parameter interrupts
		return
	fi
	awk -v pattern=" $(virtio_device)(-dataq.*|-virtqueues)?\$" '
		$0 ~ pattern { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i }
		END { print sum + 0 }' /proc/interrupts
}

# Sets the key of the volume anew, which makes the driver look for a device.
set_key_again() {
	dmsetup suspend "$NAME"
	dmsetup message "$NAME" 0 key wipe
	dmsetup message "$NAME" 0 key set "$KEY"
	dmsetup resume "$NAME"
}

# uses_device yes|no COMMAND...
uses_device() {
	local expected=$1 before used=no

	before=$(interrupts)
	"${@:2}"
	[ "$(interrupts)" -eq "$before" ] || used=yes
	[ $used = "$expected" ] || fail "is the device used? $used"
}

# on_volume CIPHER COMMAND...: with $DISK, $KEY and OPTIONS; LAST_STATUS is what the volume
# said after that.
on_volume() {
	map "$DISK" "$1-plain64" "$KEY" 8 "${OPTIONS[@]}"
	"${@:2}"
	LAST_STATUS=$(get_status)
	unmap
}

# In I/Os of SHAPE.
write_plain() {
	block_io write "$VOLUME" "${SHAPE[@]}" < "$WORK/plain"
}

read_plain() {
	block_io read "$VOLUME" "${SHAPE[@]}" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read from the volume"
}
