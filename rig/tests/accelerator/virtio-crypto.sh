#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt can use a virtio crypto device.  The device and the CPU read each
# other's data, with and without batching, in I/Os of all shapes.  The CPU processes requests
# that the device does not take.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator.sh
require_virtio_crypto
require_tools cryptsetup

# expect_way Y|N: checks in LAST_STATUS that the volume was batched (Y) or was not (N)
expect_way() {
	case $1:$LAST_STATUS in
	Y:batch_sectors:on*batches:[1-9]* | N:*off\ reason:disabled) ;;
	*)	fail "batching is not $1: $LAST_STATUS" ;;
	esac
}

anew() {
	random_file "$WORK/plain" $SIZE
	write_plain
}

anew_and_read() {
	uses_device yes anew
	uses_device yes read_plain
}

read_and_anew() {
	read_plain
	anew
}

# like_cpu MODE [OPTION...]: checks that the device and the CPU read each other's data on volumes
# with these options
like_cpu() {
	local mode=$1 way

	OPTIONS=("${@:2}")
	prepare_volume "$(key_bytes "$mode")"
	for way in Y N; do
		set_batching $way
		on_volume "$(device_cipher "$mode")" anew_and_read
		expect_way $way
		uses_device no on_volume "$(cpu_cipher "$mode")" read_and_anew
		uses_device yes on_volume "$(device_cipher "$mode")" read_plain
		expect_way $way
	done
}

# luks MODE: the device writes to a LUKS2 volume whose header names the driver.  The CPU reads
# the data back, through a table with the same key and the CPU's cipher.
luks() {
	local cipher table

	SHAPE=(--length "$SIZE")
	cipher=$(device_cipher "$1")-plain64
	random_file "$WORK/plain" $SIZE
	random_file "$WORK/key" 32
	DISK=$(make_disk $((20 * 1024 * 1024 / 512)))
	luks_format "$DISK" --key-file "$WORK/key" --type luks2 --sector-size 512 \
		--cipher "$cipher" --key-size $(($(key_bytes "$1") * 8))
	# Without the keyring, the key is in the table, and the test can make a table with it.
	cryptsetup open --disable-keyring --key-file "$WORK/key" "$DISK" "$NAME"
	uses_device yes write_plain
	expect_batched
	cryptsetup status "$NAME" > "$WORK/status"
	grep "cipher: *$cipher" "$WORK/status" > /dev/null ||
		fail "cryptsetup status: $(cat "$WORK/status")"
	read -r -a table < <(dmsetup table --showkeys "$NAME")
	table[3]=$(cpu_cipher "$1")-plain64
	dmsetup suspend "$NAME"
	dmsetup load "$NAME" --table "${table[*]}"
	dmsetup resume "$NAME"
	uses_device no read_plain
}

# QEMU has no XTS with AES-192, whatever maximum key length it reports.  The CPU encrypts.
key_of_cpu() {
	prepare_volume 48
	uses_device no on_volume "$(device_cipher xts)" write_plain
	on_volume "$(cpu_cipher xts)" read_plain
}

# For sectors of 4096 bytes, the IV step is 8 without iv_large_sectors and 1 with this option.
ktap_set_plan $((${#MODES[@]} * 7 + 1))
for mode in "${MODES[@]}"; do
	run_case "$mode, sectors of 512" like_cpu "$mode"
	run_case "$mode, sectors of 4096" like_cpu "$mode" sector_size:4096
	run_case "$mode, sectors of 4096, iv_large_sectors" \
		like_cpu "$mode" sector_size:4096 iv_large_sectors
	run_case "$mode, no workqueues" like_cpu "$mode" no_read_workqueue no_write_workqueue
	SHAPE=(--sizes "4096,512,65536,1024,131072")
	run_case "$mode, I/Os of many sizes" like_cpu "$mode"
	SHAPE=(--cut 512 --sizes 131072)
	run_case "$mode, segments of 512" like_cpu "$mode"
	SHAPE=()
	run_case "$mode, a LUKS2 volume that names the driver" luks "$mode"
done
if has_driver xts; then
	run_case "xts, a key length that only the CPU takes" key_of_cpu
else
	ktap_test_skip "xts, a key length that only the CPU takes: the device has no XTS"
fi
finish
