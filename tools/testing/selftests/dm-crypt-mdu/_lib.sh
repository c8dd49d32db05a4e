# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The library of the dm-crypt-mdu tests: set-up, cases and clean-up.  _volume.sh
# has the functions that work on a volume.
#
# Each test sources this file, checks its needs (require_*), sets the number of
# its cases (ktap_set_plan) and runs them with run_case.  A case is a function.
# run_case runs it in a subshell, in which any failing command fails the case.
# Then run_case removes all mappings, loop devices and files that the case made.
# Disks are sparse files in $TMPDIR, or else in /tmp.

set -eEu -o pipefail
shopt -s inherit_errexit

TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
. "$TEST_DIR"/../kselftest/ktap_helpers.sh
. "$TEST_DIR"/_drivers.sh
. "$TEST_DIR"/_volume.sh

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

# fail REASON, skip REASON: end the running case.  The reason goes to the output
# of the test, also from inside a command substitution.
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

# Removes the volume, then the mappings below it and other mappings of the test.
unmap_all() {
	local node

	for node in "$VOLUME" "$VOLUME"-*; do
		[ ! -e "$node" ] || dmsetup remove --retry "${node##*/}"
	done
}

# Undoes the set-up of a case, also if the case stopped halfway.  The shell itself
# looks for leftovers, as starting programs is slow in an emulated machine.
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
	# Don't use "if ( ... )": in a condition the shell ignores failing commands.
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

# ktap_finished reports success if all cases were skipped.
finish() {
	if [ $((KTAP_CNT_PASS + KTAP_CNT_FAIL)) -eq 0 ]; then
		ktap_print_totals
		exit "$KSFT_SKIP"
	fi
	ktap_finished
}

exec 3>&1
ktap_print_header
[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
require_tools dmsetup losetup blockdev truncate cmp od
require_helper block_io
[ -d /sys/module/dm_crypt ] || modprobe -q dm-crypt || :
dmsetup targets 2> /dev/null | grep '^crypt ' > /dev/null ||
	skip_all "the kernel has no dm-crypt"
[ -w "$PARAMETER" ] || skip_all "dm-crypt does not batch sectors in this kernel"

PARAMETER_BEFORE=$(cat "$PARAMETER")
WORK=$(mktemp -d "$(realpath "${TMPDIR:-/tmp}")/dm-crypt-mdu.XXXXXX")
trap clean_all EXIT
trap 'exit 1' HUP INT TERM
set_batching Y
choose_cipher
