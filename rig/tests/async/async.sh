#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that batching works with an asynchronous cipher.  The cipher completes requests
# in a thread or in softirq context, before its call returns, in another order, with a
# full queue, or sometimes at once.  dm-crypt converts data in workqueues, or where I/O
# is submitted and completes.  The test compares the disk with the result of an
# independent program, the oracle, and the counters of dm-crypt with the counters of the
# cipher.  If the cipher refuses the sector size, dm-crypt goes sector by sector.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh

SIZE=$((1024 * 1024))
# The cipher waits so long that the other bios of an I/O arrive meanwhile.
DELAY_US=5000

# open_volume DEVICE SECTOR_SIZE [OPTION...]
open_volume() {
	UNIT=$2
	make_device "$1" $((SIZE >> 20))
	map "$DISK" "${CIPHER_SPEC:-$MDU_CIPHER}" "$KEY" 0 "sector_size:$UNIT" "${@:3}"
}

# Writes, compares the disk with the oracle, and reads each half in the way in which the
# other half was written.
write_and_read() {
	local half=$((SIZE / 2)) mixed

	random_file "$WORK/plain" $SIZE
	write_at_once "$WORK/plain"
	expect_on_disk "$WORK/plain"
	block_io read "$VOLUME" --length $half \
		--sizes "131072,$UNIT,16384,65536,$UNIT,8192" > "$WORK/first" &
	mixed=$!
	block_io read "$VOLUME" --offset $half --sizes $half --cut $((UNIT * 4)) \
		> "$WORK/second"
	wait $mixed
	cat "$WORK/first" "$WORK/second" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
}

# with NAME=VALUE...: uses the volume with these parameters of the cipher.  dm-crypt
# must count as many batches as the cipher.  No sector may be processed twice or left
# out.
with() {
	local batches

	batches=$(count batches)
	reset_cipher "$@"
	write_and_read
	expect_cipher_sane
	expect_cipher many -gt 0
	expect_cipher many -eq $(($(count batches) - batches))
	expect_cipher units -eq $((2 * SIZE / UNIT))
	expect_count fallbacks 0
}

# answers "NAME=VALUE..." COUNTER TEST NUMBER...: does the same as with(), and then tests
# these counters of the cipher.
answers() {
	# shellcheck disable=SC2086 # several parameters
	with $1
	expect_cipher "${@:2}"
}

# until_counted COUNTER NAME=VALUE...: uses the volume, with longer and longer delays,
# until COUNTER is not 0.  A slow machine needs a longer delay to queue several requests.
# The order "random" may leave the requests in their order by chance.
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
	answers "context=$1" sync -eq 0 busy -eq 0 out_of_order -eq 0
	until_counted busy "context=$1" queue_len=2
	expect_cipher most_held -eq 2
	# kcryptd has one worker for each processor.  A worker with a request in the backlog
	# waits.  Code that must not sleep, as in softirq context, does not wait: a workqueue
	# continues its bio, and the next bio may put a request into the backlog, too.
	dmsetup table "$NAME" | grep 'no_.*_workqueue' > /dev/null ||
		expect_cipher most_backlogged -le "$(nproc)"
}

# out_of_order CONTEXT
out_of_order() {
	until_counted out_of_order "context=$1" queue_len=8 order=random busy_every=3
	expect_cipher busy -gt 0
	answers "context=$1 queue_len=2 delay_us=$DELAY_US order=random sync_every=3" \
		sync -gt 0
}

# all_of_it DEVICE SECTOR_SIZE [OPTION...]
all_of_it() {
	local context

	open_volume "$@"
	for context in process softirq; do
		in_order $context
		out_of_order $context
		answers "context=$context queue_len=1" most_held -eq 1
		answers "context=$context busy_every=1" busy -eq requests
	done
	answers context=inline busy -eq 0
	answers "context=inline busy_every=1" busy -eq requests
	answers "context=inline busy_every=3 sync_every=2" busy -gt 0 sync -gt 0
	answers sync_every=1 sync -eq requests
}

# most_of_it DEVICE SECTOR_SIZE [OPTION...]
most_of_it() {
	open_volume "$@"
	answers "queue_len=8 delay_us=$DELAY_US order=random busy_every=3" busy -gt 0
	answers "context=softirq queue_len=2 order=random sync_every=5" sync -gt 0
	answers "context=inline busy_every=2" busy -gt 0
}

# one_by_one REASON DEVICE SECTOR_SIZE NAME=VALUE...: uses a volume that does not batch for
# REASON.  The cipher gets far more requests, one for each sector.
one_by_one() {
	reset_cipher order=random busy_every=5 sync_every=7 "${@:4}"
	[ "$1" != disabled ] || set_batching N
	open_volume "$2" "$3" "${NO_WORKQUEUES[@]}"
	expect_off "$1"
	write_and_read
	expect_cipher_sane
	expect_cipher busy -gt 0 requests -eq $((2 * SIZE / UNIT))
}

# Only the kernel command line can set the length of cryptd's queue.
short_cryptd() {
	local aes

	case $(cat /proc/cmdline) in
	*cryptd.cryptd_max_cpu_qlen=1\ * | *cryptd.cryptd_max_cpu_qlen=1) ;;
	*)	skip "needs cryptd.cryptd_max_cpu_qlen=1 on the kernel command line" ;;
	esac
	aes=$(aes_driver)
	[ -n "$aes" ] || skip "the kernel has no AES of single blocks"
	CIPHER_SPEC="capi:cryptd(xts(ecb($aes)))-plain64"
	open_volume "$1" 512 "${NO_WORKQUEUES[@]}"
	for _ in {1..3}; do
		write_and_read
	done
	expect_batched
	expect_count fallbacks 0
}

ktap_set_plan 13
run_async_case "sectors of 512" all_of_it loop 512
run_async_case "sectors of 512, no workqueues" most_of_it loop 512 "${NO_WORKQUEUES[@]}"
run_async_case "sectors of 4096" most_of_it loop 4096
run_async_case "sectors of 4096, no workqueues" most_of_it loop 4096 "${NO_WORKQUEUES[@]}"
run_async_case "irq1, no workqueues" most_of_it irq1 512 "${NO_WORKQUEUES[@]}"
run_async_case "irq2, no workqueues" all_of_it irq2 512 "${NO_WORKQUEUES[@]}"
for device in irq1 irq2; do
	run_async_case "$device" most_of_it $device 512
	run_async_case "$device, batching off" one_by_one disabled $device 512 queue_len=8
done
run_async_case "the sector size is refused" \
	one_by_one sector_size loop 4096 refuse_size=4096
run_async_case "cryptd with a short queue" short_cryptd loop
run_async_case "cryptd with a short queue, in softirq context" short_cryptd irq2
finish
