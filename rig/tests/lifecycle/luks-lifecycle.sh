#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that cryptsetup works with batching on an open LUKS2 volume with a mounted
# file system, while loads write a file and read it back: suspend and resume, another
# size, and reencryption with another key.  In the end the test reads the files without
# batching.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_load.sh
require_tools cryptsetup mkfs.ext4 e2fsck
[ "$AES_XTS" = aes-xts ] || skip_all "the preferred driver takes one data unit a request"

DATA_MIB=16
FILE_SIZE=$((512 * 1024))

resume_volume() {
	cryptsetup luksResume --key-file "$WORK/key" "$NAME" || :
}

# Removes devices that only an interrupted reencryption leaves behind.
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

# format SECTOR_SIZE [BLOCKS]: makes a volume with a mounted file system of that size, or
# as large as the volume, and starts loads on a file in it.
format() {
	DISK=$(make_disk $(((16 + DATA_MIB) * 2048)))
	random_file "$WORK/key" 32
	mkdir "$WORK/mnt"
	luks_format "$DISK" --key-file "$WORK/key" --type luks2 --sector-size "$1"
	open_volume
	mkfs.ext4 -q -b 4096 "$VOLUME" "${@:2}"
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
	expect_same "$WORK/kept" "$WORK/mnt/kept" "a file that nobody wrote to"
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

# A load that waits for the volume may end its present round, but no other.
expect_waiting() {
	local file=$WORK/before.$1 before

	if [ ! -e "$file" ]; then
		rounds "$1" > "$file"
		return
	fi
	before=$(cat "$file")
	[ $(($(rounds "$1") - before)) -le 1 ] || fail "the load at $1 did not wait"
	rm "$file"
}

suspend_resume() {
	format "$1"
	for _ in {1..3}; do
		cryptsetup luksSuspend "$NAME"
		for_each_load expect_waiting
		! cryptsetup luksSuspend "$NAME" 2> /dev/null || fail "suspended twice"
		sleep 2
		for_each_load expect_waiting
		cryptsetup luksResume --key-file "$WORK/key" "$NAME"
		wait_rounds
		expect_batched
	done
	finish_load
}

# resize SECTORS [OPTION...]
resize() {
	local sectors

	cryptsetup resize --key-file "$WORK/key" "${@:2}" "$NAME"
	sectors=$(blockdev --getsz "$VOLUME")
	[ "$sectors" -eq "$1" ] || fail "the volume has $sectors sectors, not $1"
	wait_rounds
	expect_batched
}

# The file system is in the half that always stays.
other_size() {
	local small=$((DATA_MIB * 1024)) large=$((DATA_MIB * 2048))

	format "$1" $((small / 8))
	for _ in {1..3}; do
		resize $small --size $small
		resize $large
	done
	resize $small --size $small
	finish_load
}

volume_key() {
	cryptsetup luksDump --batch-mode --dump-volume-key --key-file "$WORK/key" "$DISK" |
		sed -n '/MK dump/,$p'
}

# Records the status of the volume and its helpers until the file "seen" exists.
watch() {
	while [ ! -e "$WORK/seen" ]; do
		# A device may go away before dmsetup asks for its status.
		dmsetup status --target crypt >> "$WORK/watched" 2> /dev/null || :
		sleep 0.1
	done
}

# reencrypt OPTION...: reencrypts in small pieces, between which the load continues.
reencrypt() {
	cryptsetup reencrypt --batch-mode --key-file "$WORK/key" "${SLOT[@]}" \
		--hotzone-size 2M "$@" "$DISK" > "$WORK/log" 2>&1 ||
		fail "cryptsetup reencrypt $*: $(cat "$WORK/log")"
}

# reencrypted SECTOR_SIZE OPTION...: reencrypts while the file system is in use
reencrypted() {
	local key watcher

	format "$1"
	trap 'abort_load; remove_helpers' EXIT
	key=$(volume_key)
	watch &
	watcher=$!
	reencrypt --active-name "$NAME" "${@:2}"
	: > "$WORK/seen"
	wait $watcher
	grep "^$NAME-.* crypt batch_sectors:on batches:[1-9]" "$WORK/watched" > /dev/null ||
		fail "nothing was batched meanwhile: $(sort -u "$WORK/watched" | tail -n 3)"
	[ "$key" != "$(volume_key)" ] || fail "the key is the same"
	expect_on
	finish_load
}

# The file system has blocks of 4096 bytes.  With smaller ones cryptsetup would refuse.
larger_sectors() {
	reencrypted 512 --resilience checksum --sector-size 4096
	set_batching Y
	open_volume
	dmsetup table "$NAME" | grep ' sector_size:4096' > /dev/null ||
		fail "the sectors are not larger: $(dmsetup table "$NAME")"
	compare_files
	expect_batched
	cryptsetup close "$NAME"
}

# lifecycle.sh tests the same operations with both sector sizes.
ktap_set_plan 5
run_case "luksSuspend and luksResume" suspend_resume 512
run_case "resize" other_size 4096
run_case "sectors of 4096: reencrypt, guarded by checksums" reencrypted 4096 --resilience checksum
run_case "sectors of 512: reencrypt, guarded by a journal" reencrypted 512 --resilience journal
run_case "reencrypt sectors of 512 to sectors of 4096" larger_sectors
finish
