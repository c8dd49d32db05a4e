#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves what the topic dm-crypt-fixes mends: wrong tables, and writes of asynchronous ciphers.

. "$(dirname "$0")"/_fixes.sh

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
KEY=$(printf '%064d%064d' 1 2)
NAME=dm-crypt-fixes

# fixed DESCRIPTION FUNCTION [ARGUMENT...]
fixed() {
	if ! next_case; then
		ktap_test_skip "$1"
		return
	fi
	truncate -s 1M "$WORK/disk"
	DISK=$(losetup --find --show "$WORK/disk")
	outcome_of "${@:2}"
	[ ! -e /dev/mapper/$NAME ] || dmsetup remove --retry $NAME
	losetup -d "$DISK"
	print_result $OUTCOME "$1"
}

load() {
	dmsetup create $NAME --table "0 2048 crypt $*"
}

# refused MESSAGE CIPHER KEY [OPTION...]: the kernel refuses the table, and its log has MESSAGE.
refused() {
	local mark=$NAME-$NUMBER-$RANDOM

	echo "$mark" > /dev/kmsg
	! load "$2 $3 0 $DISK 0 $(($# - 3)) ${*:4}" 2> /dev/null || fail "the kernel takes $2 ${*:4}"
	dmesg | sed "1,/$mark/d" | grep -F "$1" > /dev/null ||
		fail "the log has no '$1' about $2 ${*:4}"
}

# Without an IV mode, the IVs would be stale bytes.
no_iv_mode() {
	refused "IV mechanism required" "capi:xts(aes)" "$KEY"
	load "capi:ecb(aes) ${KEY:0:64} 0 $DISK 0"
}

# cryptd completes with softirqs disabled, where submitting a bio would be a bug.  The instance
# of cryptd stays registered.  The template has a low priority, so nobody prefers the instance.
writes_of_cryptd() {
	local aes

	aes=$(drivers_of aes | awk '$5 == "cipher" && !found++ { print $1 }')
	[ -n "$aes" ] || fail "the kernel has no AES of single blocks"
	load "capi:cryptd(xts(ecb($aes)))-plain64 $KEY 0 $DISK 0 1 no_write_workqueue"
	head -c 1M /dev/urandom > "$WORK/plain"
	dmesg --clear
	dd if="$WORK/plain" of=/dev/mapper/$NAME bs=64k oflag=direct 2> /dev/null
	cmp "$WORK/plain" /dev/mapper/$NAME
	! dmesg | grep 'BUG: sleeping function' > /dev/null || fail "sleeps in atomic context"
}

ktap_set_plan 5
fixed "integrity without a profile" refused "Invalid integrity arguments" \
	aes-xts-plain64 "$KEY" integrity:16
fixed "integrity twice" refused "Invalid integrity arguments" \
	aes-xts-plain64 "$KEY" integrity:16:none integrity:16:none
fixed "integrity_key_size without authenc()" refused "The cipher takes no integrity_key_size" \
	"capi:gcm(aes)-random" "${KEY:0:64}" integrity:28:aead integrity_key_size:16
fixed "a cipher without an IV mode" no_iv_mode
fixed "no_write_workqueue and an asynchronous cipher" writes_of_cryptd
ktap_finished
