# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The asynchronous cipher of rig/modules/mdu_cipher, and devices that complete
# in softirq and timer context.  To be sourced after _lib.sh.  The test must set
# "trap clean_async EXIT" in place of the trap of _lib.sh.

. "$TEST_DIR"/_null_blk.sh

# shellcheck disable=SC2034 # variable for the tests
MDU_CIPHER=capi:xts-mdu-test-plain64
MDU_PARAMETERS=/sys/module/mdu_cipher/parameters
MDU_DEBUGFS=/sys/kernel/debug/mdu_cipher
LOADED=
declare -A CIPHER STATUS

require_mdu_cipher() {
	[ -d $MDU_PARAMETERS ] || { modprobe -q mdu_cipher && LOADED=yes; } ||
		skip_all "no module mdu_cipher, see rig/modules/mdu_cipher"
	mount_debugfs
	[ -w $MDU_DEBUGFS/counters ] || skip_all "no debugfs of mdu_cipher"
}

# set_cipher NAME=VALUE...
set_cipher() {
	local word

	for word; do
		echo "${word#*=}" > "$MDU_PARAMETERS/${word%%=*}"
	done
}

# reset_cipher [NAME=VALUE...]: sets these parameters, all others to their defaults, and
# the counters to 0.
# shellcheck disable=SC2120 # tests give arguments
reset_cipher() {
	set_cipher queue_len=16 delay_us=0 order=fifo context=process busy_every=0 \
		sync_every=0 fail_every=0 fail_at=0 error=-5 fail_sync=N \
		refuse_size=0 refuse_step=0 "$@"
	reset_counters
}

reset_counters() {
	echo > "$MDU_DEBUGFS/counters"
	echo > "$MDU_DEBUGFS/iv_log"
}

# Puts the counters of the cipher into CIPHER.  Reads the file only once: "read" would
# read it again for each line, and the numbers may be longer by then.
read_cipher() {
	local name number

	while read -r name number; do
		CIPHER[$name]=$number
	done <<< "$(< "$MDU_DEBUGFS/counters")"
}

# Puts the counters of dm-crypt into STATUS.  Batching must be on.
read_status() {
	local line word

	line=$(get_status)
	STATUS=()
	for word in $line; do
		STATUS[${word%:*}]=${word#*:}
	done
	[ "${STATUS[batch_sectors]}" = on ] || fail "batching is not on: $line"
}

# expect_status BATCHES FALLBACKS: checks the counters of dm-crypt
expect_status() {
	expect_count batches "$1"
	expect_count fallbacks "$2"
}

# expect_cipher NAME TEST NUMBER|NAME: tests a counter, as in: expect_cipher busy -gt 0
expect_cipher() {
	local other

	read_cipher
	other=${CIPHER[$3]-$3}
	test "${CIPHER[$1]}" "$2" "$other" ||
		fail "cipher: $1 is not $2 $3, but: $(<"$MDU_DEBUGFS/counters")"
}

# With all parameters of the cipher, each request must complete, and nobody may
# touch a request before that.
expect_cipher_sane() {
	expect_cipher completed -eq requests
	expect_cipher corrupted -eq 0
	expect_cipher no_space -eq 0
}

# make_device loop|irq1|irq2 MIB: sets DISK.  A null_blk keeps its data.  With more than
# one hardware queue, irqmode 1 uses no softirq.  A poll queue would count as one more.
make_device() {
	case $1 in
	loop)	DISK=$(make_disk $(($2 * 2048))) ;;
	irq*)	make_null_blk "${1#irq}" "$2" poll_queues=0 memory_backed=1 ;;
	esac
}

# open_encrypted DEVICE CIPHER [OPTION...]: opens $VOLUME with the key in KEY.  The oracle
# has encrypted SIZE random bytes for $VOLUME, which are also in $WORK/plain.
open_encrypted() {
	make_device "$1" $((SIZE >> 20))
	random_file "$WORK/plain" "$SIZE"
	oracle encrypt --key "$KEY" < "$WORK/plain" | block_io write "$DISK"
	map "$DISK" "$2" "$KEY" 0 "${@:3}"
	expect_on
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
	remove_null_blk
	# shellcheck disable=SC2119
	reset_cipher
	clean_all
	[ -z "$LOADED" ] || rmmod mdu_cipher
}
