#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume on a zoned device keeps the order of its writes, and puts
# zone appends where it reports them.  The device below receives zone appends as writes.
# The cipher answers at once, or later and in another order.  A write out of order fails
# on such a device.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_helper xts_oracle
require_tools blkzone
require_mdu_cipher
require_null_blk
require_fault failslab crypt_alloc_sg
trap 'stop_failing; clean_async' EXIT

KEY=$(random_key 64)
ZONE_MIB=2
ZONES=5
ZONE_SECTORS=$((ZONE_MIB * 2048))
ZONE_SIZE=$((ZONE_MIB << 20))
APPEND=/sys/kernel/debug/zone_append
APPEND_PARAMETERS=/sys/module/zone_append/parameters

# open_volume CIPHER SECTOR_SIZE [OPTION...]
open_volume() {
	local zones

	UNIT=$2
	make_null_blk 2 $((ZONES * ZONE_MIB)) zoned=1 zone_size=$ZONE_MIB zone_nr_conv=1 \
		memory_backed=1 "blocksize=$UNIT" || skip "null_blk has no zones"
	map "$DISK" "$1" "$KEY" 0 "sector_size:$UNIT" "${@:3}"
	expect_on
	zones=$(blkzone report "$VOLUME" | grep -c 'type: 2(SEQ_WRITE_REQUIRED)')
	[ "$zones" -eq $((ZONES - 1)) ] || fail "the volume lacks the zones of its disk"
}

# write_zone NUMBER: writes the zone from its start, in bios of many sizes and segments.
write_zone() {
	random_file "$WORK/zone.$1" $ZONE_SIZE
	block_io write "$VOLUME" --offset $(($1 * ZONE_SIZE)) --cut $((UNIT * 4)) \
		--sizes "1048576,$UNIT,131072,$((UNIT * 3)),65536" < "$WORK/zone.$1"
}

# compare_zone NUMBER: reads the zone through the volume, and from the disk with the oracle.
compare_zone() {
	local place=(--offset $(($1 * ZONE_SIZE)) --length "$ZONE_SIZE")

	block_io read "$VOLUME" "${place[@]}" --cut $((UNIT * 4)) > "$WORK/out"
	expect_same "$WORK/zone.$1" "$WORK/out" "zone $1"
	block_io read "$DISK" "${place[@]}" | oracle decrypt --key "$KEY" \
		--sector-size "$UNIT" --first-sector $(($1 * ZONE_SECTORS)) > "$WORK/out"
	expect_same "$WORK/zone.$1" "$WORK/out" "zone $1 on disk"
}

# Writes all zones at the same time, twice.
write_all_zones() {
	local zone writers

	for _ in 1 2; do
		blkzone reset --offset $ZONE_SECTORS "$VOLUME"
		writers=()
		for ((zone = 0; zone < ZONES; zone++)); do
			write_zone $zone &
			writers+=($!)
		done
		for zone in "${writers[@]}"; do
			wait "$zone"
		done
		for ((zone = 0; zone < ZONES; zone++)); do
			compare_zone $zone
		done
	done
}

out_of_order_fails() {
	! block_io write "$VOLUME" --offset $((ZONE_SIZE + 65536)) --length 4096 \
		< "$WORK/zone.0" 2> "$WORK/message" || fail "written into a full zone"
}

writes() {
	open_volume "$@"
	write_all_zones
	out_of_order_fails
	expect_batched
}

# Without memory, each bio goes sector by sector.
writes_without_memory() {
	open_volume "$@"
	start_failing failslab crypt_alloc_sg
	write_all_zones
	stop_failing
	[ "$(count fallbacks)" -gt 0 ] || fail "no fallbacks: $(get_status)"
}

# cipher_answers NAME=VALUE... -- COMMAND...
cipher_answers() {
	local answers=()

	while [ "$1" != -- ]; do
		answers+=("$1")
		shift
	done
	reset_cipher "${answers[@]}"
	"${@:2}"
	expect_cipher_sane
	expect_cipher sync -lt requests
}

# append FILE PIECES: appends each piece in one bio, and prints a line "SECTOR FILE PIECE".
append() {
	local i sector

	for ((i = 0; i < $2; i++)); do
		exec 5<> $APPEND
		dd if="$1" bs="$PIECE" skip="$i" count=1 status=none >&5
		read -r sector <&5
		exec 5<&-
		echo "$sector $1 $i"
	done
}

# Several programs append to one zone.  Each finds its data at the sector that it was told.
appends() {
	local appenders=() i pieces sector file piece place

	modprobe -q zone_append || skip "no module zone_append, see rig/modules/zone_append"
	open_volume "$@"
	echo "$VOLUME" > $APPEND_PARAMETERS/device
	echo $ZONE_SECTORS > $APPEND_PARAMETERS/zone
	PIECE=$((64 * 1024 + UNIT))
	pieces=$((ZONE_SIZE / PIECE / 3))
	for i in 1 2 3; do
		random_file "$WORK/data.$i" $((PIECE * pieces))
		append "$WORK/data.$i" $pieces > "$WORK/where.$i" &
		appenders+=($!)
	done
	for i in "${appenders[@]}"; do
		wait "$i"
	done
	rmmod zone_append
	sort -n "$WORK"/where.* > "$WORK/where"
	i=$ZONE_SECTORS
	: > "$WORK/zone.1"
	while read -r sector file piece; do
		[ "$sector" -eq $i ] || fail "a piece at sector $sector, not at $i"
		i=$((i + PIECE / 512))
		dd if="$file" bs="$PIECE" skip="$piece" count=1 status=none >> "$WORK/zone.1"
	done < "$WORK/where"
	[ $(((i - ZONE_SECTORS) / (PIECE / 512))) -eq $((3 * pieces)) ] || fail "not all pieces"
	place=(--offset "$ZONE_SIZE" --length $((PIECE * pieces * 3)))
	block_io read "$VOLUME" "${place[@]}" > "$WORK/out"
	expect_same "$WORK/zone.1" "$WORK/out" "appended"
	block_io read "$DISK" "${place[@]}" | oracle decrypt --key "$KEY" \
		--sector-size "$UNIT" --first-sector $ZONE_SECTORS > "$WORK/out"
	expect_same "$WORK/zone.1" "$WORK/out" "appended, on disk"
	[ "$(count batches)" -ge $((3 * pieces)) ] || fail "not batched: $(get_status)"
}

ASYNC=(queue_len=8 delay_us=500 order=random busy_every=3)

ktap_set_plan 9
run_async_case "sectors of 512" writes aes-xts-plain64 512
run_async_case "sectors of 4096" writes aes-xts-plain64 4096
run_async_case "no memory for scatterlists" writes_without_memory aes-xts-plain64 512
for context in process softirq; do
	run_async_case "a cipher that answers later, $context" \
		cipher_answers "${ASYNC[@]}" context=$context -- writes "$MDU_CIPHER" 512
done
run_async_case "a cipher that answers later, no memory for scatterlists" \
	cipher_answers "${ASYNC[@]}" -- writes_without_memory "$MDU_CIPHER" 4096
for size in 512 4096; do
	run_async_case "zone append, sectors of $size" appends aes-xts-plain64 $size
done
run_async_case "zone append, a cipher that answers later" \
	cipher_answers "${ASYNC[@]}" -- appends "$MDU_CIPHER" 512
finish
