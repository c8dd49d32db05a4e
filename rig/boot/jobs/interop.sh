#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One boot of rig/bin/interop: interop patched|unpatched SEED [verify PLAIN] [write PLAIN]
#
# PLAIN is "first" or "second": the disk with the plaintext, /dev/vdd or /dev/vde.
# "write" encrypts PLAIN into areas of /dev/vdb: one for each combination of sector size,
# IV counting and IV offset, and some with options that depend on SEED.  "write" also
# makes a LUKS2 volume with a file on /dev/vdc.  "verify" compares both with PLAIN.  The
# first argument names the running kernel; the job fails if that is the other one.

set -u

tests=/kselftest/dm-crypt-mdu
areas=/dev/vdb
luks=/dev/vdc
area_sectors=2048
key=$(printf '%064d%064d' 1 2)
name=interop
volume=/dev/mapper/$name

random_areas=8

. "$(dirname "$0")/_common.sh"
# shellcheck source=/dev/null
. "$tests/_random_options.sh"

plain_disk() {
	case $1 in
	first)	echo /dev/vdd ;;
	second)	echo /dev/vde ;;
	esac
}

is_kernel() {
	local parameter=/sys/module/dm_crypt/parameters/batch_sectors

	case $1 in
	patched)	[ -e $parameter ] ;;
	unpatched)	[ ! -e $parameter ] ;;
	*)		false ;;
	esac
}

# open_area NUMBER IV IV_OFFSET OPTION...
open_area() {
	dmsetup create "$name" --table "0 $area_sectors crypt aes-xts-$2 $key \
$3 $areas $(($1 * area_sectors)) $(($# - 3)) ${*:4}"
}

# A kernel with the series must have batched, or the test proves nothing.
batched() {
	! is_kernel patched ||
		dmsetup status "$name" | grep 'batch_sectors:on batches:[1-9]'
}

# area write|verify PLAIN SECTOR_SIZE NUMBER IV IV_OFFSET OPTION...
area() {
	local what=$1 plain size=$3 result=0
	plain=$(plain_disk "$2")
	shift 3

	open_area "$@" || return
	case $what in
	write)
		"$tests/block_io" write "$volume" \
			--sizes "262144,$size,4096,65536,$size,8192" < "$plain" ;;
	verify)
		cmp "$volume" "$plain" ;;
	esac && batched || result=$?
	dmsetup remove --retry "$name" || result=$?
	return $result
}

# all_areas write|verify PLAIN
all_areas() {
	local number=0 size offset option end

	for size in 512 1024 2048 4096; do
		for offset in 0 4294966272; do
			for option in "" iv_large_sectors; do
				# shellcheck disable=SC2086 # may be no word at all
				check "$1 $2: $size bytes, iv_offset $offset${option:+, $option}" \
					area "$1" "$2" $size $number plain64 $offset \
					sector_size:$size $option
				number=$((number + 1))
			done
		done
	done
	RANDOM=$seed
	for ((end = number + random_areas; number < end; number++)); do
		choose_options
		check "$1 $2: $IV $IV_OFFSET ${OPTIONS[*]}" area "$1" "$2" "$SECTOR_SIZE" \
			$number "$IV" "$IV_OFFSET" "${OPTIONS[@]}"
	done
}

write_luks() {
	luks_format "$luks" 512
	luks_open "$luks"
	mke2fs -q -t ext4 "$volume"
	mount "$volume" "$mnt"
	cat "$1" > "$mnt/file"
	umount "$mnt"
	luks_close
}

verify_luks() {
	luks_open "$luks"
	e2fsck -fn "$volume"
	mount -o ro "$volume" "$mnt"
	cmp "$mnt/file" "$1"
	umount "$mnt"
	luks_close
}

ktap_print_header
require_disk $areas $luks
is=$1
seed=$2
shift 2
ktap_set_plan $((1 + (17 + random_areas) * $# / 2))
check "this kernel is $is" is_kernel "$is"
while [ $# -ge 2 ]; do
	all_areas "$1" "$2"
	check "$1 $2: LUKS2 volume with a file system" \
		"$1_luks" "$(plain_disk "$2")"
	shift 2
done
ktap_finished
