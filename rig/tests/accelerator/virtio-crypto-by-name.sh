#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume uses a virtio crypto device only if its table names the driver, as the
# key then goes to the host.  The CPU encrypts volumes whose tables have the usual names of
# ciphers, also if the CPU has no instructions for AES.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_accelerator.sh
require_virtio_crypto

SIZE=$((1024 * 1024))

# open_as CIPHER KEY_BYTES
open_as() {
	KEY=$(random_key "$2")
	DISK=$(make_disk $((SIZE / 512)))
	random_file "$WORK/plain" $SIZE
	map "$DISK" "$1" "$KEY" 8
}

# by_name CIPHER KEY_BYTES
by_name() {
	open_as "$@"
	uses_device no write_plain
	uses_device no read_plain
}

# The control: a volume whose table names the driver uses the device.
by_driver() {
	open_as "$(device_cipher "$1")-plain64" "$(key_bytes "$1")"
	uses_device yes write_plain
	uses_device yes read_plain
}

ktap_set_plan $((3 + ${#MODES[@]}))
run_case "aes-xts-plain64" by_name aes-xts-plain64 64
run_case "aes-cbc-essiv:sha256" by_name aes-cbc-essiv:sha256 32
run_case "aes-cbc-plain64" by_name aes-cbc-plain64 32
for mode in "${MODES[@]}"; do
	run_case "$(device_cipher "$mode")-plain64" by_driver "$mode"
done
finish
