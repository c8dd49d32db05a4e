#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that errors of the device below a batched volume reach the caller, and
# do no other harm.  An I/O must fail if it touches a bad sector, and only then.
# The data beside a bad sector must be right.  dm-crypt must not leak memory.  The
# volume must work again when the device works again.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_compare.sh
. "$TEST_DIR"/_kmemleak.sh
require_helper xts_oracle
for target in error flakey; do
	dmsetup targets | grep "^$target " > /dev/null ||
		skip_all "the kernel has no device-mapper target $target"
done

SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))
BELOW=$NAME-below

# break_with TABLE_LINE...: loads this table for the device below the volume.
break_with() {
	printf '%s\n' "$@" > "$WORK/table"
	dmsetup load "$BELOW" "$WORK/table"
	dmsetup resume "$BELOW"
}

mend() {
	break_with "0 $SECTORS linear $DISK 0"
}

# break_sectors FIRST COUNT: makes I/O to these sectors fail.
break_sectors() {
	local end=$(($1 + $2))

	BAD=$(($1 * 512))
	BAD_END=$((end * 512))
	break_with "0 $1 linear $DISK 0" "$1 $2 error" \
		"$end $((SECTORS - end)) linear $DISK $end"
}

# break_all error_reads|error_writes: makes all reads or writes fail.
break_all() {
	BAD=0
	BAD_END=$SIZE
	break_with "0 $SECTORS flakey $DISK 0 0 600 1 $1"
}

# open_volume SECTOR_SIZE [OPTION...]: writes random data to $VOLUME and $WORK/plain.
open_volume() {
	UNIT=$1
	DISK=$(make_disk $SECTORS)
	dmsetup create "$BELOW" --table "0 $SECTORS linear $DISK 0"
	map_filled "/dev/mapper/$BELOW" "$@"
	expect_batched
}

# Repairs the device below, and checks that the volume works again.
works_again() {
	local requests

	mend
	expect_on_disk "$WORK/plain"
	requests=$(count batches)
	random_file "$WORK/plain" $SIZE
	write_mixed "$UNIT" "$WORK/plain"
	expect_more_requests "$requests"
	expect_on_disk "$WORK/plain"
	expect_read "$WORK/plain"
}

# expect_eio COMMAND...: COMMAND must fail with EIO.
expect_eio() {
	! "$@" > /dev/null 2> "$WORK/message" || fail "no error: $*"
	grep 'Input/output error' "$WORK/message" > /dev/null ||
		fail "not EIO: $(cat "$WORK/message")"
}

# fill FILE BEGIN END < DATA
fill() {
	block_io write "$1" --buffered --offset "$2" --length $(($3 - $2))
}

# Prints, for I/Os of $1 bytes that cover the volume one after the other, those that touch a
# bad sector.
list_bad() {
	local offset

	for ((offset = BAD / $1 * $1; offset < BAD_END; offset += $1)); do
		echo "$offset $1"
	done
}

# expect_errors IO_SIZE: checks that in the last block_io those I/Os failed that touch a bad
# sector, and no others.
expect_errors() {
	list_bad "$1" > "$WORK/expected-errors"
	expect_same "$WORK/expected-errors" "$WORK/errors" "I/Os of $1 bytes that failed"
}

# read_all IO_SIZE [OPTION...]: checks that I/Os that touch a bad sector fail, and that
# the others read the data of $WORK/plain.
read_all() {
	local begin=$((BAD / $1 * $1)) end=$(((BAD_END + $1 - 1) / $1 * $1))

	cp "$WORK/plain" "$WORK/expected"
	fill "$WORK/expected" $begin $end < /dev/zero
	expect_read "$WORK/expected" --errors "$WORK/errors" --sizes "$@"
	expect_errors "$1"
}

# Puts other data into $WORK/new.  $WORK/plain is the right content of the disk
# after writing this data: the bad sectors keep their old data.
change_plain() {
	mv "$WORK/plain" "$WORK/before"
	random_file "$WORK/new" $SIZE
	cp "$WORK/new" "$WORK/plain"
	tail -c +$((BAD + 1)) "$WORK/before" > "$WORK/rest"
	fill "$WORK/plain" "$BAD" "$BAD_END" < "$WORK/rest"
}

# write_all IO_SIZE [OPTION...]
write_all() {
	change_plain
	block_io write "$VOLUME" --errors "$WORK/errors" --sizes "$@" < "$WORK/new"
	expect_errors "$1"
}

# bad read|write SECTOR_SIZE FIRST COUNT [OPTION...]: makes COUNT sectors bad, from FIRST on,
# and reads or writes in I/Os of several sizes.
bad() {
	open_volume "$2" "${@:5}"
	break_sectors "$3" "$4"
	"${1}_all" "$UNIT"
	"${1}_all" 131072
	"${1}_all" 16384 --cut "$UNIT"
	"${1}_all" $SIZE
	works_again
}

# The bad sectors are 64 KiB at a multiple of 64 KiB.  These are whole pages on every machine.
buffered() {
	open_volume "$1"
	break_sectors 256 128
	read_all 4096 --buffered
	change_plain
	expect_eio block_io write "$VOLUME" --buffered < "$WORK/new"
	mend
	blockdev --flushbufs "$VOLUME"
	works_again
}

# all_fail read|write SECTOR_SIZE: all bios fail, so dm-crypt must decrypt nothing.
all_fail() {
	local requests

	open_volume "$2"
	requests=$(count batches)
	break_all "error_${1}s"
	"${1}_all" 131072
	"${1}_all" $SIZE
	case $1 in
	read)	expect_count batches "$requests" ;;
	write)	expect_read "$WORK/plain" ;;
	esac
	works_again
}

# block_io gets no data to write, so only the flush of its fsync() can fail.
flush() {
	open_volume 512
	break_all error_writes
	expect_eio block_io write "$VOLUME" --buffered < /dev/null
	mend
	block_io write "$VOLUME" --buffered < /dev/null
	works_again
}

# Each of these I/Os needs a scatterlist of more than a KiB.  After the first measurement,
# 512 of them fail.
gives_back() {
	local before i

	open_volume 512
	break_all "error_${1}s"
	for i in {0..8}; do
		[ "$i" -ne 1 ] || before=$(meminfo SUnreclaim)
		"${1}_all" 16384 --cut 512
	done
	expect_slab "$before" 256
	expect_count fallbacks 0
	works_again
}

ktap_set_plan 17
for what in read write; do
	for size in 512 4096; do
		run_case "${what}s of a bad sector, sectors of $size" bad $what $size 328 1
		run_case "all ${what}s fail, sectors of $size" all_fail $what $size
	done
	run_case "${what}s of the last sector of a bio and the first of the next" \
		bad $what 512 255 2
	run_case "${what}s of bad sectors, without workqueues" \
		bad $what 512 1021 2 no_read_workqueue no_write_workqueue
	run_case "hundreds of $what errors: no memory leaks" gives_back $what
done
for size in 512 4096; do
	run_case "buffered I/O, sectors of $size" buffered $size
done
run_case "a flush fails" flush
finish
