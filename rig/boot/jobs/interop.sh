#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One boot of rig/bin/interop: interop patched|unpatched SEED [verify PLAIN] [write PLAIN]
#
# PLAIN is "first" or "second": the disk with the plaintext, /dev/vdd or /dev/vde.
# "write" encrypts PLAIN into areas of /dev/vdb: one for each combination of sector size,
# IV counting and IV offset, and some with options that depend on SEED.  "write" also
# makes a LUKS2 volume with a file on /dev/vdc.  "verify" compares both with PLAIN.  The
# first argument says which kernel must run; the job fails if the other one runs.

set -u

AREAS=/dev/vdb
LUKS=/dev/vdc
declare -A PLAIN=([first]=/dev/vdd [second]=/dev/vde)
AREA_SECTORS=2048
RANDOM_AREAS=8
KEY=$(printf '%064d%064d' 1 2)

# The tests' library needs a kernel with the series, but these parts of it do not.
TEST_DIR=/kselftest/dm-crypt-mdu
. /kselftest/kselftest/ktap_helpers.sh
. "$TEST_DIR/_volume.sh"
. "$TEST_DIR/_random_options.sh"
KERNEL=unpatched
[ ! -e "$PARAMETER" ] || KERNEL=patched
WORK=$(mktemp -d)
mkdir "$WORK/mnt"
echo -n 'for tests, not a secret' > "$WORK/key"

# check DESCRIPTION COMMAND...: print one TAP line, and the output of a failed
# COMMAND as a comment.  The first failing command in a function ends the function.
check() {
	local description=$1 result
	shift

	# Do not make this a condition: there the shell ignores set -e.
	(set -e; "$@") > "$WORK/log" 2>&1
	result=$?
	! grep -q " $WORK/mnt " /proc/mounts || umount "$WORK/mnt" || result=1
	[ ! -e "$VOLUME" ] || dmsetup remove --retry "$NAME" || result=1
	if [ $result -eq 0 ]; then
		ktap_test_pass "$description"
	else
		ktap_test_fail "$description"
		sed 's/^/# /' "$WORK/log"
	fi
}

# area write|verify PLAIN SECTOR_SIZE NUMBER IV IV_OFFSET OPTION...: a kernel with the
# series must batch, or the test proves nothing.
area() {
	local what=$1 plain=${PLAIN[$2]} size=$3 begin=$(($4 * AREA_SECTORS)) cipher=aes-xts-$5
	local iv_offset=$6

	shift 6
	dmsetup create "$NAME" --table \
		"0 $AREA_SECTORS crypt $cipher $KEY $iv_offset $AREAS $begin $# $*"
	case $what in
	write)
		block_io write "$VOLUME" --sizes "262144,$size,4096,65536,$size,8192" < "$plain" ;;
	verify)
		cmp "$VOLUME" "$plain" ;;
	esac
	[ $KERNEL = unpatched ] || dmsetup status "$NAME" | grep 'batch_sectors:on batches:[1-9]'
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
	for ((end = number + RANDOM_AREAS; number < end; number++)); do
		choose_options
		check "$1 $2: $IV $IV_OFFSET ${OPTIONS[*]}" area "$1" "$2" "$SECTOR_SIZE" \
			$number "$IV" "$IV_OFFSET" "${OPTIONS[@]}"
	done
}

# luks write|verify PLAIN
luks() {
	[ "$1" = verify ] ||
		luks_format $LUKS --type luks2 --sector-size 512 --key-file "$WORK/key"
	cryptsetup open --key-file "$WORK/key" $LUKS "$NAME"
	case $1 in
	write)
		mke2fs -q -t ext4 "$VOLUME"
		mount "$VOLUME" "$WORK/mnt"
		cat "${PLAIN[$2]}" > "$WORK/mnt/file" ;;
	verify)
		e2fsck -fn "$VOLUME"
		mount -o ro "$VOLUME" "$WORK/mnt"
		cmp "$WORK/mnt/file" "${PLAIN[$2]}" ;;
	esac
}

ktap_print_header
expected=$1
seed=$2
shift 2
ktap_set_plan $((1 + (17 + RANDOM_AREAS) * $# / 2))
check "this kernel is $expected" [ "$KERNEL" = "$expected" ]
while [ $# -ge 2 ]; do
	all_areas "$1" "$2"
	check "$1 $2: LUKS2 volume with a file system" luks "$1" "$2"
	shift 2
done
ktap_finished
