#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume is right for random I/O of up to 4 MiB: direct, with any
# number of segments in small and huge pages; through the page cache; through a mapping;
# with fsync(), DSYNC and discards in between.  Several programs run at once.  The
# ciphers are synchronous and asynchronous.  The test compares the disk with the result
# of an independent program, the oracle.
#
# COUNT is the number of operations of each program.  SEED selects the operations.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_helper random_io
require_helper xts_oracle
require_mdu_cipher
require_null_blk
require_fault fail_page_alloc crypt_alloc_buffer
trap 'stop_failing; clean_async' EXIT

KEY=$(random_key 64)
PART_MIB=8
PARTS=3
: "${COUNT:=60}"

random_io() {
	"$TEST_DIR"/random_io "$@"
}

# use_part NUMBER [OPTION...]: runs random_io on that part, with a seed of its own, and puts
# the data of the part into a file.
use_part() {
	local part=$1

	shift
	random_io "$VOLUME" --seed $((SEED + part)) --count "$COUNT" \
		--offset $((part * PART_MIB << 20)) --length $((PART_MIB << 20)) "$@" \
		> "$WORK/part.$part" 2> "$WORK/log.$part" ||
		fail "$(cat "$WORK/log.$part")"
}

# at_random DEVICE CIPHER SECTOR_SIZE [OPTION...]
at_random() {
	local part users=() discard=()

	make_device "$1" $((PARTS * PART_MIB))
	map "$DISK" "$2" "$KEY" 0 "sector_size:$3" "${@:4}"
	[[ " $* " != *" allow_discards "* ]] || discard=(--discard)
	for ((part = 0; part < PARTS; part++)); do
		use_part $part "${discard[@]}" &
		users+=($!)
	done
	for part in "${users[@]}"; do
		wait "$part"
	done
	ktap_print_msg "$(cat "$WORK/log.0")" >&3
	ktap_print_msg "$(get_status)" >&3
	expect_batched
	unmap
	cat "$WORK"/part.* > "$WORK/plain"
	block_io read "$DISK" | oracle decrypt --key "$KEY" --sector-size "$3" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "on disk"
}

# cipher_at_random ARGUMENT...: the same, with the parameters ASYNC of the asynchronous
# cipher
cipher_at_random() {
	reset_cipher "${ASYNC[@]}"
	at_random "$@"
	expect_cipher_sane
	expect_cipher busy -gt 0
	expect_cipher out_of_order -gt 0
}

# Forbids multi-page allocations, so that writes use single pages.
from_single_pages() {
	start_failing fail_page_alloc crypt_alloc_buffer min-order=1
	at_random "$@"
	stop_failing
}

: "${SEED:=$RANDOM}"
ktap_print_msg "to repeat this run: SEED=$SEED COUNT=$COUNT"
NO_WORKQUEUES=(no_read_workqueue no_write_workqueue)
ASYNC=(queue_len=4 delay_us=300 order=random busy_every=5 sync_every=7)

ktap_set_plan 7
run_async_case "sectors of 512" at_random loop aes-xts-plain64 512
run_async_case "sectors of 4096, discards" at_random loop aes-xts-plain64 4096 allow_discards
run_async_case "memory in single pages" from_single_pages loop aes-xts-plain64 512
run_async_case "no workqueues, irq2" \
	at_random irq2 aes-xts-plain64 512 "${NO_WORKQUEUES[@]}"
run_async_case "sectors of 4096, no workqueues, irq1" \
	at_random irq1 aes-xts-plain64 4096 "${NO_WORKQUEUES[@]}"
# Each request takes longer here.
COUNT=$((COUNT / 2))
run_async_case "asynchronous, discards" cipher_at_random loop "$MDU_CIPHER" 512 allow_discards
ASYNC+=(context=softirq)
run_async_case "asynchronous, no workqueues, irq2" \
	cipher_at_random irq2 "$MDU_CIPHER" 512 "${NO_WORKQUEUES[@]}"
finish
