# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of _lib.sh
#
# The volume of a case: its disk, data, table and status, and checks of all these.
# _lib.sh sources this file.

NAME=mdu-$$
VOLUME=/dev/mapper/$NAME
PARAMETER=/sys/module/dm_crypt/parameters/batch_sectors
# Options of cryptsetup that make opening a LUKS volume fast.
SLOT=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)

# make_disk SECTORS: makes a loop device of that size, all zeros, and prints its name.
make_disk() {
	local file=$WORK/disk.$BASHPID

	truncate -s $(($1 * 512)) "$file"
	losetup --find --show "$file"
}

random_file() {
	head -c "$2" /dev/urandom > "$1"
}

random_key() {
	od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'
}

# dm-crypt reads the parameter when it loads a table.
set_batching() {
	echo "$1" > "$PARAMETER"
}

# Prints a driver for single blocks of AES, which a template can use.
aes_driver() {
	drivers_of aes | awk '$5 == "cipher" && !found++ { print $1 }'
}

# Sets AES_XTS, which replaces aes-xts in tables, if the environment does not.  If the
# preferred driver takes one data unit a request, AES_XTS is the xts template, which
# takes many.
choose_cipher() {
	local aes

	[ -z "${AES_XTS-}" ] || return 0
	AES_XTS="aes-xts"
	map "$(make_disk 2048)" aes-xts-plain64 "$(random_key 64)" 0 ||
		skip_all "the kernel cannot map aes-xts-plain64"
	if [ "$(get_status)" = "batch_sectors:off reason:cipher" ]; then
		aes=$(aes_driver)
		[ -n "$aes" ] || skip_all "no AES-XTS driver takes many data units"
		AES_XTS="capi:xts(ecb($aes))"
		ktap_print_msg "the preferred driver takes one data unit, testing with $AES_XTS"
	fi
	clean_case
}

# map DISK CIPHER KEY IV_OFFSET [OPTION...]: opens $VOLUME.
map() {
	local disk=$1 cipher=$2 key=$3 iv_offset=$4 sectors

	shift 4
	cipher=${cipher/#aes-xts-/$AES_XTS-}
	sectors=$(blockdev --getsz "$disk")
	dmsetup create "$NAME" --table \
		"0 $sectors crypt $cipher $key $iv_offset $disk 0 $# $*"
}

unmap() {
	dmsetup remove --retry "$NAME"
}

# Prints the status of the crypt target.
get_status() {
	local line

	line=$(dmsetup status "$NAME")
	echo "${line#* crypt }"
}

# count WORD: prints the number that follows "WORD:" in the status.
count() {
	local word

	for word in $(get_status); do
		[ "${word%:*}" != "$1" ] || echo "${word#*:}"
	done
}

# expect_count WORD NUMBER
expect_count() {
	[ "$(count "$1")" -eq "$2" ] || fail "$1 is not $2, the status is: $(get_status)"
}

expect_on() {
	case $(get_status) in
	"batch_sectors:on "*)	;;
	*)	fail "batching is not on, the status is: $(get_status)" ;;
	esac
}

# expect_off REASON
expect_off() {
	[ "$(get_status)" = "batch_sectors:off reason:$1" ] ||
		fail "wanted batching off with reason $1, the status is: $(get_status)"
}

# expect_more_requests NUMBER: checks that batching is on, and that there were more than
# NUMBER batches.
expect_more_requests() {
	expect_on
	[ "$(count batches)" -gt "$1" ] ||
		fail "no more requests than $1, the status is: $(get_status)"
}

expect_batched() {
	expect_more_requests 0
}

# expect_same FILE FILE WHAT
expect_same() {
	local difference

	difference=$(cmp "$1" "$2" 2>&1) || fail "$3: $difference"
}

mount_debugfs() {
	[ -d /sys/kernel/debug/block ] ||
		mount -t debugfs none /sys/kernel/debug 2> /dev/null || :
}

block_io() {
	"$TEST_DIR"/block_io "$@"
}

oracle() {
	"$TEST_DIR"/xts_oracle "$@"
}

# luks_format DISK OPTION...
luks_format() {
	cryptsetup luksFormat --batch-mode --cipher aes-xts-plain64 --key-size 512 \
		"${SLOT[@]}" "${@:2}" "$1"
}

# Prints sizes of I/O: 1 MiB, one sector, and others.  Some I/Os begin at odd sectors.
mixed_sizes() {
	echo "1048576,$1,4096,65536,$1,8192"
}

# write_mixed SECTOR_SIZE FILE: writes FILE to the volume in I/Os of these sizes.
write_mixed() {
	block_io write "$VOLUME" --sizes "$(mixed_sizes "$1")" < "$2"
}

# expect_agreement DISK SECTOR_SIZE SIZE ORACLE ARGUMENT...: writes SIZE bytes, which the
# oracle must decrypt, and reads what the oracle has encrypted.  Both must be in batches.
expect_agreement() {
	local disk=$1 sector_size=$2 size=$3 oracle=$4 requests

	shift 4
	random_file "$WORK/plain" "$size"
	write_mixed "$sector_size" "$WORK/plain"
	block_io read "$disk" | "$oracle" decrypt "$@" > "$WORK/decrypted"
	expect_same "$WORK/plain" "$WORK/decrypted" "written by dm-crypt"
	expect_batched
	requests=$(count batches)

	random_file "$WORK/plain" "$size"
	"$oracle" encrypt "$@" < "$WORK/plain" | block_io write "$disk"
	block_io read "$VOLUME" --sizes "$(mixed_sizes "$sector_size")" > "$WORK/decrypted"
	expect_same "$WORK/plain" "$WORK/decrypted" "read by dm-crypt"
	expect_more_requests "$requests"
}
