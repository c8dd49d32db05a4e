# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Looks for memory that was lost.  Where the kernel has kmemleak, that is asked: such a
# kernel keeps much of what was freed for some time, KASAN does, so that how much memory
# is in use says nothing.  To be sourced; the functions expect_* need lib.sh.

KMEMLEAK=/sys/kernel/debug/kmemleak

# meminfo WORD...: the sum of what /proc/meminfo has for these, in KiB
meminfo() {
	local name number word sum=0

	while read -r name number _; do
		for word; do
			[ "$name" != "$word:" ] || sum=$((sum + number))
		done
	done < /proc/meminfo
	echo $sum
}

# list_leaks PATTERN: prints what kmemleak says of allocations with a line that the
# extended regular expression matches.  It speaks of an object when it is five seconds
# old, and when two scans in a row found no pointer to it.  Fails if it does not scan.
list_leaks() {
	sleep 6
	echo scan > $KMEMLEAK || return
	echo scan > $KMEMLEAK || return
	awk -v pattern="$1" '
		/^unreferenced object/ { if (ours) printf "%s", text; text = ""; ours = 0 }
		$0 ~ pattern { ours = 1 }
		{ text = text $0 "\n" }
		END { if (ours) printf "%s", text }' $KMEMLEAK
}

has_kmemleak() {
	mount_debugfs
	[ -w $KMEMLEAK ]
}

# Fails the case if dm-crypt lost any.  What a test lost that ran before is listed, too:
# it is a leak as well.
expect_no_leaks() {
	local leaks

	has_kmemleak || return 0
	leaks=$(list_leaks 'dm_crypt|crypt_')
	[ -z "$leaks" ] || fail "kmemleak: $(tr '\n' ';' <<< "$leaks")"
}

# expect_slab KIB MOST: the memory of the kernel's allocator that it cannot reclaim is
# at most MOST KiB more than KIB.
expect_slab() {
	local after

	if has_kmemleak; then
		expect_no_leaks
		return
	fi
	after=$(meminfo SUnreclaim)
	[ $((after - $1)) -le "$2" ] || fail "slab memory grew from $1 to $after KiB"
}
