#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Shows the effect of the series on a LUKS2 volume on the first disk (/dev/vdb, at
# least 64 MiB), once with sectors of 512 bytes and once with 4096: batching is on,
# files written with batching read the same without, and the bytes on disk are the
# same.  Then fio measures both on a LUKS2 volume on a ramdisk (/dev/ram0, at least
# 32 MiB), where only the processor takes time.  The lines of the table begin with
# "# table: ".

set -u

disk=/dev/vdb
ramdisk=/dev/ram0
name=demo
volume=/dev/mapper/$name
parameter=/sys/module/dm_crypt/parameters/batch_sectors
rounds=3
fio_size=4M

. "$(dirname "$0")/_common.sh"
# shellcheck source=/dev/null
. /kselftest/dm-crypt-mdu/_drivers.sh

table() {
	# shellcheck disable=SC2059 # the format is the first argument
	printf "# table: $1\n" "${@:2}"
}

# open DISK Y|N: open the volume with or without batching
open() {
	echo "$2" > "$parameter"
	luks_open "$1"
}

status_begins() {
	dmsetup status "$name" | tee "$work/status"
	grep -q " crypt $1" "$work/status"
}

write_files() {
	mke2fs -q -t ext4 "$volume"
	mount "$volume" "$mnt"
	cp /usr/bin/[a-f]* "$mnt"
	head -c 2000001 /dev/urandom > "$mnt/random"
	(cd "$mnt" && find . -type f -exec sha256sum {} +) > "$work/sums"
	umount "$mnt"
}

read_files() {
	e2fsck -fn "$volume"
	mount -o ro "$volume" "$mnt"
	(cd "$mnt" && sha256sum --quiet -c "$work/sums")
	umount "$mnt"
}

# ciphertext_sum Y|N: write $work/plain to the volume, and print the checksum of the
# encrypted area, which begins at 16 MiB.  Zeros overwrite the area first.
ciphertext_sum() {
	dd if=/dev/zero of="$disk" bs=1M seek=16 count=4 oflag=direct status=none
	open "$disk" "$1" >&2
	dd if="$work/plain" of="$volume" bs=1M oflag=direct status=none
	luks_close
	dd if="$disk" bs=1M skip=16 count=4 iflag=direct status=none | sha256sum
}

ciphertext_equal() {
	local on off zero

	shopt -s inherit_errexit
	on=$(ciphertext_sum Y)
	off=$(ciphertext_sum N)
	zero=$(head -c 4M /dev/zero | sha256sum)
	echo "batched: $on"
	echo "per sector: $off"
	[ "$on" = "$off" ] && [ "$on" != "$zero" ]
}

# fio_rate read|write: print KiB/s of one run
fio_rate() {
	fio --name=demo --filename="$volume" --rw="$1" --bs=1M --size=$fio_size \
		--direct=1 --ioengine=psync --output-format=json 2> "$log" |
		jq ".jobs[0].$1.bw"
}

median() {
	sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"
}

# measure SECTOR_SIZE: write the rates with and without batching, in turn, to files
measure() {
	local mode

	luks_format "$ramdisk" "$1" > "$log" 2>&1 || return
	rm -f "$work"/rate.*
	for _ in $(seq "$rounds"); do
		for mode in Y N; do
			open "$ramdisk" "$mode" || return
			fio_rate write >> "$work/rate.write.$mode"
			fio_rate read >> "$work/rate.read.$mode"
			luks_close || return
		done
	done
	for mode in Y N; do
		[ "$(grep -c '^[1-9][0-9]*$' "$work/rate.write.$mode")" = "$rounds" ] &&
			[ "$(grep -c '^[1-9][0-9]*$' "$work/rate.read.$mode")" = "$rounds" ] ||
			return
	done
}

ktap_print_header
require_disk $disk $ramdisk
ktap_set_plan 22

head -c 4M /dev/urandom > "$work/plain"

table '%-8s %-12s %8s %14s %14s' \
	sectors batching batches "fio write" "fio read"
table '%-8s %-12s %8s %14s %14s' \
	"" "" "" "KiB/s" "KiB/s"

for size in 512 4096; do
	check "$size: cryptsetup luksFormat, aes-xts-plain64" luks_format $disk $size
	check "$size: cryptsetup open" open $disk Y
	check "$size: the kernel says that batching is on" \
		status_begins "batch_sectors:on"
	check "$size: make a file system, write files, unmount" write_files
	check "$size: there were batches" status_begins \
		"batch_sectors:on batches:[1-9]"
	batches=$(sed -n 's/.*batches:\([0-9]*\) .*/\1/p' "$work/status")
	check "$size: close" luks_close

	check "$size: open without batching" open $disk N
	check "$size: the kernel says that it is off" \
		status_begins "batch_sectors:off reason:disabled"
	check "$size: the files are the same" read_files
	check "$size: close" luks_close

	check "$size: bytes on disk are the same with and without" ciphertext_equal
	if measure $size; then
		table '%-8s %-12s %8s %14s %14s' "$size" on "$batches" \
			"$(median "$work/rate.write.Y")" "$(median "$work/rate.read.Y")"
		table '%-8s %-12s %8s %14s %14s' "$size" off - \
			"$(median "$work/rate.write.N")" "$(median "$work/rate.read.N")"
	else
		ktap_exit_fail_msg "fio did not report: $(tail -n 1 "$log")"
	fi
done

read -r driver _ < <(preferred_driver "xts(aes)")
table ''
table 'Cipher driver: %s, kernel %s' "$driver" "$(uname -r)"
table 'fio: median of %s runs of each kind, taking turns, 1 MiB direct, on a ramdisk.' $rounds
table 'The processor is emulated, at one instruction in a nanosecond. The figures'
table 'compare numbers of instructions, and are not the speed of any real machine.'
case $driver in
*-generic* | *-lib*)
	table 'This cipher encrypts a block at a time, which takes most of the time here, and'
	table 'a request for each sector little of it.' ;;
esac

ktap_finished
