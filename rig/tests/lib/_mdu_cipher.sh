# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The asynchronous cipher of test_modules/mdu_cipher, and devices that complete
# in softirq and timer context.  To be sourced after lib.sh; the test ends with
# "trap clean_async EXIT" instead of the trap of lib.sh.

. "$TEST_DIR"/_null_blk.sh

# shellcheck disable=SC2034 # for who sources this
MDU_CIPHER=capi:xts-mdu-test-plain64
MDU_PARAMETERS=/sys/module/mdu_cipher/parameters
MDU_DEBUGFS=/sys/kernel/debug/mdu_cipher
LOADED=
declare -A CIPHER STATUS

require_mdu_cipher() {
	[ -d $MDU_PARAMETERS ] || { modprobe -q mdu_cipher && LOADED=yes; } ||
		skip_all "no module mdu_cipher, see test_modules/mdu_cipher"
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

# reset_cipher [NAME=VALUE...]: all else as it was when the module was loaded, and
# nothing counted.
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

# Puts what the cipher has counted into CIPHER.  The shell reads a file anew for each
# line, and numbers may have become longer by then.
read_cipher() {
	local name number

	while read -r name number; do
		CIPHER[$name]=$number
	done <<< "$(< "$MDU_DEBUGFS/counters")"
}

# Puts what dm-crypt has counted into STATUS; there must be something.
read_status() {
	local line word

	line=$(get_status)
	STATUS=()
	for word in $line; do
		STATUS[${word%:*}]=${word#*:}
	done
	[ "${STATUS[batch_sectors]}" = on ] || fail "batching is not on: $line"
}

# expect_status BATCHES FALLBACKS: what dm-crypt has counted
expect_status() {
	expect_count batches "$1"
	expect_count fallbacks "$2"
}

# expect_cipher NAME TEST NUMBER|NAME, as in: expect_cipher busy -gt 0
expect_cipher() {
	local other

	read_cipher
	other=${CIPHER[$3]-$3}
	test "${CIPHER[$1]}" "$2" "$other" ||
		fail "cipher: $1 is not $2 $3, but: $(<"$MDU_DEBUGFS/counters")"
}

# What holds whatever the cipher does: each request came to an end, and nobody
# touched it before.
expect_cipher_sane() {
	expect_cipher completed -eq requests
	expect_cipher corrupted -eq 0
	expect_cipher no_space -eq 0
}

# make_device loop|irq1|irq2 MIB: sets DISK.  A null_blk keeps what is written to it.
# With several hardware queues irqmode 1 does without a softirq, and one to poll counts.
make_device() {
	case $1 in
	loop)	DISK=$(make_disk $(($2 * 2048))) ;;
	irq*)	make_null_blk "${1#irq}" "$2" poll_queues=0 memory_backed=1 ;;
	esac
}

# open_encrypted DEVICE CIPHER [OPTION...]: opens $VOLUME with the key in KEY, and with
# SIZE random bytes that dm-crypt has not written, and which are also in $WORK/plain.
open_encrypted() {
	make_device "$1" $((SIZE >> 20))
	random_file "$WORK/plain" "$SIZE"
	oracle encrypt --key "$KEY" < "$WORK/plain" | block_io write "$DISK"
	map "$DISK" "$2" "$KEY" 0 "${@:3}"
	expect_on
}

# run_async_case DESCRIPTION FUNCTION [ARGUMENT...]: the cipher is as it was when it
# was loaded, and no null_blk is left.
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
