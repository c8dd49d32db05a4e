#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that batching works, and does not change the bytes on disk.  The test uses
# each option of the crypt target that changes where and when dm-crypt converts data,
# and then random options, sector sizes, IVs and limits for the size of a bio.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_random_options.sh
require_helper xts_oracle

SIZE=$((2 * 1024 * 1024))
PARAMETERS=/sys/module/dm_crypt/parameters
SIZES=(0 512 4096 5000 12288 65536 131072 1000000)

# use_volume DISK on|off RAW: writes the volume, reads it back, and copies the raw device
# to the file RAW.
use_volume() {
	map "$1" "aes-xts-$IV" "$KEY" "$IV_OFFSET" "${OPTIONS[@]}"
	"expect_$2" disabled
	write_mixed "$SECTOR_SIZE" "$WORK/plain"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read back, batching $2"
	block_io read "$1" > "$3"
}

# one_sector_a_bio MOST: has each bio of at most MOST bytes (0: no limit) only one sector?
one_sector_a_bio() {
	[ "$1" -ne 0 ] && [ "$1" -lt $((2 * SECTOR_SIZE)) ]
}

batched_equals_unbatched() {
	local disk

	KEY=$(random_key 64)
	random_file "$WORK/plain" $SIZE
	disk=$(make_disk $((SIZE / 512)))
	use_volume "$disk" on "$WORK/on"
	if one_sector_a_bio "$MAX_READ" && one_sector_a_bio "$MAX_WRITE"; then
		expect_count batches 0
	else
		expect_batched
	fi
	unmap
	case " ${OPTIONS[*]} " in
	*" iv_large_sectors "*)	set -- --large-iv ;;
	esac
	oracle decrypt --key "$KEY" --sector-size "$SECTOR_SIZE" --iv "$IV" \
		--iv-offset "$IV_OFFSET" "$@" < "$WORK/on" > "$WORK/decrypted"
	expect_same "$WORK/plain" "$WORK/decrypted" "oracle"

	set_batching N
	disk=$(make_disk $((SIZE / 512)))
	use_volume "$disk" off "$WORK/off"
	expect_same "$WORK/on" "$WORK/off" "raw devices"
}

works_with() {
	OPTIONS=("$@")
	batched_equals_unbatched
}

# set_sizes MAX_READ MAX_WRITE
set_sizes() {
	MAX_READ=$1
	MAX_WRITE=$2
	echo "$1" > $PARAMETERS/max_read_size
	echo "$2" > $PARAMETERS/max_write_size
}

# at_random SEED
at_random() {
	RANDOM=$1
	choose_options
	# shellcheck disable=SC2064 # expand the variables now
	trap "set_sizes $MAX_READ $MAX_WRITE" EXIT
	set_sizes "${SIZES[RANDOM % ${#SIZES[@]}]}" "${SIZES[RANDOM % ${#SIZES[@]}]}"
	ktap_print_msg "aes-xts-$IV $IV_OFFSET ${OPTIONS[*]}, max_read_size $MAX_READ," \
		"max_write_size $MAX_WRITE" >&3
	batched_equals_unbatched
}

MAX_READ=$(cat $PARAMETERS/max_read_size)
MAX_WRITE=$(cat $PARAMETERS/max_write_size)
SECTOR_SIZE=512
IV=plain64
IV_OFFSET=0
: "${SEED:=$RANDOM}"
: "${COUNT:=8}"
ktap_print_msg "to repeat this run: SEED=$SEED COUNT=$COUNT"

ktap_set_plan $((${#FLAGS[@]} + 1 + COUNT))
for option in "${FLAGS[@]}"; do
	run_case "$option" works_with "$option"
done
run_case "all options" works_with "${FLAGS[@]}"
for ((i = 0; i < COUNT; i++)); do
	run_case "at random, seed $((SEED + i))" at_random $((SEED + i))
done
finish
