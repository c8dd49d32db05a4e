# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A volume on the device $VOLUME-below, which the tests can make fail.  To be sourced
# after _lib.sh.

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))
BELOW=$NAME-below
BATCHING=Y

# break_with TABLE_LINE...: gives the device below that table.
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

# break_sectors FIRST COUNT: makes I/O to these sectors fail.
break_sectors() {
	local end=$(($1 + $2))

	BAD=$(($1 * 512))
	BAD_END=$((end * 512))
	break_with "0 $1 linear $DISK 0" "$1 $2 error" \
		"$end $((SECTORS - end)) linear $DISK $end"
}

# break_all FLAKEY_FEATURE...
# shellcheck disable=SC2034 # variables for the tests
break_all() {
	BAD=0
	BAD_END=$SIZE
	break_with "0 $SECTORS flakey $DISK 0 0 600 $# $*"
}

# open_volume SECTOR_SIZE [OPTION...]: writes random data to $VOLUME and $WORK/plain.
open_volume() {
	UNIT=$1
	DISK=$(make_disk $SECTORS)
	mend
	map_filled "/dev/mapper/$BELOW" "$@"
	case $BATCHING in
	Y)	expect_batched ;;
	N)	expect_off disabled ;;
	esac
}

# Compares the disk with $WORK/plain, when the device below works again.
compare_disk() {
	block_io read "$DISK" | oracle decrypt --key "$KEY" --sector-size "$UNIT" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "on disk"
}

# Repairs the device below, and checks that the volume works again.
works_again() {
	local requests

	mend
	compare_disk
	requests=$(count batches)
	random_file "$WORK/plain" $SIZE
	write_mixed "$UNIT" "$WORK/plain"
	[ $BATCHING = N ] || expect_more_requests "$requests"
	compare_disk
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read in the end"
}

# expect_eio COMMAND...: COMMAND must fail with EIO.
expect_eio() {
	! "$@" > /dev/null 2> "$WORK/message" || fail "no error: $*"
	grep 'Input/output error' "$WORK/message" > /dev/null ||
		fail "not EIO: $(cat "$WORK/message")"
}

# without_batching COMMAND...: a volume without batches must meet the same expectations.
without_batching() {
	BATCHING=N
	set_batching N
	"$@"
}

for target in error flakey dust; do
	dmsetup targets | grep "^$target " > /dev/null ||
		skip_all "the kernel has no device-mapper target $target"
done
