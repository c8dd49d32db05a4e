#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the removal of a batched volume waits for its I/O, and leaves nothing behind.
# If dm-crypt is a module, the test unloads it, which must work when the last volume is gone and
# not before.  Then it loads the module again, with and without batching.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_compare.sh
. "$TEST_DIR"/_kmemleak.sh
. "$TEST_DIR"/_wait.sh
require_helper xts_oracle
require_tools modprobe rmmod

SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))

# The removal must wait for the work that dm-crypt does after the last I/O has completed.
right_after_io() {
	local i

	UNIT=$1
	DISK=$(make_disk $SECTORS)
	for i in {0..11}; do
		map "$DISK" aes-xts-plain64 "$KEY" 0 "sector_size:$UNIT"
		case $((i % 4)) in
		0)	random_file "$WORK/plain" $SIZE
			block_io write "$VOLUME" --sizes $SIZE < "$WORK/plain" ;;
		3)	random_file "$WORK/plain" $SIZE
			cat "$WORK/plain" > "$VOLUME" ;;
		*)	expect_read "$WORK/plain" --sizes $SIZE
			expect_batched ;;
		esac
		unmap
	done
	expect_on_disk "$WORK/plain"
}

# create_many NUMBER: creates this number of volumes with one call of dmsetup.
create_many() {
	local i specification=

	NAMES=()
	for ((i = 0; i < $1; i++)); do
		NAMES+=("$NAME-many$i")
		specification+="${NAMES[-1]},,,rw,0 $SECTORS crypt $AES_XTS-plain64 $KEY 0 $DISK 0;"
	done
	dmsetup create --concise "${specification%;}"
}

# Each volume has counters for each processor, and a kernel thread, workqueues and pools.
leaves_nothing() {
	local i before

	DISK=$(make_disk $SECTORS)
	for i in {1..23}; do
		create_many 30
		dmsetup remove "${NAMES[@]}"
		# The kernel keeps some of the memory of the first volumes, so measure later.
		[ "$i" -ne 3 ] || before=$(meminfo Percpu)
	done
	if has_kmemleak; then
		expect_no_leaks
		return
	fi
	[ $(($(meminfo Percpu) - before)) -le 16 ] ||
		fail "memory for each processor grew from $before to $(meminfo Percpu) KiB"
}

# Unloads dm-crypt.  Repeats this, as the last work of a removed volume may hold the module.
unload() {
	wait_for 10 rmmod dm_crypt 2> "$WORK/message"
}

# Loads dm-crypt again, also if the case fails: functions of _lib.sh set its parameter.
load_again() {
	[ -e "$PARAMETER" ] || modprobe dm-crypt
}

# use_volume on|off: writes and reads the volume.  Checks that the module cannot be unloaded.
use_volume() {
	map "$DISK" aes-xts-plain64 "$KEY" 0
	"expect_$1" disabled
	! rmmod dm_crypt 2> "$WORK/message" || fail "unloaded while there is a volume"
	grep 'in use' "$WORK/message" > /dev/null || fail "not in use: $(cat "$WORK/message")"
	[ ! -e "$WORK/plain" ] || expect_read "$WORK/plain"
	random_file "$WORK/plain" $SIZE
	write_mixed 512 "$WORK/plain"
	[ "$1" = off ] || expect_batched
	unmap
}

module_loaded_again() {
	# If dm-crypt is built in, this file does not exist.
	[ -e /sys/module/dm_crypt/initstate ] || skip "dm-crypt is built into this kernel"
	modprobe --show-depends dm-crypt > /dev/null 2>&1 ||
		skip "modprobe does not know where dm-crypt is"
	trap load_again EXIT
	DISK=$(make_disk $SECTORS)
	for _ in {1..5}; do
		unload
		modprobe dm-crypt batch_sectors=N
		use_volume off
		set_batching Y
		use_volume on
		unload
		modprobe dm-crypt
		use_volume on
		set_batching N
		use_volume off
	done
}

ktap_set_plan 4
for size in 512 4096; do
	run_case "sectors of $size: removal right after I/O" right_after_io $size
done
run_case "hundreds of volumes leave nothing behind" leaves_nothing
run_case "the module is unloaded when there are no volumes, and loaded again" module_loaded_again
finish
