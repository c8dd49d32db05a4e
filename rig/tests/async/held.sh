#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a volume waits for requests that its cipher still holds.  A suspend, another
# table, another key and a removal must wait until the cipher has completed all requests
# and the data is in place.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh

SIZE=$((1024 * 1024))
BIOS=$((SIZE / 131072))
HOLD_S=3

# Checks that the volume cannot be removed, as it is open.
expect_busy() {
	! dmsetup remove "$NAME" 2> "$WORK/message" || fail "removed while it is open"
	grep 'busy' "$WORK/message" > /dev/null || fail "not EBUSY: $(cat "$WORK/message")"
}

all_held() {
	read_cipher
	[ "${CIPHER[requests]}" -ge $BIOS ]
}

# hold CONTEXT [OPTION...]: opens $VOLUME and starts I/O that the cipher holds, in one request
# for each bio.  HELD lists the processes.  $WORK/new is the right data after this I/O.
hold() {
	open_encrypted loop "$MDU_CIPHER" "${@:2}"
	tail -c $((SIZE / 2)) "$WORK/plain" > "$WORK/second"
	random_file "$WORK/first" $((SIZE / 2))
	cat "$WORK/first" "$WORK/second" > "$WORK/new"
	reset_cipher delay_us=$((HOLD_S * 1000000)) queue_len=1000 order=random context="$1"
	block_io write "$VOLUME" --sizes $((SIZE / 2)) < "$WORK/first" &
	HELD=($!)
	block_io read "$VOLUME" --offset $((SIZE / 2)) --sizes $((SIZE / 2)) > "$WORK/read" &
	HELD+=($!)
	wait_for 10 all_held
	expect_cipher requests -eq $BIOS completed -eq 0
}

# Waits for the I/O that the cipher held.  The I/O must succeed.
released() {
	local pid

	for pid in "${HELD[@]}"; do
		wait "$pid"
	done
	expect_cipher_sane
	expect_same "$WORK/second" "$WORK/read" "data of the read that was held"
}

# suspended CONTEXT [OPTION...]: checks that the cipher holds no request of a suspended volume.
suspended() {
	hold "$@"
	dmsetup suspend "$NAME"
	expect_cipher completed -eq requests
	expect_on_disk "$WORK/new"
	dmsetup resume "$NAME"
	released
}

other_table() {
	hold "$@"
	dmsetup load "$NAME" --table "0 $((SIZE / 512)) crypt $MDU_CIPHER $KEY 0 $DISK 0"
	dmsetup resume "$NAME"
	expect_cipher completed -eq requests
	released
	expect_on_disk "$WORK/new"
	expect_status 0 0
	reset_cipher
	expect_read "$WORK/new"
}

# The key of the cipher must not change while the cipher holds requests.
other_key() {
	hold "$@"
	dmsetup suspend "$NAME"
	dmsetup message "$NAME" 0 key wipe
	expect_on_disk "$WORK/new"
	KEY=$(random_key 64)
	dmsetup message "$NAME" 0 key set "$KEY"
	dmsetup resume "$NAME"
	released
	reset_cipher
	block_io write "$VOLUME" < "$WORK/plain"
	expect_on_disk "$WORK/plain"
}

removed() {
	local directory

	hold "$@"
	expect_busy
	directory=$(sys_directory)
	dmsetup remove --deferred "$NAME"
	released
	wait_until_gone "$directory"
	expect_on_disk "$WORK/new"
}

ktap_set_plan 8
for context in process softirq; do
	run_async_case "suspended, $context" suspended $context
	run_async_case "another table, $context" other_table $context
	run_async_case "another key, $context" other_key $context no_write_workqueue
	run_async_case "removed, $context" removed $context no_read_workqueue
done
finish
