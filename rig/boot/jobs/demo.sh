#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Shows the effect of the series on three volumes: LUKS2 with sectors of 512 bytes, LUKS2
# with 4096, and LUKS1 with a cipher of old volumes.  Files written with batching read the
# same without (luks.sh), and the bytes on disk are the same.  Then fio measures each volume
# on a ramdisk (/dev/ram0, at least 32 MiB), where only the processor takes time.  The lines
# of the table begin with "# table: ".

. /kselftest/dm-crypt-mdu/_lib.sh
require_tools cryptsetup fio jq

RAMDISK=/dev/ram0

table() {
	# shellcheck disable=SC2059 # the format is the first argument
	printf "# table: $1\n" "${@:2}"
}

# row VOLUME BATCHING BATCHES WRITE READ
row() {
	table '%-22s %-10s %8s %12s %12s' "$@"
}

# format DISK VOLUME
format() {
	random_file "$WORK/key" 32
	case $2 in
	essiv)	luks_format "$1" --type luks1 --cipher aes-cbc-essiv:sha256 --key-size 256 --offset 32768 \
			--key-file "$WORK/key" ;;
	*)	luks_format "$1" --type luks2 --sector-size "$2" --key-file "$WORK/key" ;;
	esac
}

# open_volume DISK Y|N: opens the volume with batching or without.
open_volume() {
	set_batching "$2"
	cryptsetup open --key-file "$WORK/key" "$1" "$NAME"
	case $2 in
	Y)	expect_on ;;
	N)	expect_off disabled ;;
	esac
}

# Files that are written with batching read the same without, also after cryptsetup refresh.
same_files() {
	"$TEST_DIR/luks.sh" > "$WORK/luks" || fail "$(grep -v '^ok ' "$WORK/luks")"
}

# same_bytes VOLUME: writes with batching and without, each time after overwriting the
# encrypted area with zeros, and compares the area.  The area begins at 16 MiB.
same_bytes() {
	local disk mode

	disk=$(make_disk $((20 * 2048)))
	random_file "$WORK/plain" 4M
	format "$disk" "$1"
	for mode in Y N; do
		dd if=/dev/zero of="$disk" bs=1M seek=16 count=4 oflag=direct status=none
		open_volume "$disk" $mode
		block_io write "$VOLUME" < "$WORK/plain"
		[ $mode = N ] || expect_batched
		cryptsetup close "$NAME"
		dd if="$disk" of="$WORK/$mode" bs=1M skip=16 iflag=direct status=none
	done
	expect_same "$WORK/Y" "$WORK/N" "with batching and without"
	! cmp -s -n 4096 "$WORK/Y" /dev/zero || fail "nothing was written"
}

# fio_rate read|write: prints KiB/s of one run.
fio_rate() {
	fio --name=demo --filename="$VOLUME" --rw="$1" --bs=1M --size=4M --direct=1 \
		--ioengine=psync --output-format=json |
		jq -e ".jobs[0].$1.bw | select(. > 0)"
}

# median FILE: prints the median of three numbers.
median() {
	sort -n "$1" | sed -n 2p
}

# measure VOLUME NAME: measures with batching and without, in turn.
measure() {
	local mode batches

	format $RAMDISK "$1"
	for _ in {1..3}; do
		for mode in Y N; do
			open_volume $RAMDISK $mode
			fio_rate write >> "$WORK/write.$mode"
			fio_rate read >> "$WORK/read.$mode"
			[ $mode = N ] || batches=$(count batches)
			cryptsetup close "$NAME"
		done
	done
	row "$2" on "$batches" "$(median "$WORK/write.Y")" "$(median "$WORK/read.Y")"
	row "$2" off - "$(median "$WORK/write.N")" "$(median "$WORK/read.N")"
}

ktap_set_plan 7
run_case "files written with batching read the same without" same_files
row volume batching batches "fio write" "fio read"
row "" "" "" "KiB/s" "KiB/s"
for kind in "512 LUKS2, sectors of 512" "4096 LUKS2, sectors of 4096" \
	    "essiv LUKS1, aes-cbc-essiv"; do
	run_case "${kind#* }: bytes on disk are the same with and without" \
		same_bytes "${kind%% *}"
	run_case "${kind#* }: fio" measure "${kind%% *}" "${kind#* }"
done

read -r driver _ < <(preferred_driver "xts(aes)")
table ''
table 'Cipher driver: %s, kernel %s' "$driver" "$(uname -r)"
table 'fio: median of 3 runs of each kind, taking turns, 1 MiB direct, on a ramdisk.'
table 'The processor is emulated, at one instruction in a nanosecond. The figures'
table 'compare numbers of instructions, and are not the speed of any real machine.'
finish
