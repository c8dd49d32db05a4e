#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that an error of the cipher in the middle of a bio fails the I/O of that
# bio, writes nothing of the bio, and does no harm to bios at the same time or
# later; and that hundreds of errors leave no memory behind.  The cipher reports
# the error at once or later.  dm-crypt batches, or goes sector by sector.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_kmemleak.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_helper xts_oracle
require_mdu_cipher
require_null_blk
trap clean_async EXIT

KEY=$(random_key 64)
BIO=$((128 * 1024))
BIOS=4
SIZE=$((BIOS * BIO))
# Scatterlists of 32 entries, for which dm-crypt must allocate memory.
CUT=(--cut 4096)
MOST_KIB=256

# open_volume on|off DEVICE [OPTION...]: opens $VOLUME, which has the data of "before".
open_volume() {
	[ "$1" = on ] || set_batching N
	make_device "$2" 4
	map "$DISK" "$MDU_CIPHER" "$KEY" 0 "${@:3}"
	"expect_$1" disabled
	random_file "$WORK/before" $SIZE
	random_file "$WORK/after" $SIZE
	block_io write "$VOLUME" < "$WORK/before"
}

# part FILE NUMBER: prints the part of the file that belongs to that bio
part() {
	block_io read "$1" --buffered --offset $(($2 * BIO)) --length $BIO
}

# transfer read|write NUMBER: transfers one bio, and puts the exit status into a file
transfer() {
	local place=(--offset $(($2 * BIO)) --length "$BIO" --sizes "$BIO")
	local result=0

	case $1 in
	write)
		part "$WORK/after" "$2" |
			block_io write "$VOLUME" "${place[@]}" "${CUT[@]}" \
			2> "$WORK/error.$2" || result=$? ;;
	read)
		block_io read "$VOLUME" "${place[@]}" "${CUT[@]}" \
			> "$WORK/read.$2" 2> "$WORK/error.$2" || result=$? ;;
	esac
	echo $result > "$WORK/result.$2"
}

# Exactly one of the bios that are in flight at the same time fails.
all_at_once() {
	local i pids=() pid result error

	for ((i = 0; i < BIOS; i++)); do
		transfer "$1" $i &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	FAILED=
	for ((i = 0; i < BIOS; i++)); do
		read -r result < "$WORK/result.$i"
		[ "$result" -ne 0 ] || continue
		[ -z "$FAILED" ] || fail "bios $FAILED and $i failed"
		FAILED=$i
		error=$(< "$WORK/error.$i")
		[ "${error%"$MESSAGE"}" != "$error" ] || fail "bio $i: $error"
	done
	[ -n "$FAILED" ] || fail "no bio failed"
}

# The disk has the old data of the failed bio, and the new data of the others.
check_written() {
	local i expected=after

	block_io read "$DISK" --length $SIZE | oracle decrypt --key "$KEY" > "$WORK/out"
	for ((i = 0; i < BIOS; i++)); do
		expected=after
		[ $i -ne "$FAILED" ] || expected=before
		expect_same <(part "$WORK/$expected" $i) <(part "$WORK/out" $i) \
			"bio $i, written, bio $FAILED failed"
	done
}

check_read() {
	local i

	for ((i = 0; i < BIOS; i++)); do
		[ $i -eq "$FAILED" ] ||
			expect_same <(part "$WORK/before" $i) "$WORK/read.$i" "bio $i, read"
	done
}

# works_later NAME=VALUE...
works_later() {
	reset_cipher "$@" fail_at=0
	block_io write "$VOLUME" "${CUT[@]}" < "$WORK/after"
	block_io read "$DISK" --length $SIZE | oracle decrypt --key "$KEY" > "$WORK/out"
	expect_same "$WORK/after" "$WORK/out" "written later"
	block_io read "$VOLUME" --length $SIZE "${CUT[@]}" > "$WORK/out"
	expect_same "$WORK/after" "$WORK/out" "read later"
	expect_cipher failed -eq 0
	expect_cipher_sane
}

# one_of_them on|off read|write NAME=VALUE... [-- DEVICE OPTION...]
one_of_them() {
	local batching=$1 direction=$2 at=3 device=(loop) words=()

	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	[ $# -eq 0 ] || device=("${@:2}")
	# A sector in the middle of a bio.
	[ "$batching" = on ] || at=700
	open_volume "$batching" "${device[@]}"
	reset_cipher "${words[@]}" fail_at=$at
	all_at_once "$direction"
	expect_cipher failed -eq 1
	expect_cipher_sane
	case $direction in
	write)	check_written ;;
	read)	check_read ;;
	esac
	works_later "${words[@]}"
}

# dm-crypt has another error for -EBADMSG.
bad_message() {
	MESSAGE="Invalid or incomplete multibyte or wide character"
	one_of_them "$@" error=-74
}

# fail_often read|write: uses I/O of 32 bios, each of which may fail.
fail_often() {
	local i

	for ((i = 0; i < 16; i++)); do
		if case $1 in
		   write)
			block_io write "$VOLUME" --sizes 4194304 "${CUT[@]}" < "$WORK/large" ;;
		   read)
			block_io read "$VOLUME" --sizes 4194304 "${CUT[@]}" > "$WORK/out" ;;
		   esac 2> "$WORK/error"; then
			fail "no error"
		fi
	done
}

# leaves_nothing on|off read|write NAME=VALUE...
leaves_nothing() {
	local before direction=$2

	open_volume "$1" loop
	random_file "$WORK/large" 4194304
	shift 2
	reset_cipher "$@"
	# The first run makes the allocations that stay.
	fail_often "$direction"
	reset_counters
	before=$(meminfo SUnreclaim)
	fail_often "$direction"
	expect_slab "$before" $MOST_KIB
	expect_cipher failed -ge 256
	expect_cipher_sane
	works_later fail_every=0
}

MESSAGE="Input/output error"
LATER=(queue_len=2 delay_us=2000 order=random)
ktap_set_plan 22
for direction in write read; do
	for batching in on off; do
		run_async_case "$direction, batching $batching, at once" \
			one_of_them $batching $direction context=sync
		run_async_case "$direction, batching $batching, later" \
			one_of_them $batching $direction "${LATER[@]}"
		run_async_case "$direction, batching $batching, at once, among asynchronous ones" \
			one_of_them $batching $direction fail_sync=Y queue_len=2
	done
	run_async_case "$direction, later, queue full" one_of_them on $direction busy_every=1
	run_async_case "$direction, before it was accepted" \
		one_of_them on $direction context=inline busy_every=2
done
run_async_case "read, in softirq context, queue full" \
	one_of_them on read busy_every=1 -- irq2 no_read_workqueue
run_async_case "write, in softirq context, queue full" \
	one_of_them on write context=softirq busy_every=1 -- irq2 no_write_workqueue
run_async_case "-EBADMSG" bad_message on read "${LATER[@]}"
run_async_case "writes, batched, leave no memory behind" \
	leaves_nothing on write fail_every=1
run_async_case "reads, batched, at once, leave no memory behind" \
	leaves_nothing on read fail_every=1 fail_sync=Y
run_async_case "reads, batching off, leave no memory behind" \
	leaves_nothing off read fail_every=2
finish
