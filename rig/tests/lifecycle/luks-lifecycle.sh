#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that cryptsetup can reencrypt an open LUKS2 volume with batching and a mounted
# file system, while loads write a file and read it back.  At the end, the test reads the
# files without batching.  lifecycle.sh tests what cryptsetup luksSuspend and resize do.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_load.sh
require_tools cryptsetup mkfs.ext4 e2fsck
[ "$AES_XTS" = aes-xts ] || skip_all "the tests use $AES_XTS, which LUKS does not take"

DATA_MIB=16
FILE_SIZE=$((512 * 1024))

resume_volume() {
	cryptsetup luksResume --key-file "$WORK/key" "$NAME" || :
}

# Removes the devices that an interrupted reencryption leaves behind.
remove_helpers() {
	local node

	for node in "$VOLUME"-*; do
		[ ! -e "$node" ] || dmsetup remove --force "${node##*/}" || :
	done
}

open_volume() {
	cryptsetup open --key-file "$WORK/key" "$DISK" "$NAME"
}

mount_volume() {
	mount -t ext4 "$VOLUME" "$WORK/mnt"
}

# format SECTOR_SIZE: makes a volume with a mounted file system, and starts loads on a file
# in it.
format() {
	DISK=$(make_disk $(((16 + DATA_MIB) * 2048)))
	random_file "$WORK/key" 32
	mkdir "$WORK/mnt"
	luks_format "$DISK" --key-file "$WORK/key" --type luks2 --sector-size "$1"
	open_volume
	mkfs.ext4 -q -b 4096 "$VOLUME"
	mount_volume
	random_file "$WORK/kept" 2000001
	cp "$WORK/kept" "$WORK/mnt/kept"
	TARGET=$WORK/mnt/load
	random_file "$TARGET" $FILE_SIZE
	sync -f "$WORK/mnt"
	start_load 0 $((FILE_SIZE / 2))
	start_load $((FILE_SIZE / 2)) $((FILE_SIZE / 2))
	wait_rounds
	expect_batched
}

# Checks that the file system is intact, and that the files are right.
compare_files() {
	e2fsck -fn "$VOLUME" > "$WORK/fsck" 2>&1 || fail "e2fsck: $(cat "$WORK/fsck")"
	mount_volume
	compare_loads
	expect_same "$WORK/kept" "$WORK/mnt/kept" "a file without a load"
	umount "$WORK/mnt"
}

# Ends the load, and compares everything with batching and without.
finish_load() {
	wait_rounds
	end_load
	umount "$WORK/mnt"
	compare_files
	expect_batched
	cryptsetup close "$NAME"
	set_batching N
	open_volume
	expect_off disabled
	compare_files
	cryptsetup close "$NAME"
}

# Records the status of the volume and its helpers until the file "seen" exists.
watch() {
	while [ ! -e "$WORK/seen" ]; do
		# A device may go away before dmsetup asks for its status.
		dmsetup status --target crypt >> "$WORK/watched" 2> /dev/null || :
		sleep 0.1
	done
}

# reencrypted SECTOR_SIZE OPTION...: reencrypts in small pieces while the file system is in
# use.
reencrypted() {
	local watcher

	format "$1"
	trap 'abort_load; remove_helpers' EXIT
	watch &
	watcher=$!
	cryptsetup reencrypt --batch-mode --key-file "$WORK/key" "${SLOT[@]}" \
		--hotzone-size 2M --active-name "$NAME" "${@:2}" "$DISK" > "$WORK/log" 2>&1 ||
		fail "cryptsetup reencrypt: $(cat "$WORK/log")"
	: > "$WORK/seen"
	wait $watcher
	grep "^$NAME-.* crypt batch_sectors:on batches:[1-9]" "$WORK/watched" > /dev/null ||
		fail "no batch during the reencryption: $(sort -u "$WORK/watched" | tail -n 3)"
	finish_load
}

# cryptsetup refuses sectors that are larger than the blocks of the file system.  These have
# 4096 bytes.
larger_sectors() {
	reencrypted 512 --resilience checksum --sector-size 4096
	cryptsetup luksDump "$DISK" > "$WORK/dump"
	grep 'sector: 4096 \[bytes\]' "$WORK/dump" > /dev/null || fail "the sectors are not larger"
}

ktap_set_plan 3
run_case "sectors of 4096: reencrypt, guarded by checksums" reencrypted 4096 --resilience checksum
run_case "sectors of 512: reencrypt, guarded by a journal" reencrypted 512 --resilience journal
run_case "reencrypt sectors of 512 to sectors of 4096" larger_sectors
finish
