#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that errors of the device below a batched volume reach the caller, and
# do no other harm: an I/O fails if it touches a bad sector and only then, the
# data beside a bad sector is right, no memory is lost, and the volume works again
# when the device does.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_bad_disk.sh
. "$TEST_DIR"/_kmemleak.sh
require_helper xts_oracle

# fill FILE BEGIN END < DATA
fill() {
	block_io write "$1" --buffered --offset "$2" --length $(($3 - $2))
}

# Prints which I/Os of $1 bytes, one after the other, touch a bad sector.
list_bad() {
	local offset

	for ((offset = BAD / $1 * $1; offset < BAD_END; offset += $1)); do
		echo "$offset $1"
	done
}

# expect_errors IO_SIZE: in the last block_io, the I/Os that touch a bad sector failed, and
# no others.
expect_errors() {
	list_bad "$1" > "$WORK/expected-errors"
	expect_same "$WORK/expected-errors" "$WORK/errors" "I/Os of $1 bytes that failed"
}

# read_all IO_SIZE [OPTION...]: I/Os that touch a bad sector fail, the others read
# the data of $WORK/plain.
read_all() {
	local begin=$((BAD / $1 * $1)) end=$(((BAD_END + $1 - 1) / $1 * $1))

	block_io read "$VOLUME" --sizes "$@" --errors "$WORK/errors" > "$WORK/out"
	expect_errors "$1"
	cp "$WORK/plain" "$WORK/expected"
	fill "$WORK/expected" $begin $end < /dev/zero
	expect_same "$WORK/expected" "$WORK/out" "read in pieces of $1 bytes"
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
	block_io write "$VOLUME" --sizes "$@" --errors "$WORK/errors" < "$WORK/new"
	expect_errors "$1"
}

# bad_reads SECTOR_SIZE FIRST COUNT [OPTION...]
bad_reads() {
	open_volume "$1" "${@:4}"
	break_sectors "$2" "$3"
	read_all "$1"
	read_all 131072
	read_all 16384 --cut "$1"
	read_all $SIZE
	works_again
}

# bad_writes SECTOR_SIZE FIRST COUNT [OPTION...]
bad_writes() {
	open_volume "$1" "${@:4}"
	break_sectors "$2" "$3"
	write_all 4096
	write_all 131072
	write_all 16384 --cut "$1"
	write_all $SIZE
	works_again
}

# 64 KiB at a multiple of 64 KiB consist of whole pages on every machine.
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

# All bios of an I/O fail, so there is nothing to decrypt.
all_reads() {
	local requests

	open_volume "$1"
	requests=$(count batches)
	break_all error_reads
	read_all 131072
	read_all $SIZE
	expect_count batches "$requests"
	works_again
}

all_writes() {
	open_volume "$1"
	break_all error_writes
	write_all 131072
	write_all $SIZE
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read while writes fail"
	works_again
}

# There is no data to write, so only the flush can fail.
flush() {
	open_volume 512
	break_all error_writes
	expect_eio block_io write "$VOLUME" --buffered < /dev/null
	mend
	block_io write "$VOLUME" --buffered < /dev/null
	works_again
}

# Each of these I/Os needs a scatterlist of more than a KiB, and 512 of them fail.
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
	unmap
	expect_no_leaks
}

ktap_set_plan 20
for size in 512 4096; do
	run_case "sectors of $size: reads of a bad sector" bad_reads $size 328 1
	run_case "sectors of $size: writes of a bad sector" bad_writes $size 328 1
	run_case "sectors of $size: buffered I/O" buffered $size
	run_case "sectors of $size: all reads fail" all_reads $size
	run_case "sectors of $size: all writes fail" all_writes $size
done
for what in reads writes; do
	run_case "$what that touch the last of a bio's sectors and the next bio's first" \
		bad_$what 512 255 2
	run_case "$what without workqueues" \
		bad_$what 512 1021 2 no_read_workqueue no_write_workqueue
	run_case "$what of a bad sector, without batching" \
		without_batching bad_$what 512 328 1
done
run_case "buffered I/O without batching" without_batching buffered 512
run_case "a flush fails" flush
for what in read write; do
	run_case "hundreds of $what errors: memory is given back" gives_back $what
done
finish
