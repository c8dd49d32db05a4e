#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that errors of the device below a batched volume reach the caller, and
# do no harm to anything else: an I/O fails if it touches a bad sector and only
# then, the data beside a bad sector is right, nothing is lost in memory, and the
# volume works again when the device does.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")"/lib.sh
# shellcheck source-path=SCRIPTDIR source=kmemleak.sh disable=SC1091
. "$TEST_DIR"/kmemleak.sh
require_helper xts_oracle

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))
BELOW=$NAME-below
BATCHING=Y

# The device below: "break_with TABLE_LINE..." gives it that table.
break_with() {
	printf '%s\n' "$@" > "$WORK/table"
	if [ -e "/dev/mapper/$BELOW" ]; then
		dmsetup load "$BELOW" "$WORK/table"
		dmsetup resume "$BELOW"
	else
		dmsetup create "$BELOW" "$WORK/table"
	fi
}

mend() {
	break_with "0 $SECTORS linear $DISK 0"
}

# break_sectors FIRST COUNT: I/O to these fails.
break_sectors() {
	local end=$(($1 + $2))

	BAD=$(($1 * 512))
	BAD_END=$((end * 512))
	break_with "0 $1 linear $DISK 0" "$1 $2 error" \
		"$end $((SECTORS - end)) linear $DISK $end"
}

# break_all FLAKEY_FEATURE...
break_all() {
	BAD=0
	BAD_END=$SIZE
	break_with "0 $SECTORS flakey $DISK 0 0 600 $# $*"
}

# open_volume SECTOR_SIZE [OPTION...]: with random data, also in $WORK/plain.
open_volume() {
	UNIT=$1
	DISK=$(make_disk $SECTORS)
	mend
	map "/dev/mapper/$BELOW" aes-xts-plain64 "$KEY" 0 "sector_size:$1" "${@:2}"
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	case $BATCHING in
	Y)	expect_batched ;;
	N)	expect_off disabled ;;
	esac
}

# fill FILE BEGIN END < DATA
fill() {
	block_io write "$1" --buffered --offset "$2" --length $(($3 - $2))
}

# Which I/Os of $1 bytes, one after the other, touch a bad sector?
list_bad() {
	local offset

	for ((offset = BAD / $1 * $1; offset < BAD_END; offset += $1)); do
		echo "$offset $1"
	done
}

# expect_errors IO_SIZE: those of the last block_io, and no others.
expect_errors() {
	list_bad "$1" > "$WORK/expected-errors"
	expect_same "$WORK/expected-errors" "$WORK/errors" "I/Os of $1 bytes that failed"
}

# read_all IO_SIZE [OPTION...]: those I/Os fail that have to, the others find
# what is in $WORK/plain.
read_all() {
	local begin=$((BAD / $1 * $1)) end=$(((BAD_END + $1 - 1) / $1 * $1))

	block_io read "$VOLUME" --sizes "$@" --errors "$WORK/errors" > "$WORK/out"
	expect_errors "$1"
	cp "$WORK/plain" "$WORK/expected"
	fill "$WORK/expected" $begin $end < /dev/zero
	expect_same "$WORK/expected" "$WORK/out" "read in pieces of $1 bytes"
}

# Other data, and what the disk has to hold when all of it was written but the
# bad sectors, which are those of before.
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

# The device below is in order again, and holds what $WORK/plain says.
compare_disk() {
	block_io read "$DISK" | oracle decrypt --key "$KEY" --sector-size "$UNIT" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "on disk"
}

# The volume works as if nothing had been.
works_again() {
	local requests

	mend
	compare_disk
	requests=$(count requests)
	random_file "$WORK/plain" $SIZE
	write_mixed "$UNIT" "$WORK/plain"
	[ $BATCHING = N ] || expect_more_requests "$requests"
	compare_disk
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read in the end"
}

# expect_eio COMMAND...: fails, and with that error.
expect_eio() {
	! "$@" > /dev/null 2> "$WORK/message" || fail "no error: $*"
	grep 'Input/output error' "$WORK/message" > /dev/null ||
		fail "not EIO: $(cat "$WORK/message")"
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

# 64 KiB at a multiple of that are a number of pages on every machine.
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

# Each of the bios of one I/O fails, and there is nothing that could be decrypted.
all_reads() {
	local requests

	open_volume "$1"
	requests=$(count requests)
	break_all error_reads
	read_all 131072
	read_all $SIZE
	expect_count requests "$requests"
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

# There is no data to write, only the flush can fail.
flush() {
	open_volume 512
	break_all error_writes
	expect_eio block_io write "$VOLUME" --buffered < /dev/null
	mend
	block_io write "$VOLUME" --buffered < /dev/null
	works_again
}

# The device lies, and the volume cannot know; but it must not mix old and new.
dropped_writes() {
	open_volume 512
	break_all drop_writes
	random_file "$WORK/new" $SIZE
	block_io write "$VOLUME" --sizes 16384 --cut 512 < "$WORK/new"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read after writes were dropped"
	works_again
}

# The byte of the ciphertext at $1, changed, as a decimal number.
other_byte() {
	local byte

	byte=$(od -An -tu1 -j "$1" -N 1 "$DISK")
	echo $((byte ^ 255))
}

# expect_block FILE OFFSET: FILE differs from $WORK/plain in the block of the
# cipher that has the byte at OFFSET, and nowhere else.
expect_block() {
	local block=$(($2 / 16)) byte found

	found=$(cmp -l "$WORK/plain" "$1" || :)
	[ -n "$found" ] || fail "the byte at $2 makes no difference"
	while read -r byte _; do
		[ $(((byte - 1) / 16)) -eq $block ] ||
			fail "the byte at $2 makes byte $((byte - 1)) differ"
	done <<< "$found"
}

# One byte of one batch comes back changed.
corrupted_read() {
	local byte=70007

	open_volume "$1"
	break_all corrupt_bio_byte $((byte + 1)) r "$(other_byte $byte)" 0
	block_io read "$VOLUME" --length 131072 > "$WORK/out"
	tail -c +131073 "$WORK/plain" >> "$WORK/out"
	expect_block "$WORK/out" $byte
	works_again
}

# One byte of one batch goes to the disk changed.  What it was is known only
# when it is there.
corrupted_write() {
	local byte=70007

	open_volume "$1"
	break_all corrupt_bio_byte $((byte + 1)) w "$(other_byte $byte)" 0
	block_io write "$VOLUME" --length 131072 < "$WORK/plain"
	mend
	block_io read "$VOLUME" > "$WORK/out"
	expect_block "$WORK/out" $byte
	block_io write "$VOLUME" --length 131072 < "$WORK/plain"
	works_again
}

# A device that comes and goes, for a second each.
up_and_down() {
	local good=0 bad=0 end=$((SECONDS + 20))

	open_volume 512
	break_with "0 $SECTORS flakey $DISK 0 1 1"
	while [ $good -lt 5 ] || [ $bad -lt 5 ]; do
		[ $SECONDS -lt $end ] || fail "in 20 s $good reads were good and $bad bad"
		if block_io read "$VOLUME" > "$WORK/out" 2> "$WORK/message"; then
			expect_same "$WORK/plain" "$WORK/out" "read while the device was up"
			good=$((good + 1))
		else
			grep 'Input/output error' "$WORK/message" > /dev/null ||
				fail "not EIO: $(cat "$WORK/message")"
			bad=$((bad + 1))
		fi
	done
	works_again
}

dust() {
	dmsetup message "$BELOW" 0 "$@"
}

# Sectors that cannot be read until they are written again, as on a real disk.
# The second of them is not even written the first two times.
dust_sectors() {
	local failures

	open_volume "$1"
	break_with "0 $SECTORS dust $DISK 0 512"
	dust quiet
	dust addbadblock 75
	dust addbadblock 1203 2
	dust enable
	block_io read "$VOLUME" --sizes "$1" --errors "$WORK/errors" > "$WORK/out"
	printf '%d %d\n' $((75 * 512 / $1 * $1)) "$1" $((1203 * 512 / $1 * $1)) "$1" \
		> "$WORK/expected-errors"
	expect_same "$WORK/expected-errors" "$WORK/errors" "sectors that cannot be read"
	expect_eio block_io read "$VOLUME" --length 131072
	expect_eio block_io read "$VOLUME" --offset 524288 --length 131072
	block_io read "$VOLUME" --offset 131072 --length 393216 > "$WORK/out"
	head -c 524288 "$WORK/plain" | tail -c 393216 > "$WORK/expected"
	expect_same "$WORK/expected" "$WORK/out" "read between the bad sectors"

	random_file "$WORK/plain" $SIZE
	for failures in 1 1 0; do
		block_io write "$VOLUME" --sizes 131072 --errors "$WORK/errors" < "$WORK/plain"
		[ "$(wc -l < "$WORK/errors")" -eq $failures ] ||
			fail "not $failures writes failed: $(cat "$WORK/errors")"
	done
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read after the sectors were written"
	works_again
}

# Each of these I/Os needs a list of more than a KiB, and 512 fail.
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

# What is expected here of batches is what a volume does without them.
without_batching() {
	BATCHING=N
	set_batching N
	"$@"
}

for target in error flakey dust; do
	dmsetup targets | grep "^$target " > /dev/null ||
		skip_all "the kernel has no device-mapper target $target"
done

ktap_set_plan 28
for size in 512 4096; do
	run_case "sectors of $size: reads of a bad sector" bad_reads $size 328 1
	run_case "sectors of $size: writes of a bad sector" bad_writes $size 328 1
	run_case "sectors of $size: buffered I/O" buffered $size
	run_case "sectors of $size: all reads fail" all_reads $size
	run_case "sectors of $size: all writes fail" all_writes $size
	run_case "sectors of $size: a byte changes when read" corrupted_read $size
	run_case "sectors of $size: a byte changes when written" corrupted_write $size
	run_case "sectors of $size: bad until they are written" dust_sectors $size
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
run_case "writes are dropped" dropped_writes
run_case "a device that comes and goes" up_and_down
for what in read write; do
	run_case "hundreds of $what errors: memory is given back" gives_back $what
done
finish
