#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Provokes one of the bugs that the mail dm-crypt-fixes mends.
#
# usage: dm-crypt-fixes integrity|integrity-twice|integrity-key-size|iv-mode|atomic
#
# Exit status 0 if the bug is not there.  The kernel may crash or complain instead.  Needs
# no commit of another mail.

set -eu

KEY=$(printf '%064d%064d' 1 2)
truncate -s 1M /tmp/disk
DISK=$(losetup --find --show /tmp/disk)

load() {
	dmsetup create mended --table "0 2048 crypt $*"
}

# refused MESSAGE WORD...: the kernel refuses the table, and its log has MESSAGE.
refused() {
	if load "${@:2}"; then
		echo "# the kernel takes the table"
		return 1
	fi
	dmesg | grep -F "$1" || {
		echo "# the log has no '$1'"
		return 1
	}
}

case $1 in
integrity)
	refused "Invalid integrity arguments" "aes-xts-plain64 $KEY 0 $DISK 0 1 integrity:16" ;;
integrity-twice)
	refused "Invalid integrity arguments" "aes-xts-plain64 $KEY 0 $DISK 0" \
		"2 integrity:16:none integrity:16:none" ;;
integrity-key-size)
	refused "The cipher takes no integrity_key_size" "capi:gcm(aes)-random ${KEY:0:64}" \
		"0 $DISK 0 2 integrity:28:aead integrity_key_size:16" ;;
iv-mode)
	refused "IV mechanism required" "capi:xts(aes) $KEY 0 $DISK 0"
	load "capi:ecb(aes) ${KEY:0:64} 0 $DISK 0" ;;
atomic)
	# Keep the bytes, so that the test shows that the write arrives, too.
	load "capi:cryptd(xts(aes))-plain64 $KEY 0 $DISK 0 1 no_write_workqueue"
	head -c 1M /dev/urandom > /tmp/plain
	dd if=/tmp/plain of=/dev/mapper/mended bs=64k oflag=direct
	cmp /tmp/plain /dev/mapper/mended ;;
esac
