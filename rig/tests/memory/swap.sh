#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a machine with no free memory can swap to a batched volume.  Programs use
# four times the memory of the machine, and compare all data that is swapped in.  Meanwhile
# a load writes to another batched volume, in bios that need memory for a scatterlist.  No
# program may hang or be killed, and no data may be lost, also if dm-crypt gets no memory
# but its reserves.
#
# To be run on a machine with little memory.  DM_CRYPT_MDU_DISK names a disk of 512 MiB or
# more, all of which the test overwrites.  PASSES is the number of passes of the programs.
# With QUICK set, only two cases run.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_faults.sh
. "$TEST_DIR"/_reserves.sh
. "$TEST_DIR"/_kmemleak.sh
. "$TEST_DIR"/_load.sh
. "$TEST_DIR"/_accelerator.sh
require_tools seq tail mkswap swapon swapoff cryptsetup dmesg
DISK=${DM_CRYPT_MDU_DISK-}
[ -n "$DISK" ] || skip_all "DM_CRYPT_MDU_DISK does not name a disk that may be overwritten"
[ -b "$DISK" ] || skip_all "$DISK is not a block device"
MEMORY=$(meminfo MemTotal)
[ "$MEMORY" -le $((256 * 1024)) ] ||
	skip_all "this machine has more memory than is reasonable to use up: $MEMORY KiB"
[ "$(meminfo SwapTotal)" -eq 0 ] || skip_all "there is swap space in use"
SECTORS=$(blockdev --getsz "$DISK")
[ "$SECTORS" -ge $((1024 * 1024)) ] || skip_all "$DISK has less than 512 MiB"

CIPHER="aes-xts-plain64"
KEY=$(random_key 64)
DATA_SIZE=$((2 * 1024 * 1024))
SWAP_SECTORS=$((SECTORS - DATA_SIZE / 512))
# The number of times that the programs fill their memory and read it back.
: "${PASSES:=1}"
# Each program keeps this many numbers, in lines of nine bytes: twice the machine's memory.
NUMBERS=$((2 * MEMORY * 1024 / 9))
# The memory that the kernel uses varies: by up to 640 KiB in newer kernels, which have
# more caches for each processor.
MOST_KIB=1024

# Prints how many sectors have been written to $VOLUME.
written() {
	local fields

	read -r -a fields < "$(sys_directory)/stat"
	echo "${fields[6]}"
}

# Prints how many lines of the kernel log tell that the kernel ran out of memory.
killed() {
	dmesg | grep -c 'Out of memory\|oom-kill:' || :
}

stop_swapping() {
	stop_failing
	! grep -q "^$(realpath "$VOLUME") " /proc/swaps || swapoff "$VOLUME"
}

# abort_load() of _load.sh calls this before it waits for the loads.
resume_volume() {
	stop_swapping
}

# Splits the disk.  The case makes $VOLUME, which is for swap, on the first and large part.  The
# volume of the load is on the rest.
prepare() {
	dmsetup create "$NAME-below" --table "0 $SWAP_SECTORS linear $DISK 0"
	dmsetup create "$NAME-data" --table "0 $((DATA_SIZE / 512)) \
crypt $AES_XTS-plain64 $KEY 0 $DISK $SWAP_SECTORS"
}

# keep FIRST: tail keeps all numbers from FIRST on in memory, until it has the last one.  Then
# tail prints them, and cmp compares them.  No two pages have the same data.  The C library asks
# for large folios.  If a page is never swapped in, the timeout of the runner ends the test.
keep() {
	local last=$(($1 + NUMBERS - 1))

	seq "$1" $last | GLIBC_TUNABLES=glibc.malloc.hugetlb=1 tail -n $NUMBERS |
		cmp - <(seq "$1" $last)
}

# Uses up the memory, with $VOLUME as swap, while a load writes to the other volume.
use_up() {
	local before_written before_killed pass other result=0

	TARGET=$VOLUME-data
	start_load 0 $((DATA_SIZE / 2))
	before_written=$(written)
	before_killed=$(killed)
	for ((pass = 0; pass < PASSES; pass++)); do
		keep 10000000 &
		other=$!
		keep 20000000 || result=$?
		wait $other || result=$?
	done
	ktap_print_msg "swap: $(get_status)" >&3
	ktap_print_msg "files: $(NAME=$NAME-data get_status)" >&3
	[ $result -eq 0 ] || fail "a program got wrong data, or was killed"
	wait_rounds
	end_load
	trap stop_swapping EXIT
	compare_loads
	[ "$(killed)" -eq "$before_killed" ] || fail "a process was killed for its memory"
	# In each pass, each of the two programs needs twice the memory of the machine.  So it
	# swaps out at least half of its data.
	[ $(($(written) - before_written)) -ge $((2 * MEMORY * 2 * PASSES)) ] ||
		fail "no more than $(($(written) - before_written)) sectors were swapped out"
}

# swap_to_volume COMMAND...: runs COMMAND, and then uses up the memory.
swap_to_volume() {
	local before

	trap stop_swapping EXIT
	mkswap "$VOLUME" > "$WORK/mkswap"
	before=$(meminfo SUnreclaim)
	swapon "$VOLUME"
	"$@"
	use_up
	stop_failing
	swapoff "$VOLUME"
	ktap_print_msg "slab: $before to $(meminfo SUnreclaim) KiB" >&3
	expect_slab "$before" "$MOST_KIB"
	expect_batched
}

luks2() {
	prepare
	echo -n 'for tests, not a secret' > "$WORK/passphrase"
	luks_format "$VOLUME-below" --key-file "$WORK/passphrase" --type luks2 --sector-size 512
	cryptsetup open --key-file "$WORK/passphrase" "$VOLUME-below" "$NAME"
	swap_to_volume "$@"
}

# swaps COMMAND...
swaps() {
	prepare
	map "$VOLUME-below" "$CIPHER" "$KEY" 0
	swap_to_volume "$@"
}

only_reserves() {
	swaps leave_only_reserves
	[ "$(NAME=$NAME-data count fallbacks)" -gt 0 ] || fail "no bio fell back"
}

# Each sector of a bio that fell back is a request of its own.  All these requests come
# from the reserve.
asynchronous() {
	local aes

	aes=$(aes_driver)
	[ -n "$aes" ] || skip "the kernel has no AES of single blocks"
	AES_XTS="capi:cryptd(xts(ecb($aes)))"
	only_reserves
}

# The cipher of an old volume.
essiv() {
	CIPHER="aes-cbc-essiv:sha256"
	KEY=$(random_key 32)
	swaps true
}

# Each data unit is one device request.  The driver takes its memory from a reserve.
virtio_crypto() {
	local mode=cbc

	modprobe -q virtio_crypto || skip "the kernel has no driver of virtio crypto devices"
	[ -n "$(virtio_device)" ] || skip "there is no virtio crypto device"
	wait_for 300 self_tests_done
	! has_driver xts || mode=xts
	CIPHER=$(device_cipher $mode)-plain64
	KEY=$(random_key "$(key_bytes $mode)")
	uses_device yes only_reserves
}

require_dm_crypt_faults
# If the kernel can, let programs have large folios, which the kernel swaps out in one piece.
LARGE_FOLIOS=/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled
if [ -w $LARGE_FOLIOS ]; then
	LARGE_FOLIOS_BEFORE=$(sed 's/.*\[\(.*\)].*/\1/' $LARGE_FOLIOS)
	echo madvise > $LARGE_FOLIOS
fi
restore_large_folios() {
	[ ! -w $LARGE_FOLIOS ] || echo "$LARGE_FOLIOS_BEFORE" > $LARGE_FOLIOS
}
trap 'stop_failing; restore_large_folios; clean_all' EXIT

if [ -n "${QUICK-}" ]; then
	ktap_set_plan 2
else
	ktap_set_plan 5
fi
# The first case uses up the memory for the first time.  The kernel then keeps more memory.
MOST_KIB=2048 run_case "a LUKS2 volume" luks2 true
run_case "no memory but the reserves, and a cipher that answers later" asynchronous
if [ -z "${QUICK-}" ]; then
	run_case "no memory but the reserves" only_reserves
	run_case "an old volume, with ESSIV" essiv
	run_case "no memory but the reserves, and a virtio crypto device" virtio_crypto
fi
finish
