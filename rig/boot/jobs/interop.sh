#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One boot of rig/bin/interop: interop patched|unpatched SEED [verify PLAIN] [write PLAIN]
#
# PLAIN is "first" or "second": the disk with the plaintext, /dev/vdd or /dev/vde.
# "write" encrypts PLAIN into areas of /dev/vdb: one for each combination of sector size,
# IV counting and IV offset, one for each sector size with the ciphers of old volumes, and
# some with options that depend on SEED.  "write" also lets cryptsetup make volumes with a
# file on /dev/vdc: LUKS2, LUKS1 with an old cipher, and plain mode with its default cipher.
# "verify" compares all of them with PLAIN.  The first argument says which kernel must run;
# the job fails if the other one runs.

set -u

AREAS=/dev/vdb
FILES=/dev/vdc
FILES_SIZE=$((32 << 20))
declare -A PLAIN=([first]=/dev/vdd [second]=/dev/vde)
AREA_SECTORS=2048
RANDOM_AREAS=8
KEY=$(printf '%064d%064d' 1 2)
OLD_CIPHERS=(aes-cbc-plain64 aes-cbc-essiv:sha256)
KINDS=(luks2 luks1 plain)

# The tests' library needs a kernel with the series, but these parts of it do not.
TEST_DIR=/kselftest/dm-crypt-mdu
. /kselftest/kselftest/ktap_helpers.sh
. "$TEST_DIR/_volume.sh"
. "$TEST_DIR/_random_options.sh"
KERNEL=unpatched
[ ! -e "$PARAMETER" ] || KERNEL=patched
WORK=$(mktemp -d)
mkdir "$WORK/mnt"
echo -n 'for tests, not a secret' > "$WORK/luks"
printf '%064d' 3 > "$WORK/plain"

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
	losetup -D
	if [ $result -eq 0 ]; then
		ktap_test_pass "$description"
	else
		ktap_test_fail "$description"
		sed 's/^/# /' "$WORK/log"
	fi
}

# A kernel with the series must batch, or the test proves nothing.
has_batched() {
	[ $KERNEL = unpatched ] || dmsetup status "$NAME" | grep 'batch_sectors:on batches:[1-9]'
}

# area write|verify PLAIN SECTOR_SIZE NUMBER CIPHER IV_OFFSET OPTION...
area() {
	local what=$1 plain=${PLAIN[$2]} size=$3 begin=$(($4 * AREA_SECTORS)) cipher=$5 key=$KEY
	local iv_offset=$6

	shift 6
	[ "${cipher#aes-cbc}" = "$cipher" ] || key=${KEY:0:64}
	dmsetup create "$NAME" --table \
		"0 $AREA_SECTORS crypt $cipher $key $iv_offset $AREAS $begin $# $*"
	case $what in
	write)
		block_io write "$VOLUME" --sizes "262144,$size,4096,65536,$size,8192" < "$plain" ;;
	verify)
		cmp "$VOLUME" "$plain" ;;
	esac
	has_batched
}

# all_areas write|verify PLAIN
all_areas() {
	local number=0 size offset option end cipher

	for size in 512 1024 2048 4096; do
		for offset in 0 4294966272; do
			for option in "" iv_large_sectors; do
				# shellcheck disable=SC2086 # may be no word at all
				check "$1 $2: $size bytes, iv_offset $offset${option:+, $option}" \
					area "$1" "$2" $size $number aes-xts-plain64 $offset \
					sector_size:$size $option
				number=$((number + 1))
			done
		done
		for cipher in "${OLD_CIPHERS[@]}"; do
			check "$1 $2: $cipher, $size bytes" \
				area "$1" "$2" $size $number "$cipher" 4096 sector_size:$size
			number=$((number + 1))
		done
	done
	RANDOM=$seed
	for ((end = number + RANDOM_AREAS; number < end; number++)); do
		choose_options
		check "$1 $2: $IV $IV_OFFSET ${OPTIONS[*]}" area "$1" "$2" "$SECTOR_SIZE" \
			$number "aes-xts-$IV" "$IV_OFFSET" "${OPTIONS[@]}"
	done
}

# files write|verify PLAIN NUMBER KIND
files() {
	local disk

	disk=$(losetup --find --show --offset $(($3 * FILES_SIZE)) --sizelimit $FILES_SIZE $FILES)
	case $1-$4 in
	write-luks2)
		luks_format "$disk" --type luks2 --sector-size 512 --key-file "$WORK/luks" ;;
	write-luks1)
		luks_format "$disk" --type luks1 --cipher aes-cbc-essiv:sha256 --key-size 256 \
			--key-file "$WORK/luks" ;;
	esac
	# In plain mode, the key file is the key.
	cryptsetup open --type "${4%[12]}" --key-file "$WORK/${4%[12]}" "$disk" "$NAME"
	case $1 in
	write)
		mke2fs -q -t ext4 "$VOLUME"
		mount "$VOLUME" "$WORK/mnt"
		cat "${PLAIN[$2]}" > "$WORK/mnt/file"
		sync -f "$WORK/mnt" ;;
	verify)
		e2fsck -fn "$VOLUME"
		mount -o ro "$VOLUME" "$WORK/mnt"
		cmp "$WORK/mnt/file" "${PLAIN[$2]}" ;;
	esac
	has_batched
}

ktap_print_header
expected=$1
seed=$2
shift 2
ktap_set_plan $((1 + (16 + 4 * ${#OLD_CIPHERS[@]} + RANDOM_AREAS + ${#KINDS[@]}) * $# / 2))
check "this kernel is $expected" [ "$KERNEL" = "$expected" ]
while [ $# -ge 2 ]; do
	all_areas "$1" "$2"
	for number in "${!KINDS[@]}"; do
		check "$1 $2: cryptsetup, ${KINDS[number]}" files "$1" "$2" "$number" "${KINDS[number]}"
	done
	shift 2
done
ktap_finished
