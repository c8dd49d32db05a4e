#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that batching is right with a cipher that answers later: from a thread or
# in softirq context, before the caller knows that the request was accepted, in
# another order, with a full queue, or sometimes at once.  dm-crypt converts in
# workqueues, or where I/O is submitted and completes.  The test compares the disk
# with the result of an independent program, the oracle, and the counters of
# dm-crypt with those of the cipher.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_helper xts_oracle
require_mdu_cipher
require_null_blk
trap clean_async EXIT

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
HALF=$((SIZE / 2))
NO_WORKQUEUES=(no_read_workqueue no_write_workqueue)
# Long enough for the other bios of an I/O to arrive.
DELAY_US=5000

# open_volume DEVICE SECTOR_SIZE [OPTION...]
open_volume() {
	UNIT=$2
	make_device "$1" $((SIZE >> 20))
	map "$DISK" "${CIPHER_SPEC:-$MDU_CIPHER}" "$KEY" 0 "sector_size:$UNIT" "${@:3}"
	make_data
}

# Makes three files for half of the volume, so that each write changes the data.
make_data() {
	local name

	DATA=(a b c)
	for name in "${DATA[@]}"; do
		random_file "$WORK/$name" $HALF
	done
}

next_data() {
	DATA=("${DATA[1]}" "${DATA[2]}" "${DATA[0]}")
}

# transfer read|write LARGE MIXED: transfers the half of the volume at byte LARGE in
# one I/O of many bios and many segments, and at the same time the half at byte MIXED
# in I/Os of many sizes.
transfer() {
	local large mixed
	local sizes=131072,$UNIT,16384,65536,$UNIT,8192

	set -- "$@" "$WORK/${DATA[0]}" "$WORK/${DATA[1]}"
	case $1 in
	write)
		block_io write "$VOLUME" --offset "$2" --sizes $HALF \
			--cut $((UNIT * 4)) < "$4" &
		large=$!
		block_io write "$VOLUME" --offset "$3" --sizes "$sizes" < "$5" &
		mixed=$! ;;
	read)
		block_io read "$VOLUME" --offset "$2" --length $HALF --sizes $HALF \
			--cut $((UNIT * 4)) > "$WORK/large" &
		large=$!
		block_io read "$VOLUME" --offset "$3" --length $HALF --sizes "$sizes" \
			> "$WORK/mixed" &
		mixed=$! ;;
	esac
	wait $large
	wait $mixed
}

# Writes, compares the disk with the oracle, and reads each half in the other way.
write_and_read() {
	next_data
	transfer write 0 $HALF
	block_io read "$DISK" | oracle decrypt --key "$KEY" --sector-size "$UNIT" \
		> "$WORK/out"
	cat "$WORK/${DATA[0]}" "$WORK/${DATA[1]}" > "$WORK/plain"
	expect_same "$WORK/plain" "$WORK/out" "written, $*"
	transfer read $HALF 0
	expect_same "$WORK/${DATA[0]}" "$WORK/mixed" "read in many sizes, $*"
	expect_same "$WORK/${DATA[1]}" "$WORK/large" "read in one I/O, $*"
}

# with NAME=VALUE...: uses the volume with these parameters of the cipher.  dm-crypt
# must count as many batches as the cipher.  No sector may be processed twice or left
# out.
with() {
	local batches

	reset_cipher "$@"
	read_status
	batches=${STATUS[batches]}
	write_and_read "$@"
	read_status
	expect_cipher_sane
	expect_cipher many -gt 0
	expect_cipher many -eq $((STATUS[batches] - batches))
	expect_cipher units -eq $((2 * SIZE / UNIT))
	[ "${STATUS[fallbacks]}" -eq 0 ] || fail "fallbacks: $(get_status)"
}

# until_counted COUNTER NAME=VALUE...: uses the volume, with longer and longer delays,
# until COUNTER is not 0.  A slow machine needs a longer delay to queue several requests,
# and some luck with the order "random".
until_counted() {
	local counter=$1 delay_us

	shift
	for delay_us in $DELAY_US $((DELAY_US * 4)) $((DELAY_US * 16)); do
		with "$@" "delay_us=$delay_us"
		[ "${CIPHER[$counter]}" -eq 0 ] || break
	done
	expect_cipher "$counter" -gt 0
}

# in_order CONTEXT
in_order() {
	with "context=$1"
	expect_cipher sync -eq 0
	expect_cipher busy -eq 0
	expect_cipher out_of_order -eq 0
	until_counted busy "context=$1" queue_len=2
	expect_cipher most_held -eq 2
	# kcryptd has one worker for each processor, and each waits when the queue is full.
	# Code that must not sleep leaves waiting to workers, and goes on.
	dmsetup table "$NAME" | grep 'no_.*_workqueue' > /dev/null ||
		expect_cipher most_backlogged -le "$(nproc)"
}

# out_of_order CONTEXT
out_of_order() {
	until_counted out_of_order "context=$1" queue_len=8 order=lifo
	expect_cipher largest_batch -gt 1
	until_counted out_of_order "context=$1" queue_len=8 order=random busy_every=3
	expect_cipher largest_batch -gt 1
	expect_cipher busy -gt 0
	with "context=$1" queue_len=2 "delay_us=$DELAY_US" order=random sync_every=3
	expect_cipher sync -gt 0
}

# always_busy CONTEXT
always_busy() {
	with "context=$1" queue_len=1
	expect_cipher most_held -eq 1
	with "context=$1" busy_every=1
	expect_cipher busy -eq requests
}

in_line() {
	with context=inline
	expect_cipher busy -eq 0
	with context=inline busy_every=1
	expect_cipher busy -eq requests
	with context=inline busy_every=3 sync_every=2
	expect_cipher busy -gt 0
	expect_cipher sync -gt 0
}

synchronous() {
	with context=sync
	expect_cipher sync -eq requests
}

# all_of_it DEVICE SECTOR_SIZE [OPTION...]
all_of_it() {
	local context

	open_volume "$@"
	for context in process softirq; do
		in_order $context
		out_of_order $context
		always_busy $context
	done
	in_line
	synchronous
}

# most_of_it DEVICE SECTOR_SIZE [OPTION...]
most_of_it() {
	open_volume "$@"
	with context=process queue_len=8 "delay_us=$DELAY_US" order=random busy_every=3
	expect_cipher busy -gt 0
	with context=softirq queue_len=2 order=lifo sync_every=5
	expect_cipher sync -gt 0
	with context=inline busy_every=2
	expect_cipher busy -gt 0
}

# Goes sector by sector with the same cipher, which makes far more requests.
unbatched() {
	set_batching N
	UNIT=512
	make_device "$1" $((SIZE >> 20))
	map "$DISK" "$MDU_CIPHER" "$KEY" 0 "${NO_WORKQUEUES[@]}"
	make_data
	expect_off disabled
	reset_cipher queue_len=8 order=random busy_every=5 sync_every=7
	write_and_read "one by one"
	expect_cipher_sane
	expect_cipher many -eq 0
	expect_cipher requests -eq $((2 * SIZE / 512))
	expect_cipher busy -gt 0
}

# dm-crypt calls the cipher in softirq context, where nobody may wait.
reads_in_softirq() {
	open_volume "$1" 512 no_read_workqueue
	with context=process queue_len=1
	expect_cipher softirq -gt 0
}

# Only the kernel command line can set the length of cryptd's queue.
short_cryptd() {
	local aes size

	case $(cat /proc/cmdline) in
	*cryptd.cryptd_max_cpu_qlen=1\ * | *cryptd.cryptd_max_cpu_qlen=1) ;;
	*)	skip "needs cryptd.cryptd_max_cpu_qlen=1 on the kernel command line" ;;
	esac
	aes=$(aes_driver)
	[ -n "$aes" ] || skip "the kernel has no AES of single blocks"
	CIPHER_SPEC="capi:cryptd(xts(ecb($aes)))-plain64"
	open_volume "$1" 512 "${NO_WORKQUEUES[@]}"
	for size in 1 2 3; do
		write_and_read "cryptd, time $size"
	done
	expect_batched
	expect_count fallbacks 0
}

ktap_set_plan 14
run_async_case "sectors of 512" all_of_it loop 512
run_async_case "sectors of 512, no workqueues" most_of_it loop 512 "${NO_WORKQUEUES[@]}"
run_async_case "sectors of 4096" most_of_it loop 4096
run_async_case "sectors of 4096, no workqueues" most_of_it loop 4096 "${NO_WORKQUEUES[@]}"
run_async_case "irq1, no workqueues" most_of_it irq1 512 "${NO_WORKQUEUES[@]}"
run_async_case "irq2, no workqueues" all_of_it irq2 512 "${NO_WORKQUEUES[@]}"
for device in irq1 irq2; do
	run_async_case "$device" most_of_it $device 512
	run_async_case "$device, reads that come in softirq context" reads_in_softirq $device
	run_async_case "$device, batching off" unbatched $device
done
run_async_case "cryptd with a short queue" short_cryptd loop
run_async_case "cryptd with a short queue, in softirq context" short_cryptd irq2
finish
