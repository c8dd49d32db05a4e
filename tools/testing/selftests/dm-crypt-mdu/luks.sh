#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that cryptsetup and its LUKS volumes work with batching as without:
# files that are written with batching can be read without, and "cryptsetup
# refresh" applies the module parameter to an open volume.

. "$(dirname "$0")"/_lib.sh
require_tools cryptsetup mkfs.ext4
[ "$AES_XTS" = aes-xts ] || skip_all "the tests use $AES_XTS, which LUKS does not take"

format() {
	DISK=$(make_disk $((26 * 1024 * 1024 / 512)))
	random_file "$WORK/key" 32
	mkdir "$WORK/files" "$WORK/mnt"
	luks_format "$DISK" --key-file "$WORK/key" "$@"
}

# use FUNCTION: opens the volume, mounts its file system and calls FUNCTION.
use() {
	cryptsetup open --key-file "$WORK/key" "$DISK" "$NAME"
	[ "$1" != write_files ] || mkfs.ext4 -q "$VOLUME"
	mount -t ext4 "$VOLUME" "$WORK/mnt"
	"$1"
	umount "$WORK/mnt"
	cryptsetup close "$NAME"
}

write_files() {
	local n

	expect_on
	for n in 0 1 700 60000 2000000; do
		random_file "$WORK/files/$n" $n
	done
	cp "$WORK"/files/* "$WORK/mnt"
	sync -f "$WORK/mnt"
	expect_batched
	cryptsetup status "$NAME" > "$WORK/status"
	grep 'cipher: *aes-xts-plain64' "$WORK/status" > /dev/null ||
		fail "cryptsetup status: $(cat "$WORK/status")"
}

compare_files() {
	local file

	for file in "$WORK"/files/*; do
		expect_same "$file" "$WORK/mnt/${file##*/}" "file in the volume"
	done
}

compare_without_batching() {
	expect_off disabled
	compare_files
}

refresh() {
	expect_on
	set_batching N
	cryptsetup refresh --key-file "$WORK/key" "$NAME"
	expect_off disabled
	# Mount again, so that no part of the files comes from memory.
	umount "$WORK/mnt"
	mount -t ext4 "$VOLUME" "$WORK/mnt"
	compare_files
	set_batching Y
	cryptsetup refresh --key-file "$WORK/key" "$NAME"
	expect_on
}

# works_with LUKSFORMAT_OPTION...
works_with() {
	format "$@"
	use write_files
	set_batching N
	use compare_without_batching
	set_batching Y
	use refresh
}

ktap_set_plan 3
run_case "LUKS2, sectors of 512" works_with --type luks2 --sector-size 512
run_case "LUKS2, sectors of 4096" works_with --type luks2 --sector-size 4096
run_case "LUKS1" works_with --type luks1
finish
