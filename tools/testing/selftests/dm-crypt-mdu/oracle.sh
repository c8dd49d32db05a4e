#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume has the right bytes on disk.  An independent program,
# the oracle, computes these bytes from the key and the sector numbers, for each
# sector size, both ways to count the IV, key sizes, and IVs that cross 2^32.
# The test uses these drivers: the one that the kernel prefers; all others that take
# many data units according to /proc/crypto; the xts template, which works on top of
# any AES driver; and cryptd in front of the template.  cryptd is asynchronous.

. "$(dirname "$0")"/_lib.sh
require_helper xts_oracle

VOLUME_SIZE=$((1200 * 1024))
CIPHER="aes-xts-plain64"

# Vectors 4 and 5 of IEEE 1619-2007: sectors 0 and 1 with one key.
knows_the_standard() {
	local key=2718281828459045235360287471352631415926535897932384626433832795

	printf %b "$(printf '\\x%x' {0..255} {0..255})" > "$WORK/0"
	oracle encrypt --key $key < "$WORK/0" > "$WORK/1"
	oracle encrypt --key $key --first-sector 1 < "$WORK/1" > "$WORK/2"
	[ "$(od -An -tx1 -N8 "$WORK/1")" = " 27 a7 47 9b ef a1 d4 76" ]
	[ "$(od -An -tx1 -N8 "$WORK/2")" = " 26 4d 3c a8 51 21 94 fe" ]
}

# agrees KEY_BYTES SECTOR_SIZE IV_OFFSET [--large-iv]
agrees() {
	local sector_size=$2 iv_offset=$3 large=("${@:4}") disk key

	key=$(random_key "$1")
	set -- --key "$key" --sector-size "$sector_size" --iv-offset "$iv_offset" "${large[@]}"
	disk=$(make_disk $((VOLUME_SIZE / 512)))
	map "$disk" "$CIPHER" "$key" "$iv_offset" \
		"sector_size:$sector_size" "${large[@]/--large-iv/iv_large_sectors}"
	expect_agreement "$disk" "$sector_size" $VOLUME_SIZE oracle "$@"
}

# driver_agrees DRIVER KEY_BYTES SECTOR_SIZE IV_OFFSET [--large-iv]
driver_agrees() {
	CIPHER="capi:$1-plain64"
	shift
	agrees "$@"
}

# The instance of cryptd stays registered after the test.  Its priority is that of the
# template plus 50.  Skips the case if the kernel would then prefer this instance.
cryptd_agrees() {
	local highest priority

	read -r _ highest _ < <(preferred_driver "xts(aes)")
	priority=$(drivers_of "xts(aes)" | awk -v driver="$template" '$1 == driver { print $2 }')
	[ $((priority + 50)) -lt "$highest" ] ||
		skip "the kernel would prefer cryptd to any other driver afterwards"
	driver_agrees "cryptd($template)" "$@"
}

# Prints the drivers of xts(aes) that take many data units according to /proc/crypto.
# Skips instances of templates, which have cases of their own.
batching_drivers() {
	drivers_of "xts(aes)" | awk '$3 == "many" && $1 !~ /\(/ { print $1 }'
}

aes=$(aes_driver)
[ -n "$aes" ] || skip_all "the kernel has no AES of single blocks"
template="xts(ecb($aes))"
mapfile -t drivers < <(batching_drivers)
ktap_set_plan $((24 + 3 * ${#drivers[@]}))
run_case "the oracle agrees with IEEE 1619" knows_the_standard
for size in 512 1024 2048 4096; do
	for large in "" --large-iv; do
		[ "$size" -ne 512 ] ||
			run_case "AES-128, sectors of $size, iv_offset 1000${large:+, $large}" \
				agrees 32 $size 1000 $large
		# A batch has 256 sectors of 512 bytes at most.  2^32 is in the middle of one.
		for offset in 0 $((0x100000000 - 1032)); do
			run_case "AES-256, sectors of $size, iv_offset $offset${large:+, $large}" \
				agrees 64 $size $offset $large
		done
	done
done
for driver in "${drivers[@]}" "$template"; do
	run_case "$driver, AES-256, sectors of 512" driver_agrees "$driver" 64 512 1000
	run_case "$driver, AES-256, sectors of 4096" driver_agrees "$driver" 64 4096 1000
	run_case "$driver, AES-128, sectors of 4096, --large-iv" \
		driver_agrees "$driver" 32 4096 0 --large-iv
done
run_case "cryptd in front of the template, AES-256, sectors of 512" \
	cryptd_agrees 64 512 1000
run_case "cryptd in front of the template, AES-256, sectors of 4096" \
	cryptd_agrees 64 4096 1000
finish
