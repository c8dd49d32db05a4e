#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt, if it is a module, can be unloaded when the last volume is
# gone and not before; that it can be loaded again, with and without batching; and
# that loading and unloading leave nothing behind.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_kmemleak.sh
require_tools modprobe rmmod
# If dm-crypt is built in, this file does not exist.
[ -e /sys/module/dm_crypt/initstate ] || skip_all "dm-crypt is built into this kernel"
modprobe --show-depends dm-crypt > /dev/null 2>&1 ||
	skip_all "modprobe does not know where dm-crypt is"

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))

unload() {
	# The last work of a removed volume may still hold the module.
	local i

	for i in {1..20}; do
		! rmmod dm_crypt 2> "$WORK/message" || return 0
		sleep 0.1
	done
	fail "cannot unload dm-crypt: $(cat "$WORK/message")"
}

# The functions of _lib.sh need the parameter, whatever happens to a case.
load_again() {
	[ -e "$PARAMETER" ] || modprobe dm-crypt
}

# load_with Y|N [PARAMETER...]: loads the module.  batch_sectors must then be Y or N.
load_with() {
	modprobe dm-crypt "${@:2}"
	[ "$(cat "$PARAMETER")" = "$1" ] || fail "batch_sectors is $(cat "$PARAMETER"), not $1"
}

# use_volume on|off: compares the volume with the last data, and writes new data.
use_volume() {
	map "$DISK" aes-xts-plain64 "$KEY" 0
	"expect_$1" disabled
	if [ -e "$WORK/plain" ]; then
		block_io read "$VOLUME" > "$WORK/out"
		expect_same "$WORK/plain" "$WORK/out" "read, batching $1"
	fi
	random_file "$WORK/plain" $SIZE
	write_mixed 512 "$WORK/plain"
	[ "$1" = off ] || expect_batched
	unmap
}

expect_in_use() {
	! rmmod dm_crypt 2> "$WORK/message" || fail "unloaded with a volume mapped"
	grep 'in use' "$WORK/message" > /dev/null || fail "not in use: $(cat "$WORK/message")"
}

not_while_mapped() {
	trap load_again EXIT
	map "$(make_disk $SECTORS)" aes-xts-plain64 "$KEY" 0
	expect_in_use
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read"
	expect_batched
	dmsetup suspend "$NAME"
	expect_in_use
	dmsetup resume "$NAME"
	unmap
	unload
	[ ! -d /sys/module/dm_crypt ] || fail "the module is still there"
}

loaded_again() {
	trap load_again EXIT
	DISK=$(make_disk $SECTORS)
	for _ in {1..5}; do
		unload
		load_with N batch_sectors=N
		use_volume off
		set_batching Y
		use_volume on
		unload
		load_with Y
		use_volume on
		set_batching N
		use_volume off
	done
}

leaves_nothing() {
	local before i

	trap load_again EXIT
	DISK=$(make_disk $SECTORS)
	for i in {1..25}; do
		[ "$i" -ne 6 ] || before=$(meminfo SUnreclaim)
		map "$DISK" aes-xts-plain64 "$KEY" 0
		unmap
		unload
		load_with Y
	done
	expect_slab "$before" 256
	expect_no_leaks
}

ktap_set_plan 3
run_case "the module stays while there is a volume" not_while_mapped
run_case "the module is loaded again, with batch_sectors and without" loaded_again
run_case "loading and unloading leaves nothing behind" leaves_nothing
finish
