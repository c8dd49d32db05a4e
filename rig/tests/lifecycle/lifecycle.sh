#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume continues to work if it changes while it is in use, and
# that the data is right afterwards.  The test loads another table, changes the size, or
# suspends the volume, wipes its key and sets the key again.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_compare.sh
. "$TEST_DIR"/_load.sh
require_helper xts_oracle

SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))
QUARTER=$((SIZE / 4))

# open_volume SECTOR_SIZE: writes random data to $VOLUME and $WORK/plain.
open_volume() {
	UNIT=$1
	DISK=$(make_disk $SECTORS)
	map_filled "$DISK" "$1"
	expect_batched
}

# reload SECTORS [OPTION...]: loads another table for the volume while it is in use.
reload() {
	local sectors=$1

	shift
	set -- "sector_size:$UNIT" "$@"
	dmsetup load "$NAME" --table \
		"0 $sectors crypt $AES_XTS-plain64 $KEY 0 $DISK 0 $# $*"
	dmsetup resume "$NAME"
}

# Starts two loads, which leave the first and the third quarter of the volume alone.
start_loads() {
	start_load $QUARTER $((QUARTER / 2))
	start_load $((QUARTER * 3)) $((QUARTER / 2))
}

# Reads without batching.  A read with batching could undo an error of a batched write.
end_loads() {
	end_load
	set_batching N
	reload $SECTORS
	expect_off disabled
	compare_loads
	expect_read <(head -c $QUARTER "$WORK/plain") --length $QUARTER
}

# Loads many tables.  Each table has its own counters, so expect_batched tests only the last one.
other_tables() {
	local options

	open_volume "$1"
	start_loads
	for options in "" no_read_workqueue "no_read_workqueue no_write_workqueue" \
		       submit_from_crypt_cpus "same_cpu_crypt high_priority"; do
		set_batching N
		# shellcheck disable=SC2086 # one argument an option
		reload $SECTORS $options
		expect_off disabled
		wait_rounds
		set_batching Y
		# shellcheck disable=SC2086
		reload $SECTORS $options
		wait_rounds
		expect_batched
	done
	end_loads
}

expect_sectors() {
	local sectors

	sectors=$(blockdev --getsz "$VOLUME")
	[ "$sectors" -eq "$1" ] || fail "the volume has $sectors sectors, not $1"
}

# Removes the second half of the volume and adds it again, while the first half is in use.
other_size() {
	open_volume "$1"
	start_load 0 $((SIZE / 8))
	tail -c $((SIZE / 2)) "$WORK/plain" > "$WORK/expected"
	for _ in {1..2}; do
		reload $((SECTORS / 2))
		expect_sectors $((SECTORS / 2))
		! block_io read "$VOLUME" --offset $((SIZE / 2)) --length 4096 \
			> "$WORK/out" 2> /dev/null || fail "read behind the end"
		wait_rounds
		reload $SECTORS
		expect_sectors $SECTORS
		expect_read "$WORK/expected" --offset $((SIZE / 2))
		random_file "$WORK/expected" $((SIZE / 2))
		block_io write "$VOLUME" --offset $((SIZE / 2)) < "$WORK/expected"
		expect_batched
	done
	end_load
	compare_loads
	block_io read "$VOLUME" --length $((SIZE / 2)) > "$WORK/first"
	cat "$WORK/first" "$WORK/expected" > "$WORK/new"
	expect_on_disk "$WORK/new"
}

# A volume without a key must not resume.  Its I/O must wait until the volume has its key
# again, and must not reach the disk before.
wiped_key() {
	local options reader writer requests

	open_volume "$1"
	start_loads
	for options in "" "--noflush --nolockfs"; do
		wait_rounds
		# shellcheck disable=SC2086 # one argument an option
		dmsetup suspend $options "$NAME"
		requests=$(count batches)
		dmsetup message "$NAME" 0 key wipe
		block_io read "$DISK" > "$WORK/before"
		random_file "$WORK/new" $QUARTER
		block_io write "$VOLUME" --offset $((SIZE / 2)) < "$WORK/new" &
		writer=$!
		block_io read "$VOLUME" --length $QUARTER > "$WORK/read" &
		reader=$!
		! dmsetup resume "$NAME" 2> /dev/null || fail "resumed without a key"
		sleep 0.5
		kill -0 $writer 2> /dev/null || fail "the writer did not wait for the key"
		kill -0 $reader 2> /dev/null || fail "the reader did not wait for the key"
		expect_count batches "$requests"
		block_io read "$DISK" > "$WORK/out"
		expect_same "$WORK/before" "$WORK/out" "disk of a volume without a key"
		dmsetup message "$NAME" 0 key set "$KEY"
		dmsetup resume "$NAME"
		wait $reader
		wait $writer
		expect_more_requests "$requests"
		expect_same <(head -c $QUARTER "$WORK/plain") "$WORK/read" "read without a key"
		expect_read "$WORK/new" --offset $((SIZE / 2)) --length $QUARTER
	done
	end_loads
	expect_read "$WORK/new" --offset $((SIZE / 2)) --length $QUARTER
}

ktap_set_plan 6
for size in 512 4096; do
	run_case "sectors of $size: other tables" other_tables $size
	run_case "sectors of $size: other sizes" other_size $size
	run_case "sectors of $size: key wiped and set again" wiped_key $size
done
finish
