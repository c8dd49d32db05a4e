# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The asynchronous cipher of rig/modules/mdu_cipher, and devices that complete in softirq and
# timer context.  To be sourced after _lib.sh.  Skips the test if one of them is missing, and
# undoes failed allocations when the test ends.

. "$TEST_DIR"/_compare.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_null_blk.sh

# shellcheck disable=SC2034 # variables for the tests
MDU_CIPHER=capi:xts-mdu-test-plain64
# shellcheck disable=SC2034
NO_WORKQUEUES=(no_read_workqueue no_write_workqueue)
MDU_PARAMETERS=/sys/module/mdu_cipher/parameters
MDU_COUNTERS=/sys/kernel/debug/mdu_cipher/counters
LOADED=
declare -A CIPHER

# reset_cipher [NAME=VALUE...]: sets these parameters, all others to their defaults, and
# the counters to 0.
# shellcheck disable=SC2120 # tests give arguments
reset_cipher() {
	local word

	for word in queue_len=16 delay_us=0 order=fifo context=process busy_every=0 \
		    sync_every=0 fail_every=0 error=-5 refuse_size=0 "$@"; do
		echo "${word#*=}" > "$MDU_PARAMETERS/${word%%=*}"
	done
	echo > $MDU_COUNTERS
}

# Puts the counters of the cipher into CIPHER.  Reads the file only once: "read" would
# read it again for each line, and the numbers may be longer by then.
read_cipher() {
	local name number

	while read -r name number; do
		CIPHER[$name]=$number
	done <<< "$(< $MDU_COUNTERS)"
}

# expect_status BATCHES FALLBACKS: checks the counters of dm-crypt
expect_status() {
	expect_count batches "$1"
	expect_count fallbacks "$2"
}

# expect_cipher NAME TEST NUMBER|NAME...: tests counters, as in: expect_cipher busy -gt 0
expect_cipher() {
	read_cipher
	while [ $# -gt 0 ]; do
		test "${CIPHER[$1]}" "$2" "${CIPHER[$3]-$3}" ||
			fail "cipher: $1 is not $2 $3, but: $(< $MDU_COUNTERS)"
		shift 3
	done
}

# With all parameters of the cipher, each request must complete, and nobody may
# touch a request before that.
expect_cipher_sane() {
	expect_cipher completed -eq requests corrupted -eq 0
}

# make_device loop|irq1|irq2 MIB: sets DISK.  A null_blk keeps its data.  With more than
# one hardware queue, irqmode 1 uses no softirq.  A poll queue would count as one more.
make_device() {
	case $1 in
	loop)	DISK=$(make_disk $(($2 * 2048))) ;;
	irq*)	make_null_blk "${1#irq}" "$2" poll_queues=0 memory_backed=1 ;;
	esac
}

# open_encrypted DEVICE CIPHER [OPTION...]: opens $VOLUME, whose sectors have UNIT bytes.
# The oracle has encrypted SIZE random bytes for $VOLUME, which are also in $WORK/plain.
open_encrypted() {
	make_device "$1" $((SIZE >> 20))
	random_file "$WORK/plain" "$SIZE"
	oracle encrypt --key "$KEY" --sector-size "$UNIT" < "$WORK/plain" |
		block_io write "$DISK"
	map "$DISK" "$2" "$KEY" 0 "sector_size:$UNIT" "${@:3}"
	expect_on
}

# write_at_once FILE: two programs write a half of FILE each, one of them in one I/O of many
# bios and many segments, the other one in I/Os of many sizes.
write_at_once() {
	local half=$((SIZE / 2)) large

	head -c $half "$1" |
		block_io write "$VOLUME" --sizes $half --cut $((UNIT * 4)) &
	large=$!
	tail -c $half "$1" |
		block_io write "$VOLUME" --offset $half \
			--sizes "131072,$UNIT,16384,65536,$UNIT,8192"
	wait $large
}

# run_async_case DESCRIPTION FUNCTION [ARGUMENT...]: runs a case that begins with the
# default parameters of the cipher.  Then removes the null_blk devices.
run_async_case() {
	# shellcheck disable=SC2119
	reset_cipher
	run_case "$@"
	remove_null_blk
}

clean_async() {
	trap - ERR
	set +e
	stop_failing
	remove_null_blk
	# shellcheck disable=SC2119
	reset_cipher
	clean_all
	[ -z "$LOADED" ] || rmmod mdu_cipher
}

require_helper xts_oracle
[ -d $MDU_PARAMETERS ] || { modprobe -q mdu_cipher && LOADED=yes; } ||
	skip_all "no module mdu_cipher, see rig/modules/mdu_cipher"
trap clean_async EXIT
# The kernel goes on testing the cipher after modprobe, and the cipher counts that.
mdu_cipher_tested() {
	drivers_of "xts(aes)" | grep '^xts-mdu-test .* passed skcipher' > /dev/null
}
wait_for 300 mdu_cipher_tested
mount_debugfs
[ -w $MDU_COUNTERS ] || skip_all "no debugfs of mdu_cipher"
require_null_blk
