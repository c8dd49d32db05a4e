# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Prepares the asynchronous cipher of rig/modules/mdu_cipher, and makes devices that complete
# in softirq and timer context.  To be sourced after _lib.sh.  Skips the test if the kernel
# lacks the cipher or null_blk.  Calls stop_failing() when the test ends.

. "$TEST_DIR"/_compare.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_null_blk.sh
. "$TEST_DIR"/_wait.sh

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

# Puts the counters of the cipher into CIPHER.  Reads the whole file at once: "read" on the
# file would make the kernel print the counters again for each line.  If a number had become
# longer, the lines would shift.
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

# Whatever the parameters of the cipher are, each request must complete, and dm-crypt must
# not change a request before it completes.
expect_cipher_sane() {
	expect_cipher completed -eq requests corrupted -eq 0
}

# make_device loop|irq1|irq2 MIB: sets DISK.  irq1 and irq2 are null_blk devices with that
# irqmode, which store their data.  With irqmode 1, a device of more than one hardware queue
# does not complete in softirq context.  A poll queue counts as a queue, so there is none.
make_device() {
	case $1 in
	loop)	DISK=$(make_disk $(($2 * 2048))) ;;
	irq*)	make_null_blk "${1#irq}" "$2" poll_queues=0 memory_backed=1 ;;
	esac
}

# open_encrypted DEVICE CIPHER [OPTION...]: writes SIZE random bytes to $WORK/plain, lets the
# oracle encrypt them to a new disk, and opens it as $VOLUME, with sectors of UNIT bytes.
open_encrypted() {
	make_device "$1" $((SIZE >> 20))
	random_file "$WORK/plain" "$SIZE"
	oracle encrypt --key "$KEY" --sector-size "$UNIT" < "$WORK/plain" |
		block_io write "$DISK"
	map "$DISK" "$2" "$KEY" 0 "sector_size:$UNIT" "${@:3}"
	expect_on
}

# write_at_once FILE: two programs write one half of FILE each, at the same time.  The first
# half is one I/O of many bios and segments.  The second half is I/Os of many sizes.
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
# The kernel may test the cipher even after modprobe has returned.  The counters include the
# requests of this self-test, so the test has to wait.
mdu_cipher_tested() {
	drivers_of "xts(aes)" | grep '^xts-mdu-test .* passed skcipher' > /dev/null
}
wait_for 300 mdu_cipher_tested
mount_debugfs
[ -w $MDU_COUNTERS ] || skip_all "no debugfs of mdu_cipher"
require_null_blk
