#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that batching survives a change of the key on a suspended volume, and
# that the new key is the one in use.

. "$(dirname "$0")"/_lib.sh
require_helper xts_oracle

SIZE=$((1024 * 1024))
FIRST_KEY=$(random_key 64)
OTHER_KEY=$(random_key 64)

# Takes the key away, as for a suspend to RAM, and gives the volume another.
reload_key() {
	dmsetup suspend "$NAME"
	dmsetup message "$NAME" 0 key wipe
	dmsetup message "$NAME" 0 key set "$1"
	dmsetup resume "$NAME"
}

# reload SECTOR_SIZE KEY
reload() {
	local sector_size=$1 key=$2 disk requests

	random_file "$WORK/plain" $SIZE
	disk=$(make_disk $((SIZE / 512)))
	map "$disk" aes-xts-plain64 "$FIRST_KEY" 0 "sector_size:$sector_size"
	write_mixed "$sector_size" "$WORK/plain"
	requests=$(count batches)
	reload_key "$key"

	if [ "$key" = "$FIRST_KEY" ]; then
		block_io read "$VOLUME" > "$WORK/out"
		expect_same "$WORK/plain" "$WORK/out" "written before"
	fi
	random_file "$WORK/plain" $SIZE
	write_mixed "$sector_size" "$WORK/plain"
	expect_more_requests "$requests"
	block_io read "$disk" |
		oracle decrypt --key "$key" --sector-size "$sector_size" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "written after"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read after"
}

ktap_set_plan 4
for size in 512 4096; do
	run_case "sectors of $size, the same key again" reload $size "$FIRST_KEY"
	run_case "sectors of $size, another key" reload $size "$OTHER_KEY"
done
finish
