#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that each sector gets its own IV, and that no IV is used twice.  The cipher
# logs the IV, the IV step and the number of data units of each request.  These IVs
# must be the IVs of the volume's sectors, each of them once.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_mdu_cipher
require_null_blk

KEY=$(random_key 64)
DISK_MIB=1
SIZE=$((DISK_MIB << 20))
BIO_SIZE=131072
BIO=(--cut 4096 --sizes "$BIO_SIZE")	# 32 segments in a bio
U32=0x100000000

# list_ivs FIRST STEP NUMBER
list_ivs() {
	eval "printf '%016x\n' {$1..$(($1 + ($3 - 1) * $2))..$2}"
}

# Prints the IV of every data unit that the cipher has processed, in that order.
logged_ivs() {
	local direction size step units iv error

	while read -r direction size step units iv error; do
		[ "$direction $size $error" = "$1 $2 0" ] ||
			fail "log: $direction $size $step $units $iv $error"
		[ "${iv#0000000000000000}" != "$iv" ] || fail "high IV: $iv"
		iv=${iv#0000000000000000}
		if [ "$units" -gt 1 ]; then
			list_ivs $((0x$iv)) "$step" "$units"
		else
			echo "$iv"
		fi
	done < "$MDU_DEBUGFS/iv_log"
}

# expect_ivs encrypt|decrypt SECTOR_SIZE FIRST STEP
expect_ivs() {
	expect_cipher iv_log_lost -eq 0
	expect_cipher_sane
	logged_ivs "$1" "$2" | sort > "$WORK/logged"
	list_ivs "$3" "$4" $((SIZE / $2)) > "$WORK/expected"
	expect_same "$WORK/expected" "$WORK/logged" "IVs, $1"
}

# use_volume read|write SECTOR_SIZE FIRST STEP
use_volume() {
	case $1 in
	write)
		block_io write "$VOLUME" "${BIO[@]}" < "$WORK/plain"
		expect_ivs encrypt "${@:2}" ;;
	read)
		block_io read "$VOLUME" "${BIO[@]}" --length $SIZE > "$WORK/out"
		expect_ivs decrypt "${@:2}"
		expect_same "$WORK/plain" "$WORK/out" "read" ;;
	esac
	reset_counters
}

# exactly DEVICE IV SECTOR_SIZE IV_OFFSET STEP "NAME=VALUE ..." [OPTION...]: the first IV
# is IV_OFFSET.  With iv_large_sectors it is IV_OFFSET in sectors of SECTOR_SIZE.
exactly() {
	local size=$3 offset=$4 step=$5 first=$(($4)) words=$6 direction

	make_device "$1" $DISK_MIB
	random_file "$WORK/plain" $SIZE
	map "$DISK" "${MDU_CIPHER%plain64}$2" "$KEY" $((offset)) \
		"sector_size:$size" "${@:7}"
	expect_on
	case " ${*:7} " in
	*" iv_large_sectors "*)	first=$((offset * 512 / size)) ;;
	esac
	# shellcheck disable=SC2086 # several settings
	reset_cipher $words
	for direction in write read; do
		use_volume $direction "$size" "$first" "$step"
	done
	expect_status $((2 * SIZE / BIO_SIZE)) 0
}

# Bios of all sizes, also of single sectors.
mixed() {
	local size=$1

	make_device loop $DISK_MIB
	random_file "$WORK/plain" $SIZE
	map "$DISK" "$MDU_CIPHER" "$KEY" 1000 "sector_size:$size"
	reset_cipher queue_len=2 order=random
	write_mixed "$size" "$WORK/plain"
	expect_ivs encrypt "$size" 1000 $((size / 512))
	reset_counters
	block_io read "$VOLUME" --sizes "$size,16384,262144" > "$WORK/out"
	expect_ivs decrypt "$size" 1000 $((size / 512))
	expect_batched
}

# falls_back DEVICE SECTOR_SIZE STEP "NAME=VALUE..." [OPTION...]
falls_back() {
	local words=$4

	make_device "$1" $DISK_MIB
	random_file "$WORK/plain" $SIZE
	map "$DISK" "$MDU_CIPHER" "$KEY" 1000 "sector_size:$2" "${@:5}"
	expect_on
	# shellcheck disable=SC2086 # several settings
	reset_cipher $words
	start_failing failslab crypt_alloc_sg
	use_volume write "$2" 1000 "$3"
	use_volume read "$2" 1000 "$3"
	stop_failing
	expect_status 0 $((2 * SIZE / BIO_SIZE))
}

# refused SETTING: the cipher refuses data units of 4096 with an IV step of 8, so
# dm-crypt goes sector by sector.
refused() {
	make_device loop $DISK_MIB
	random_file "$WORK/plain" $SIZE
	reset_cipher "$1"
	map "$DISK" "$MDU_CIPHER" "$KEY" 8000 sector_size:4096
	expect_off sector_size
	block_io write "$VOLUME" "${BIO[@]}" < "$WORK/plain"
	block_io read "$VOLUME" "${BIO[@]}" --length $SIZE > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
	expect_cipher_sane
	expect_cipher requests -eq $((2 * SIZE / 4096))
}

require_fault failslab crypt_alloc_sg
trap 'stop_failing; clean_async' EXIT

ktap_set_plan 19
run_async_case "plain64" exactly loop plain64 512 0 1 ""
run_async_case "plain64, iv_offset" exactly loop plain64 512 12345 1 ""
run_async_case "plain64, IVs from below 2^32 to above" \
	exactly loop plain64 512 $((U32 - 1000)) 1 ""
run_async_case "plain64, IVs from 2^62" exactly loop plain64 512 $((1 << 62)) 1 ""
run_async_case "plain, IVs up to 2^32" exactly loop plain 512 $((U32 - 2048)) 1 ""
run_async_case "plain" exactly loop plain 512 0 1 ""
run_async_case "sectors of 4096" exactly loop plain64 4096 8000 8 ""
run_async_case "sectors of 4096, IVs from below 2^32 to above" \
	exactly loop plain64 4096 $((U32 - 800)) 8 ""
run_async_case "sectors of 4096, iv_large_sectors" \
	exactly loop plain64 4096 8000 1 "" iv_large_sectors
run_async_case "plain, sectors of 4096" exactly loop plain 4096 $((U32 - 2048)) 8 ""
run_async_case "queue full" exactly loop plain64 512 1000 1 "busy_every=1"
run_async_case "queue full, in softirq context" \
	exactly irq2 plain64 512 1000 1 "busy_every=1 order=random" no_read_workqueue
for size in 512 4096; do
	run_async_case "sectors of $size, bios of all sizes" mixed $size
done
# In these cases the log has a line for each sector.
SIZE=$((256 * 1024))
run_async_case "sector by sector" falls_back loop 512 1 "queue_len=4 order=random"
run_async_case "sector by sector, sectors of 4096" falls_back loop 4096 8 ""
run_async_case "sector by sector, queue full, in softirq context" \
	falls_back irq2 512 1 "busy_every=1" no_read_workqueue
run_async_case "the sector size is refused" refused refuse_size=4096
run_async_case "the IV step is refused" refused refuse_step=8
finish
