#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that volumes with CBC have the right bytes on disk, with batches: with the IV
# modes plain, plain64 and essiv, for each sector size, both ways to count the IV, and all
# key sizes.  An independent program, cbc_oracle, computes these bytes.  The test uses the
# driver that the kernel prefers, and all others that take many data units according to
# /proc/crypto.  Drivers that take one data unit must not batch.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
require_helper cbc_oracle

VOLUME_SIZE=$((1200 * 1024))

cbc_oracle() {
	"$TEST_DIR"/cbc_oracle "$@"
}

# The first 16 bytes of each sector, with a key of zeros and plaintext of zeros.  They are
# from OpenSSL: sha256sum for the hash of the key, openssl enc -aes-256-ecb for the IV, and
# openssl enc -aes-256-cbc for the sector.
knows_other_programs() {
	local mode

	head -c 1024 /dev/zero > "$WORK/zeros"
	for mode in plain essiv; do
		cbc_oracle encrypt $mode "$(printf %064d 0)" 512 0 1 < "$WORK/zeros" > "$WORK/$mode"
	done
	[ "$(od -An -tx1 -N4 "$WORK/plain")" = " dc 95 c0 78" ]
	[ "$(od -An -tx1 -N4 -j512 "$WORK/plain")" = " 52 75 f3 d8" ]
	[ "$(od -An -tx1 -N4 "$WORK/essiv")" = " b2 81 09 f7" ]
	[ "$(od -An -tx1 -N4 -j512 "$WORK/essiv")" = " 8c 83 ac 7a" ]
}

# open_volume CIPHER KEY SECTOR_SIZE IV_OFFSET [iv_large_sectors]: opens a volume, and sets
# ORACLE to the arguments for the oracle.
open_volume() {
	local mode=plain ratio=$(($3 / 512))

	case $1 in
	*essiv*) mode=essiv ;;
	esac
	if [ $# -eq 4 ]; then
		ORACLE=("$mode" "$2" "$3" "$4" "$ratio")
	else
		ORACLE=("$mode" "$2" "$3" $(($4 / ratio)) 1)
	fi
	random_file "$WORK/plain" $VOLUME_SIZE
	DISK=$(make_disk $((VOLUME_SIZE / 512)))
	map "$DISK" "$1" "$2" "$4" "sector_size:$3" "${@:5}"
}

# agrees CIPHER KEY_BYTES SECTOR_SIZE IV_OFFSET [iv_large_sectors]
agrees() {
	open_volume "$1" "$(random_key "$2")" "${@:3}"
	expect_agreement "$DISK" "$3" $VOLUME_SIZE cbc_oracle "${ORACLE[@]}"
}

# With essiv, too, dm-crypt must be able to go on sector by sector.
falls_back() {
	local bios=$(((VOLUME_SIZE + 131071) / 131072))

	mount_debugfs
	[ -w "$FAULTS/failslab/require-start" ] ||
		skip "the kernel has no failslab with stack filter"
	require_fault failslab crypt_alloc_sg
	trap stop_failing EXIT
	open_volume "$1" "$(random_key 32)" 512 0
	start_failing failslab crypt_alloc_sg
	block_io write "$VOLUME" --cut 2048 --sizes 131072 < "$WORK/plain"
	block_io read "$DISK" | cbc_oracle decrypt "${ORACLE[@]}" > "$WORK/decrypted"
	expect_same "$WORK/plain" "$WORK/decrypted" "written"
	block_io read "$VOLUME" --cut 2048 --sizes 131072 > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
	expect_count batches 0
	expect_count fallbacks $((2 * bios))
}

# refused CIPHER: the driver of this volume takes one data unit in a request.
refused() {
	open_volume "$1" "$(random_key 32)" 512 0
	expect_off cipher
	write_mixed 512 "$WORK/plain"
	block_io read "$DISK" | cbc_oracle decrypt "${ORACLE[@]}" > "$WORK/decrypted"
	expect_same "$WORK/plain" "$WORK/decrypted" "written"
}

# Prints the drivers of the algorithm $1 that take many data units.
batching_drivers() {
	drivers_of "$1" | awk '$3 == "many" { print $1 }'
}

aes=$(aes_driver)
[ -n "$aes" ] || skip_all "the kernel has no AES of single blocks"
for cipher in aes-cbc-plain64 aes-cbc-essiv:sha256; do
	map "$(make_disk 2048)" $cipher "$(random_key 32)" 0 ||
		skip_all "the kernel cannot map $cipher"
	[ "$(get_status)" != "batch_sectors:off reason:cipher" ] ||
		skip_all "the driver of $cipher takes one data unit in a request"
	clean_case
done
sha256=$(preferred_driver sha256)
mapfile -t drivers < <(batching_drivers "cbc(aes)"; batching_drivers "essiv(cbc(aes),sha256)")

ktap_set_plan $((31 + 2 * ${#drivers[@]}))
run_case "the oracle agrees with other programs" knows_other_programs
for cipher in aes-cbc-plain64 aes-cbc-plain aes-cbc-essiv:sha256; do
	for size in 512 1024 2048 4096; do
		run_case "$cipher, AES-256, sectors of $size" agrees $cipher 32 $size 1000
		[ $size = 512 ] ||
			run_case "$cipher, AES-128, sectors of $size, iv_large_sectors" \
				agrees $cipher 16 $size 4096 iv_large_sectors
	done
	run_case "$cipher, AES-192" agrees $cipher 24 512 0
	[ $cipher = aes-cbc-plain ] ||
		run_case "$cipher, an IV that crosses 2^32" \
			agrees $cipher 32 512 $((0x100000000 - 1032))
done
for driver in "${drivers[@]}"; do
	run_case "$driver, sectors of 512" agrees "capi:$driver-plain64" 32 512 8
	run_case "$driver, sectors of 4096" agrees "capi:$driver-plain64" 32 4096 8
done
run_case "aes-cbc-plain64 sector by sector" falls_back aes-cbc-plain64
run_case "aes-cbc-essiv sector by sector" falls_back aes-cbc-essiv:sha256
run_case "cipher: the template of CBC" refused "capi:cbc($aes)-plain64"
run_case "cipher: the template of ESSIV" \
	refused "capi:essiv(cbc($aes),${sha256%% *})-plain64"
finish
