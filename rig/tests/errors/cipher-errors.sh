#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that an error of the cipher in the middle of a bio fails the I/O of that
# bio, writes nothing of the bio, and does no harm to bios at the same time or
# later.  The cipher reports the error at once or later.  dm-crypt batches, or goes
# sector by sector.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_tools dd

BIO=$((128 * 1024))
BIOS=8
SIZE=$((BIOS * BIO))
# Scatterlists of 32 entries, for which dm-crypt must allocate memory.
CUT=(--cut 4096)
# The number of the request that fails, with batching on and off.  There are 8 or 2048
# requests, so exactly one of them fails.
declare -A AT=([on]=5 [off]=1500)

# part FILE NUMBER: prints the part of the file that belongs to that bio
part() {
	dd if="$1" bs=$BIO skip="$2" count=1 status=none
}

# transfer read|write NUMBER: transfers one bio, and lists it in errors.NUMBER if it fails.
transfer() {
	local bio=(--offset $(($2 * BIO)) --length "$BIO" --sizes "$BIO" "${CUT[@]}"
		--errors "$WORK/errors.$2")

	case $1 in
	write)	part "$WORK/new" "$2" | block_io write "$VOLUME" "${bio[@]}" ;;
	read)	block_io read "$VOLUME" "${bio[@]}" > "$WORK/read.$2" ;;
	esac
}

# all_at_once read|write: transfers all bios at the same time.  Exactly one of them must
# fail, and its number is in FAILED.
all_at_once() {
	local i pids=() errors=()

	for ((i = 0; i < BIOS; i++)); do
		transfer "$1" $i &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	mapfile -t errors < <(cat "$WORK"/errors.*)
	[ ${#errors[@]} -eq 1 ] || fail "${#errors[@]} bios failed: ${errors[*]}"
	FAILED=$((${errors[0]% *} / BIO))
}

# open_volume on|off DEVICE [OPTION...]: opens $VOLUME, which has the data of $WORK/plain.
open_volume() {
	[ "$1" = on ] || set_batching N
	make_device "$2" $((SIZE >> 20))
	map "$DISK" "$MDU_CIPHER" "$KEY" 0 "${@:3}"
	"expect_$1" disabled
	random_file "$WORK/plain" $SIZE
	random_file "$WORK/new" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
}

# with_failed FILE SOURCE: copies the part of the failed bio from SOURCE to FILE.
with_failed() {
	part "$2" "$FAILED" |
		dd of="$1" bs=$BIO seek="$FAILED" iflag=fullblock conv=notrunc status=none
}

# one_of_them on|off read|write DEVICE "NAME=VALUE..." [OPTION...]: checks that one bio fails,
# and that it does no other harm.  The cipher has these parameters.
one_of_them() {
	open_volume "$1" "$3" "${@:5}"
	# shellcheck disable=SC2086 # several parameters
	reset_cipher $4 "fail_every=${AT[$1]}"
	all_at_once "$2"
	expect_cipher_sane
	expect_cipher failed -eq 1
	case $2 in
	write)	# The disk has the old data of the failed bio.
		cp "$WORK/new" "$WORK/expected"
		with_failed "$WORK/expected" "$WORK/plain"
		expect_on_disk "$WORK/expected" ;;
	read)	# There are zeros in place of the failed bio.
		with_failed "$WORK/plain" /dev/zero
		cat "$WORK"/read.* > "$WORK/out"
		expect_same "$WORK/plain" "$WORK/out" "read, bio $FAILED failed" ;;
	esac

	# shellcheck disable=SC2086
	reset_cipher $4
	block_io write "$VOLUME" "${CUT[@]}" < "$WORK/new"
	expect_on_disk "$WORK/new"
	expect_read "$WORK/new" "${CUT[@]}"
	expect_cipher_sane
	expect_cipher failed -eq 0
}

# If the cipher returns -EBADMSG, the I/O must fail with EILSEQ and not with EIO.
bad_message() {
	open_volume on loop
	# shellcheck disable=SC2086
	reset_cipher $LATER fail_every=5 error=-74
	! block_io read "$VOLUME" "${CUT[@]}" > "$WORK/out" 2> "$WORK/message" || fail "no error"
	grep 'Invalid or incomplete multibyte' "$WORK/message" > /dev/null ||
		fail "not EILSEQ: $(cat "$WORK/message")"
}

LATER="queue_len=2 delay_us=200 order=random"
ktap_set_plan 19
for direction in write read; do
	for batching in on off; do
		run_async_case "$direction, batching $batching, at once" \
			one_of_them $batching $direction loop sync_every=1
		run_async_case "$direction, batching $batching, later" \
			one_of_them $batching $direction loop "$LATER"
		run_async_case "$direction, batching $batching, at once, others later" \
			one_of_them $batching $direction loop \
				"sync_every=${AT[$batching]} queue_len=2"
	done
	run_async_case "$direction, later, queue full" \
		one_of_them on $direction loop busy_every=1
	run_async_case "$direction, before the call returns" \
		one_of_them on $direction loop "context=inline busy_every=2"
done
run_async_case "read, in softirq context, queue full" \
	one_of_them on read irq2 busy_every=1 no_read_workqueue
run_async_case "write, in softirq context, queue full" \
	one_of_them on write irq2 "context=softirq busy_every=1" no_write_workqueue
run_async_case "-EBADMSG" bad_message
finish
