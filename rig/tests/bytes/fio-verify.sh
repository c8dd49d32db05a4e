#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs fio on a batched volume.  fio writes at random with several jobs, and verifies with
# checksums what it reads back: with io_uring and registered buffers, and with libaio.
#
# SECONDS_EACH is the time for which each case runs (default 20).

. "$(dirname "$0")"/_lib.sh
require_tools fio

KEY=$(random_key 64)
JOB_MIB=8
JOBS=4
: "${SECONDS_EACH:=20}"

# verifies SECTOR_SIZE ENGINE [OPTION...]: each job has its own part of the volume.  I/O
# sizes are multiples of the sector size.
verifies() {
	local size=$1 engine=("--ioengine=$2")

	[ "$2" != io_uring ] || engine+=(--fixedbufs --registerfiles)
	map "$(make_disk $((JOBS * JOB_MIB * 2048)))" aes-xts-plain64 "$KEY" 0 \
		"sector_size:$size" "${@:3}"
	fio --name=verify --filename="$VOLUME" --numjobs=$JOBS --size=${JOB_MIB}M \
		--offset_increment=${JOB_MIB}M --rw=randrw --rwmixread=30 --direct=1 \
		--bsrange="$size"-1M --blockalign="$size" --iodepth=8 "${engine[@]}" \
		--verify=crc32c --verify_fatal=1 --verify_backlog=32 --do_verify=1 \
		--time_based --runtime="$SECONDS_EACH" \
		--group_reporting --output="$WORK/fio" ||
		fail "fio: $(grep -a -m 5 -i 'verify\|error\|bad' "$WORK/fio")"
	ktap_print_msg "$(grep -a -E '^ *(read|write):' "$WORK/fio" | tr -s '\n ' ' ')" >&3
	ktap_print_msg "$(get_status)" >&3
	expect_batched
}

ktap_set_plan 2
run_case "sectors of 512, io_uring with registered buffers" verifies 512 io_uring
run_case "sectors of 4096, no workqueues" verifies 4096 libaio \
	no_read_workqueue no_write_workqueue
finish
