#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that tables which nobody would write do no harm.  The test makes COUNT tables
# from SEED and loads them.  The kernel must refuse a table, or the table must work: see
# rig/fuzz/main.c for what this means, and known_trouble() in rig/fuzz/table.c for the
# tables that the test leaves out.  Nothing is left of the tables afterwards.
#
# The environment can set SEED, COUNT and SECONDS_AT_MOST.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_kmemleak.sh
require_helper table_fuzz

SECTORS=16384
COUNT=${COUNT:-500}
: "${SECONDS_AT_MOST:=300}"
# A table takes several KiB, not counting its workqueues and its thread.
MOST_KIB=1536

MODPROBE=/proc/sys/kernel/modprobe
TESTS=/sys/module/cryptomgr/parameters

# The kernel would start modprobe for names of ciphers that do not exist, and run all
# tests of those that do.  Both take longer than all the rest.  set_quick FILE VALUE
# remembers the old value.
declare -A BEFORE=()
set_quick() {
	[ -w "$1" ] || return 0
	BEFORE[$1]=$(cat "$1")
	echo "$2" > "$1"
}

restore() {
	local file

	for file in "${!BEFORE[@]}"; do
		echo "${BEFORE[$file]}" > "$file"
	done
}

remove_devices() {
	dmsetup ls | sed -n 's/^\(mdu-fuzz[^	]*\).*/\1/p' | while read -r name; do
		dmsetup remove --retry "$name"
	done
}

fuzz() {
	local disk

	disk=$(make_disk $SECTORS)
	"$TEST_DIR"/table_fuzz "$disk" "$PARAMETER" --seed "$SEED" \
		--seconds "$SECONDS_AT_MOST" "$@" > "$WORK/out" || {
			sed 's/^/# /' "$WORK/out" >&3
			remove_devices
			return 1
		}
}

# number WORD: prints what table_fuzz counted
number() {
	awk -v word="$1" '$1 == word { print $2 }' "$WORK/out"
}

# The test needs all these kinds of tables.  If a change to the generator or to the
# kernel left one out, the test would otherwise pass without it.
expect_coverage() {
	local word

	for word in refused accepted batched resumed round_trips compared messages \
		key_changes integrity multi_key iv_mode iv_wrap cipher; do
		[ "$(number $word)" -gt 0 ] || fail "no table of this kind: $word"
	done
	[ "$(number undecided)" -le $(($(number accepted) / 10)) ] ||
		fail "of too many ciphers it cannot be told whether they can be batched"
}

tables_are_harmless() {
	fuzz --count "$COUNT"
	sed 's/^/# /' "$WORK/out" >&3
	expect_coverage
}

# The tables leave no users of the module, no devices and no threads.
nothing_is_left() {
	local users left

	read -r users < /sys/module/dm_crypt/refcnt
	[ "$users" -eq "$USERS_BEFORE" ] ||
		fail "dm-crypt has $users users, and had $USERS_BEFORE"
	left=$(dmsetup ls | grep '^mdu-fuzz' || :)
	[ -z "$left" ] || fail "devices are left: $left"
	left=$(cat /proc/[0-9]*/comm 2> /dev/null | grep '^dmcrypt_write' || :)
	[ -z "$left" ] || [ "$users" -gt 0 ] || fail "threads are left: $left"
}

used_kib() {
	meminfo SUnreclaim KernelStack Percpu VmallocUsed PageTables
}

# The first run also makes what the kernel keeps from then on, for example ciphers.
memory_is_given_back() {
	local before after

	! has_kmemleak || skip "this kernel keeps what was freed; it is asked for leaks in the end"
	fuzz --count $((COUNT / 3))
	before=$(used_kib)
	fuzz --count $((COUNT / 3))
	after=$(used_kib)
	[ $((after - before)) -le $MOST_KIB ] ||
		fail "the kernel's memory grew from $before to $after KiB"
}

SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
ktap_print_msg "to repeat this run: SEED=$SEED COUNT=$COUNT"
trap 'restore; clean_all' EXIT
set_quick $MODPROBE ""
set_quick $TESTS/noextratests Y
set_quick $TESTS/noslowtests Y
USERS_BEFORE=$(cat /sys/module/dm_crypt/refcnt)

ktap_set_plan 3
run_case "tables are refused, or work, and the kernel does not complain" tables_are_harmless
run_case "nothing is left of them" nothing_is_left
run_case "memory is given back" memory_is_given_back
finish
