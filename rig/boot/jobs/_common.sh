# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions of the jobs that work on LUKS volumes.  A job sets $name to the name of
# its mapping.

: "${name:?}"
# shellcheck source=/dev/null
. /kselftest/kselftest/ktap_helpers.sh

work=$(mktemp -d)
log=$work/log
key_file=$work/passphrase
mnt=$work/mnt
mkdir "$mnt"
echo -n 'for tests, not a secret' > "$key_file"

clean_up() {
	! mountpoint -q "$mnt" || umount "$mnt"
	[ ! -e "/dev/mapper/$name" ] || dmsetup remove --retry "$name"
	rm -rf "$work"
}
trap clean_up EXIT

# check DESCRIPTION COMMAND...: print one TAP line, and the output of a failed
# COMMAND as a comment.  The first failing command in a function ends the function.
check() {
	local description=$1 result
	shift

	# Not in a condition: there the shell ignores failing commands.
	(set -e; "$@") > "$log" 2>&1
	result=$?
	if [ $result -eq 0 ]; then
		ktap_test_pass "$description"
	else
		ktap_test_fail "$description"
		sed 's/^/# /' "$log"
	fi
}

# require_disk DISK...
require_disk() {
	local disk

	for disk; do
		[ -b "$disk" ] || ktap_exit_fail_msg "no disk $disk"
	done
}

# luks_format DISK SECTOR_SIZE
luks_format() {
	cryptsetup luksFormat --batch-mode --type luks2 --cipher aes-xts-plain64 \
		--key-size 512 --sector-size "$2" --pbkdf pbkdf2 \
		--pbkdf-force-iterations 1000 --key-file "$key_file" "$1"
}

luks_open() {
	cryptsetup open --key-file "$key_file" "$1" "$name"
}

luks_close() {
	cryptsetup close "$name"
}
