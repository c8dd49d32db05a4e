#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that batching does not change the format: with and without it the same
# data gives the same bytes on disk, each reads what the other one wrote, and a
# file system does not notice the change.

. "$(dirname "$0")"/_lib.sh

KEY=$(random_key 64)
SIZE=$((2 * 1024 * 1024))

# open_volume Y|N DISK OPTION...: with batching or without it.
open_volume() {
	set_batching "$1"
	map "$2" aes-xts-plain64 "$KEY" 0 "${@:3}"
	case $1 in
	Y)	expect_on ;;
	N)	expect_off disabled ;;
	esac
}

# Writes with batching as given, and reads with the opposite.
write_and_read() {
	local opposite=$1

	open_volume "$2" "$3" "${@:4}"
	block_io write "$VOLUME" --sizes "$SIZES" < "$WORK/plain"
	unmap
	open_volume "$opposite" "$3" "${@:4}"
	block_io read "$VOLUME" > "$WORK/read"
	expect_same "$WORK/plain" "$WORK/read" "written with batching $2, read with $opposite"
	unmap
}

# equal SECTOR_SIZE OPTION...
equal() {
	local unit=$1 on off

	shift
	SIZES=$((unit * (1 + RANDOM % 99))),$unit,$((unit * (1 + RANDOM % 999))),$((unit * 2))
	ktap_print_msg "I/O sizes: $SIZES"
	random_file "$WORK/plain" $SIZE
	on=$(make_disk $((SIZE / 512)))
	off=$(make_disk $((SIZE / 512)))
	write_and_read N Y "$on" "sector_size:$unit" "$@"
	write_and_read Y N "$off" "sector_size:$unit" "$@"
	block_io read "$on" > "$WORK/on"
	block_io read "$off" > "$WORK/off"
	expect_same "$WORK/on" "$WORK/off" "raw devices"
}

file_system() {
	local disk

	command -v mkfs.ext4 > /dev/null || skip "mkfs.ext4 is not installed"
	disk=$(make_disk $((8 * 1024 * 1024 / 512)))
	mkdir "$WORK/files" "$WORK/mnt"
	for n in 1 700 60000 900000; do
		random_file "$WORK/files/$n" $n
	done

	open_volume Y "$disk"
	mkfs.ext4 -q "$VOLUME"
	mount -t ext4 "$VOLUME" "$WORK/mnt"
	cp "$WORK"/files/* "$WORK/mnt"
	umount "$WORK/mnt"
	expect_batched
	unmap

	open_volume N "$disk"
	mount -t ext4 "$VOLUME" "$WORK/mnt"
	for n in 1 700 60000 900000; do
		expect_same "$WORK/files/$n" "$WORK/mnt/$n" "file of $n bytes"
	done
	umount "$WORK/mnt"
}

ktap_set_plan 8
for size in 512 1024 2048 4096; do
	run_case "sectors of $size" equal $size
done
for size in 1024 2048 4096; do
	run_case "sectors of $size, iv_large_sectors" equal $size iv_large_sectors
done
run_case "file system written with batching, read without" file_system
finish
