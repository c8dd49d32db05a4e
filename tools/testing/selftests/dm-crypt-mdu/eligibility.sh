#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt does not batch volumes that it cannot batch, that the status
# says why, and that such volumes work as with batching switched off.

. "$(dirname "$0")"/_lib.sh

SIZE=$((256 * 1024))

# Makes a disk on dm-integrity with a tag of $1 bytes a sector, and prints its name.
make_integrity_disk() {
	dmsetup create "$NAME-below" --table \
		"0 $((SIZE / 512)) integrity $(make_disk 8192) 0 $1 D 0" ||
		skip "the kernel has no dm-integrity"
	echo "$VOLUME-below"
}

use_volume() {
	write_mixed 512 "$WORK/plain"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read back"
}

# refused REASON MAKE_DISK CIPHER KEY_BYTES IV_OFFSET [OPTION...]
refused() {
	local reason=$1 make=$2 cipher=$3 iv_offset=$5 key disk

	key=$(random_key "$4")
	shift 5
	random_file "$WORK/plain" $SIZE

	set_batching N
	disk=$($make)
	map "$disk" "$cipher" "$key" "$iv_offset" "$@" || skip "the kernel cannot map $cipher"
	use_volume
	block_io read "$disk" > "$WORK/off"
	unmap_all

	[ "$reason" = disabled ] || set_batching Y
	disk=$($make)
	map "$disk" "$cipher" "$key" "$iv_offset" "$@"
	expect_off "$reason"
	use_volume
	if [ "${cipher%-random}" = "$cipher" ]; then
		block_io read "$disk" > "$WORK/on"
		expect_same "$WORK/off" "$WORK/on" "raw devices"
	fi
}

plain_disk() {
	make_disk $((SIZE / 512))
}

tag_16_disk() {
	make_integrity_disk 16
}

tag_32_disk() {
	make_integrity_disk 32
}

# User space compares and stores the table, so batching must not change the table.
table_stays() {
	local key disk

	key=$(random_key 64)
	disk=$(plain_disk)
	map "$disk" aes-xts-plain64 "$key" 0
	expect_on
	dmsetup table --showkeys "$NAME" > "$WORK/on"
	set_batching N
	expect_on
	unmap
	map "$disk" aes-xts-plain64 "$key" 0
	expect_off disabled
	dmsetup table --showkeys "$NAME" > "$WORK/off"
	expect_same "$WORK/on" "$WORK/off" "tables"
}

# The xts template must complete a data unit before it begins the next one, so it cannot
# batch with an asynchronous child.
asynchronous_child() {
	local aes

	aes=$(aes_driver)
	[ -n "$aes" ] || skip "the kernel has no AES of single blocks"
	refused cipher plain_disk "capi:xts(cryptd(ecb($aes)))-plain64" 64 0
}

ktap_set_plan 18
run_case "eligible, the table does not show it" table_stays
run_case "disabled" refused disabled plain_disk aes-xts-plain64 64 0
run_case "iv_mode: plain64be" refused iv_mode plain_disk aes-xts-plain64be 64 0
run_case "iv_mode: null" refused iv_mode plain_disk aes-xts-null 64 0
run_case "iv_mode: benbi" refused iv_mode plain_disk aes-xts-benbi 64 0
run_case "iv_mode: eboiv" refused iv_mode plain_disk aes-xts-eboiv 64 0
run_case "iv_mode: eboiv with CBC" refused iv_mode plain_disk aes-cbc-eboiv 32 0
run_case "iv_mode: elephant" refused iv_mode plain_disk aes-cbc-elephant 64 0
run_case "iv_mode: tcw" refused iv_mode plain_disk aes-cbc-tcw 64 0
run_case "iv_mode: no IVs" refused iv_mode plain_disk "capi:ecb(aes)" 32 0
run_case "iv_wrap" refused iv_wrap plain_disk aes-xts-plain 64 $((0x100000000 - 8))
run_case "multi_key" refused multi_key plain_disk aes:2-xts-plain64 128 0
run_case "multi_key: lmk" refused multi_key plain_disk aes:64-cbc-lmk 1024 0
run_case "cipher: Adiantum" refused cipher plain_disk "capi:adiantum(xchacha12,aes)-plain64" 32 0
run_case "cipher: Adiantum, sectors of 4096" \
	refused cipher plain_disk "capi:adiantum(xchacha12,aes)-plain64" 32 0 sector_size:4096
run_case "cipher: XTS above an asynchronous cipher" asynchronous_child
run_case "integrity" refused integrity tag_16_disk aes-xts-random 64 0 integrity:16:none
run_case "aead" refused aead tag_32_disk \
	"capi:authenc(hmac(sha256),xts(aes))-plain64" 96 0 integrity:32:aead
finish
