#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume uses a virtio crypto device only if its table names the driver, because
# the host sees the keys of the device.  If the table has the usual name of a cipher, the CPU
# encrypts the volume, also without AES instructions.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator.sh
require_virtio_crypto

# by_name yes|no CIPHER KEY_BYTES: checks that a volume with this cipher uses the device (yes)
# or does not (no).
by_name() {
	prepare_volume "$3"
	map "$DISK" "$2" "$KEY" 8
	uses_device "$1" write_plain
	uses_device "$1" read_plain
}

ktap_set_plan $((3 + ${#MODES[@]}))
run_case "aes-xts-plain64" by_name no aes-xts-plain64 64
run_case "aes-cbc-essiv:sha256" by_name no aes-cbc-essiv:sha256 32
run_case "aes-cbc-plain64" by_name no aes-cbc-plain64 32
for mode in "${MODES[@]}"; do
	cipher=$(device_cipher "$mode")-plain64
	run_case "$cipher" by_name yes "$cipher" "$(key_bytes "$mode")"
done
finish
