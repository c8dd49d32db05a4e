# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Compares a volume and its disk with files.  To be sourced after _lib.sh.  The disk is $DISK.

KEY=$(random_key 64)
# Bytes of an encryption sector.
UNIT=512

# expect_read FILE [OPTION...]: checks that block_io with these options reads the data of FILE
# from the volume.
expect_read() {
	block_io read "$VOLUME" "${@:2}" > "$WORK/out"
	expect_same "$1" "$WORK/out" "read ${*:2}"
}

# expect_on_disk FILE: checks that the oracle, an independent program, gets the data of FILE
# when it decrypts the disk.
expect_on_disk() {
	block_io read "$DISK" | oracle decrypt --key "$KEY" --sector-size "$UNIT" > "$WORK/out"
	expect_same "$1" "$WORK/out" "on disk"
}

# map_filled DISK SECTOR_SIZE [OPTION...]: opens $VOLUME with the key in KEY, and writes
# SIZE random bytes to $VOLUME and to $WORK/plain.
map_filled() {
	map "$1" aes-xts-plain64 "$KEY" 0 "sector_size:$2" "${@:3}"
	random_file "$WORK/plain" "$SIZE"
	block_io write "$VOLUME" < "$WORK/plain"
}
