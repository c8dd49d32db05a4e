#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that measure.sh measures with and without batching, writes to no device, leaves
# nothing behind, and prints the reason if it cannot measure.  People run measure.sh on
# machines with volumes that are in use.

. "$(dirname "$0")"/_lib.sh
require_tools fio jq
dmsetup targets | grep '^zero ' > /dev/null || skip_all "the kernel has no dm-zero"
[ "$AES_XTS" = aes-xts ] || skip_all "the tests use $AES_XTS, which the commands do not take"

# nothing_left Y|N: checks that measure.sh left no mappings, and left the parameter at this
# value.  clean_case() does not know the names of these mappings.
nothing_left() {
	[ "$(dmsetup ls | grep -c '^dm-crypt-measure')" -eq 0 ] || fail "mappings are left over"
	[ "$(cat "$PARAMETER")" = "$1" ] || fail "the parameter is not what it was: $1"
}

measure() {
	"$TEST_DIR"/measure.sh "$@" > "$WORK/out" 2> "$WORK/message" || return
	sed 's/^/# /' "$WORK/out" >&3
}

# rows NUMBER: the output has that many rows, each with two speeds and a ratio above 0
rows() {
	awk -v wanted="$1" '
		/^[0-9]/ && $4 > 0 && $5 > 0 && $6 > 0 { n++ }
		END { exit n != wanted }' "$WORK/out" ||
		fail "not $1 rows with speeds: $(cat "$WORK/out")"
}

# both_ways Y|N: measures with this value of the module parameter
both_ways() {
	set_batching "$1"
	measure --seconds 1 --rounds 1 --block-size 4k,1m || fail "$(cat "$WORK/message")"
	rows 8
	nothing_left "$1"
}

reads_device() {
	local disk before

	disk=$(make_disk 16384)
	random_file "$WORK/random" 8388608
	block_io write "$disk" < "$WORK/random"
	before=$(sha256sum < "$disk")
	measure --device "$disk" --seconds 1 --rounds 1 --block-size 64k --sector-size 512 ||
		fail "$(cat "$WORK/message")"
	rows 1
	[ "$(sha256sum < "$disk")" = "$before" ] || fail "the disk was written to"
	nothing_left Y
}

# refuses PATTERN ARGUMENT...: checks that measure.sh refuses the arguments with this message
refuses() {
	! measure "${@:2}" || fail "not refused: ${*:2}"
	grep -e "$1" "$WORK/message" > /dev/null ||
		fail "refused for another reason: $(cat "$WORK/message")"
	nothing_left Y
}

bad_arguments() {
	refuses 'unknown argument' --frobnicate
	refuses 'needs an argument' --rounds
	refuses 'no number' --rounds 0
	refuses 'no list of 512' --sector-size 100
	refuses 'no list of sizes' --block-size 4x
	refuses 'no size of a key' --key-size 100
	refuses 'no block device' --device /etc/passwd
}

old_cipher() {
	[[ $(preferred_driver "essiv(cbc(aes),sha256)") = *" many "* ]] ||
		skip "the driver of ESSIV takes one data unit a request"
	measure --cipher aes-cbc-essiv:sha256 --key-size 256 --seconds 1 --rounds 1 \
		--block-size 1m || fail "$(cat "$WORK/message")"
	rows 4
	nothing_left Y
}

no_batching() {
	refuses 'does not batch here.*iv_mode' --cipher aes-xts-plain64be --seconds 1
	refuses 'does not take' --cipher aes-nosuchmode-plain64
}

in_use() {
	local disk

	disk=$(make_disk 131072)
	mkfs.ext4 -q "$disk"
	mkdir "$WORK/mnt"
	mount "$disk" "$WORK/mnt"
	refuses 'does not take\|busy' --device "$disk" --seconds 1
	umount "$WORK/mnt"
}

ktap_set_plan 7
run_case "both ways, if batching is on" both_ways Y
run_case "both ways, if batching is off" both_ways N
run_case "reads a device, and does not write to it" reads_device
run_case "the cipher of an old volume" old_cipher
run_case "wrong arguments" bad_arguments
run_case "a cipher that does not batch, and an unknown cipher" no_batching
run_case "a device that is in use" in_use
finish
