# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Set-up, clean-up and comparisons that the dm-crypt-mdu tests share.
#
# Each test sources this file, asks for what it needs (require_*), says how
# many cases it has (ktap_set_plan) and runs them with run_case.  A case is a
# function.  It runs in a subshell in which any failing command fails the case,
# and all mappings, loop devices and files that it made are gone after it.
# Disks are sparse files in $TMPDIR, or else in /tmp.

set -eEu -o pipefail
shopt -s inherit_errexit

TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
. "$TEST_DIR"/../kselftest/ktap_helpers.sh

NAME=mdu-$$
VOLUME=/dev/mapper/$NAME
PARAMETER=/sys/module/dm_crypt/parameters/multi_data_unit

skip_all() {
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

require_tools() {
	local tool

	for tool; do
		command -v "$tool" > /dev/null || skip_all "$tool is not installed"
	done
}

require_helper() {
	[ -x "$TEST_DIR/$1" ] || skip_all "$1 was not built"
}

# Ends the case that runs, as failed or as skipped, with the reason.  It goes to
# the test's own output, also from inside of a command substitution.
fail() {
	ktap_print_msg "$*" >&3
	exit "$KSFT_FAIL"
}

skip() {
	ktap_print_msg "skipped: $*" >&3
	exit "$KSFT_SKIP"
}

explain_error() {
	ktap_print_msg "failed with $1: $2" >&3
}

# The volume, and then what it may lie on and other mappings of the test.
unmap_all() {
	local node

	for node in "$VOLUME" "$VOLUME"-*; do
		[ ! -e "$node" ] || dmsetup remove --retry "${node##*/}"
	done
}

# Undoes what a case set up, however far it came.  Starting a program is what
# takes time in an emulated machine, so the shell looks around by itself.
clean_case() {
	local directory attribute file loop

	while read -r _ directory _; do
		[ "$directory" != "$WORK/mnt" ] || umount "$directory"
	done < /proc/mounts
	unmap_all
	for attribute in /sys/block/loop*/loop/backing_file; do
		[ -e "$attribute" ] || continue
		read -r file < "$attribute"
		loop=${attribute#/sys/block/}
		[ "${file#"$WORK"/}" = "$file" ] || losetup -d "/dev/${loop%%/*}"
	done
	rm -rf "${WORK:?}"/*
	set_batching Y
}

clean_all() {
	trap - ERR
	set +e
	clean_case
	set_batching "$PARAMETER_BEFORE"
	rm -rf "$WORK"
}

# run_case DESCRIPTION FUNCTION [ARGUMENT...]
run_case() {
	local description=$1 result=0

	shift
	# Not "if ("...")": in a condition the shell would ignore failing commands.
	set +e
	trap - ERR
	(
		set -e
		trap - EXIT
		trap 'explain_error "$?" "$BASH_COMMAND"' ERR
		"$@"
	)
	result=$?
	clean_case
	set -e

	case $result in
	0)		ktap_test_pass "$description" ;;
	"$KSFT_SKIP")	ktap_test_skip "$description" ;;
	*)		ktap_test_fail "$description" ;;
	esac
}

# ktap_finished takes a test that only skipped for one that passed.
finish() {
	if [ $((KTAP_CNT_PASS + KTAP_CNT_FAIL)) -eq 0 ]; then
		ktap_print_totals
		exit "$KSFT_SKIP"
	fi
	ktap_finished
}

# make_disk SECTORS: prints a loop device of that size, all zeros.
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

# The kernel reads the parameter when a table is loaded.
set_batching() {
	echo "$1" > "$PARAMETER"
}

# Prints the driver of AES for single blocks that a template can be put upon.
aes_driver() {
	awk -F ' *: ' '
		$1 == "name" { name = $2 }
		$1 == "driver" { driver = $2 }
		$1 == "type" && $2 == "cipher" && name == "aes" { print driver; exit }
		' /proc/crypto
}

# What stands for aes-xts in a table.  Where the driver that the kernel prefers
# takes one data unit a request, it is the template, which takes many.
choose_cipher() {
	local aes

	AES_XTS="aes-xts"
	map "$(make_disk 2048)" aes-xts-plain64 "$(random_key 64)" 0 ||
		skip_all "the kernel cannot map aes-xts-plain64"
	if [ "$(get_status)" = "multi_data_unit:off reason:cipher" ]; then
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

# Prints the directory of the volume in sysfs.
sys_directory() {
	local directory

	directory=/sys/block/$(dmsetup info -c --noheadings -o blkdevname "$NAME")
	[ -e "$directory/inflight" ] || fail "no $directory/inflight"
	echo "$directory"
}

# The volume cannot be removed, as it is open.
expect_busy() {
	! dmsetup remove "$NAME" 2> "$WORK/message" || fail "removed while it is open"
	grep 'busy' "$WORK/message" > /dev/null || fail "not EBUSY: $(cat "$WORK/message")"
}

# wait_until_gone DIRECTORY: until the volume of which this is the directory in sysfs is.
wait_until_gone() {
	local i

	for ((i = 0; i < 100; i++)); do
		[ -e "$1" ] || break
		sleep 0.1
	done
	[ ! -e "$1" ] || fail "the volume is still there"
	# Nobody else removes the node, if there is no udev.
	dmsetup mknodes "$NAME"
}

# Prints what the crypt target says about itself.
get_status() {
	local line

	line=$(dmsetup status "$NAME")
	echo "${line#* crypt }"
}

# count WORD: the number that the status has for it.
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
	"multi_data_unit:on "*)	;;
	*)	fail "batching is not on, the status is: $(get_status)" ;;
	esac
}

# expect_off REASON
expect_off() {
	[ "$(get_status)" = "multi_data_unit:off reason:$1" ] ||
		fail "wanted batching off with reason $1, the status is: $(get_status)"
}

# expect_more_requests NUMBER: batching is on, and the cipher got more requests
# of several data units than that.
expect_more_requests() {
	expect_on
	[ "$(count requests)" -gt "$1" ] ||
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

# map_filled DISK SECTOR_SIZE [OPTION...]: opens $VOLUME with the key in KEY, and fills
# it with SIZE random bytes, which are also in $WORK/plain.
map_filled() {
	map "$1" aes-xts-plain64 "$KEY" 0 "sector_size:$2" "${@:3}"
	random_file "$WORK/plain" "$SIZE"
	block_io write "$VOLUME" < "$WORK/plain"
}

# write_mixed SECTOR_SIZE FILE: I/O of 1 MiB, of one sector, and then of sizes
# that begin at an odd sector.
write_mixed() {
	block_io write "$VOLUME" --sizes "1048576,$1,4096,65536,$1,8192" < "$2"
}

exec 3>&1
ktap_print_header
[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
require_tools dmsetup losetup blockdev truncate cmp od
require_helper block_io
[ -d /sys/module/dm_crypt ] || modprobe -q dm-crypt || :
dmsetup targets 2> /dev/null | grep '^crypt ' > /dev/null ||
	skip_all "the kernel has no dm-crypt"
[ -w "$PARAMETER" ] || skip_all "dm-crypt does not batch data units in this kernel"

PARAMETER_BEFORE=$(cat "$PARAMETER")
WORK=$(mktemp -d "$(realpath "${TMPDIR:-/tmp}")/dm-crypt-mdu.XXXXXX")
trap clean_all EXIT
trap 'exit 1' HUP INT TERM
set_batching Y
choose_cipher
