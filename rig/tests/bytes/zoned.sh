#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume on a zoned device keeps the order of its writes.  On such a
# device, a write out of order fails.  The cipher completes requests at once, or later and in
# another order.  No case uses zone appends, because dm-crypt gets zone appends as writes.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_tools blkzone
require_fault failslab crypt_alloc_sg

ZONE_MIB=2
ZONES=5
ZONE_SECTORS=$((ZONE_MIB * 2048))
ZONE_SIZE=$((ZONE_MIB << 20))

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

# compare_zone NUMBER LENGTH: reads the beginning of the zone through the volume, and from
# the disk with the oracle.
compare_zone() {
	local place=(--offset $(($1 * ZONE_SIZE)) --length "$2")

	expect_read "$WORK/zone.$1" "${place[@]}" --cut $((UNIT * 4))
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
			compare_zone $zone $ZONE_SIZE
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

# cipher_answers CONTEXT COMMAND...: runs COMMAND with a cipher that completes requests later
cipher_answers() {
	reset_cipher queue_len=8 delay_us=500 order=random busy_every=3 "context=$1"
	"${@:2}"
	expect_cipher_sane
	expect_cipher sync -lt requests
}

ktap_set_plan 6
run_async_case "sectors of 512" writes aes-xts-plain64 512
run_async_case "sectors of 4096" writes aes-xts-plain64 4096
run_async_case "no memory for scatterlists" writes_without_memory aes-xts-plain64 512
for context in process softirq; do
	run_async_case "a cipher that answers later, $context" \
		cipher_answers $context writes "$MDU_CIPHER" 512
done
run_async_case "a cipher that answers later, no memory for scatterlists" \
	cipher_answers process writes_without_memory "$MDU_CIPHER" 4096
finish
