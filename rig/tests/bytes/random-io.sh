#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume keeps its data with random I/O of up to 1 MiB.  fio verifies
# the data with checksums.  All at once, fio does direct I/O of io_uring with registered
# buffers and of libaio, I/O through the page cache with fsync(), and I/O through mmap().  The
# ciphers are synchronous and asynchronous.  Then an independent program, the oracle, decrypts
# the disk, and must get the data that the volume reads.
#
# SECONDS_EACH is the time for each case (default 8), SEED selects the I/O.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_mdu_cipher.sh
require_tools fio
require_fault fail_page_alloc crypt_alloc_buffer

PART_MIB=8
: "${SECONDS_EACH:=8}"

# run_fio SECTOR_SIZE: runs four jobs, each on its part of the volume.  fio 3.33 maps a file
# from its beginning, whatever the offset is, so the job "mapped" has the first part.
run_fio() {
	fio --name=global --filename="$VOLUME" --size=${PART_MIB}M --rw=randrw --rwmixread=30 \
		--bsrange="$1-1M" --blockalign="$1" --randseed="$SEED" \
		--time_based --runtime="$SECONDS_EACH" \
		--verify=crc32c --verify_fatal=1 --verify_backlog=32 --do_verify=1 \
		--verify_state_save=0 \
		--group_reporting --output="$WORK/fio" \
		--name=io_uring --ioengine=io_uring --direct=1 --iodepth=8 --fixedbufs \
		--registerfiles --offset=$((3 * PART_MIB))M \
		--name=libaio --ioengine=libaio --direct=1 --iodepth=8 --offset=${PART_MIB}M \
		--name=buffered --ioengine=psync --fsync=8 --offset=$((2 * PART_MIB))M \
		--name=mapped --ioengine=mmap ||
		fail "fio: $(grep -a -m 5 -i 'verify\|error\|bad' "$WORK/fio")"
	ktap_print_msg "$(grep -a -E '^ *(read|write):' "$WORK/fio" | tr -s '\n ' ' ')" >&3
}

# at_random DEVICE CIPHER SECTOR_SIZE [OPTION...]
at_random() {
	UNIT=$3
	make_device "$1" $((4 * PART_MIB))
	map "$DISK" "$2" "$KEY" 0 "sector_size:$3" "${@:4}"
	run_fio "$3"
	ktap_print_msg "$(get_status)" >&3
	expect_batched
	block_io read "$VOLUME" > "$WORK/plain"
	unmap
	expect_on_disk "$WORK/plain"
}

# cipher_at_random ARGUMENT...: like at_random, with the parameters ASYNC of the asynchronous
# cipher
cipher_at_random() {
	reset_cipher "${ASYNC[@]}"
	at_random "$@"
	expect_cipher_sane
	expect_cipher busy -gt 0 out_of_order -gt 0
}

# Forbids multi-page allocations, so that writes use single pages.
from_single_pages() {
	start_failing fail_page_alloc crypt_alloc_buffer min-order=1
	at_random "$@"
	stop_failing
}

: "${SEED:=$RANDOM}"
ktap_print_msg "to repeat this run: SEED=$SEED"
ASYNC=(queue_len=4 delay_us=300 order=random busy_every=5 sync_every=7)

ktap_set_plan 7
run_async_case "sectors of 512" at_random loop aes-xts-plain64 512
run_async_case "sectors of 4096, no workqueues" \
	at_random loop aes-xts-plain64 4096 "${NO_WORKQUEUES[@]}"
run_async_case "memory in single pages" from_single_pages loop aes-xts-plain64 512
run_async_case "no workqueues, irq2" \
	at_random irq2 aes-xts-plain64 512 "${NO_WORKQUEUES[@]}"
run_async_case "sectors of 4096, no workqueues, irq1" \
	at_random irq1 aes-xts-plain64 4096 "${NO_WORKQUEUES[@]}"
run_async_case "asynchronous" cipher_at_random loop "$MDU_CIPHER" 512
ASYNC+=(context=softirq)
run_async_case "asynchronous, no workqueues, irq2" \
	cipher_at_random irq2 "$MDU_CIPHER" 512 "${NO_WORKQUEUES[@]}"
finish
