# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the jobs that work on LUKS volumes share.  A job says in $name which
# mapping it works with.

: "${name:?}"
# shellcheck source=/dev/null
. /kselftest/kselftest/ktap_helpers.sh

work=$(mktemp -d)
log=$work/log
key_file=$work/passphrase
mnt=$work/mnt
mkdir "$mnt"
echo -n 'for tests, not a secret' > "$key_file"

clean_up()
{
	! mountpoint -q "$mnt" || umount "$mnt"
	[ ! -e "/dev/mapper/$name" ] || dmsetup remove --retry "$name"
	rm -rf "$work"
}
trap clean_up EXIT

# check DESCRIPTION COMMAND...: one TAP line; what a failed command said follows
# as a comment.  The first command that fails in a function ends it.
check()
{
	local description=$1 result
	shift

	# Not as a condition, in which the shell would ignore failing commands.
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
require_disk()
{
	local disk

	for disk; do
		[ -b "$disk" ] || ktap_exit_fail_msg "no disk $disk"
	done
}

# luks_format DISK SECTOR_SIZE
luks_format()
{
	cryptsetup luksFormat --batch-mode --type luks2 --cipher aes-xts-plain64 \
		--key-size 512 --sector-size "$2" --pbkdf pbkdf2 \
		--pbkdf-force-iterations 1000 --key-file "$key_file" "$1"
}

luks_open()
{
	cryptsetup open --key-file "$key_file" "$1" "$name"
}

luks_close()
{
	cryptsetup close "$name"
}
