#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume waits for requests that its cipher still holds.  The volume is not
# suspended, does not get another table or another key, and does not go away, before the
# cipher has answered and the data is in place.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_helper xts_oracle
require_mdu_cipher

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))
BIOS=$((SIZE / 131072))
HOLD_S=3

# hold CONTEXT: starts I/O that the cipher holds.  HELD lists the processes.
hold() {
	random_file "$WORK/new" $((SIZE / 2))
	reset_cipher delay_us=$((HOLD_S * 1000000)) queue_len=1000 order=random context="$1"
	block_io write "$VOLUME" --sizes $((SIZE / 2)) < "$WORK/new" &
	HELD=($!)
	block_io read "$VOLUME" --offset $((SIZE / 2)) --sizes $((SIZE / 2)) > "$WORK/read" &
	HELD+=($!)
	wait_for_cipher
}

# Waits until the cipher has one request for each bio.
wait_for_cipher() {
	local i

	for ((i = 0; i < 100; i++)); do
		read_cipher
		[ "${CIPHER[requests]}" -lt $BIOS ] || break
		sleep 0.01
	done
	expect_cipher requests -eq $BIOS
	[ "${CIPHER[completed]}" -eq 0 ] || fail "the cipher does not hold its requests"
}

# Waits for the I/O, which must succeed.
released() {
	local pid

	for pid in "${HELD[@]}"; do
		wait "$pid"
	done
	expect_cipher_sane
	expect_same "$WORK/plain.second" "$WORK/read" "read while it was held"
}

open_volume() {
	DISK=$(make_disk $SECTORS)
	map "$DISK" "$MDU_CIPHER" "$KEY" 0 "$@"
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	tail -c $((SIZE / 2)) "$WORK/plain" > "$WORK/plain.second"
}

# Compares the disk with the oracle, an independent program.
expect_on_disk() {
	block_io read "$DISK" | oracle decrypt --key "$KEY" > "$WORK/out"
	cat "$WORK/new" "$WORK/plain.second" > "$WORK/expected"
	expect_same "$WORK/expected" "$WORK/out" "on disk"
}

expect_all_answered() {
	expect_cipher completed -eq requests
}

# suspended CONTEXT [OPTION...]: the cipher holds no request of a suspended volume.
suspended() {
	open_volume "${@:2}"
	hold "$1"
	dmsetup suspend "$NAME"
	expect_all_answered
	expect_on_disk
	dmsetup resume "$NAME"
	released
}

other_table() {
	open_volume "${@:2}"
	hold "$1"
	dmsetup load "$NAME" --table "0 $SECTORS crypt $MDU_CIPHER $KEY 0 $DISK 0"
	dmsetup resume "$NAME"
	expect_all_answered
	released
	expect_on_disk
	expect_status 0 0
	reset_cipher
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/expected" "$WORK/out" "with the other table"
}

# While the cipher has requests, its key must be the key that they came with.
other_key() {
	local old=$KEY

	open_volume "${@:2}"
	hold "$1"
	dmsetup suspend "$NAME"
	dmsetup message "$NAME" 0 key wipe
	expect_on_disk
	KEY=$(random_key 64)
	dmsetup message "$NAME" 0 key set "$KEY"
	dmsetup resume "$NAME"
	released
	reset_cipher
	block_io write "$VOLUME" < "$WORK/plain"
	block_io read "$DISK" | oracle decrypt --key "$KEY" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "written with the other key"
	[ "$old" != "$KEY" ] || fail "the keys are the same"
}

removed() {
	local directory

	open_volume "${@:2}"
	hold "$1"
	expect_busy
	directory=$(sys_directory)
	dmsetup remove --deferred "$NAME"
	released
	wait_until_gone "$directory"
	expect_on_disk
}

trap clean_async EXIT

ktap_set_plan 8
for context in process softirq; do
	run_async_case "suspended, $context" suspended $context
	run_async_case "another table, $context" other_table $context
	run_async_case "another key, $context" other_key $context no_write_workqueue
	run_async_case "removed, $context" removed $context no_read_workqueue
done
finish
