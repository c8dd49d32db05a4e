# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Looks for memory leaks, with kmemleak if the kernel has it, or else by the amount of
# memory in use.  The rig's kernel with kmemleak also has KASAN, which keeps freed memory
# for some time, so its amount of memory in use says nothing.  To be sourced.  The functions
# expect_* need _lib.sh.

KMEMLEAK=/sys/kernel/debug/kmemleak

# meminfo WORD...: prints the sum of these lines of /proc/meminfo, in KiB
meminfo() {
	local name number word sum=0

	while read -r name number _; do
		for word; do
			[ "$name" != "$word:" ] || sum=$((sum + number))
		done
	done < /proc/meminfo
	echo $sum
}

# list_leaks PATTERN: prints the reports of kmemleak that have a line which matches this
# extended regular expression.  kmemleak reports an object that is five seconds old if
# two scans in a row found no pointer to the object.  Fails if kmemleak does not scan.
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

# Fails the case if dm-crypt leaked memory, also if it did so in an earlier test.
expect_no_leaks() {
	local leaks

	has_kmemleak || return 0
	leaks=$(list_leaks 'dm_crypt|crypt_')
	[ -z "$leaks" ] || fail "kmemleak: $(tr '\n' ';' <<< "$leaks")"
}

# expect_slab KIB MOST: the slab memory that the kernel cannot reclaim is at most MOST KiB
# more than KIB.  With kmemleak, looks for leaks instead.
expect_slab() {
	local after

	if has_kmemleak; then
		expect_no_leaks
		return
	fi
	after=$(meminfo SUnreclaim)
	[ $((after - $1)) -le "$2" ] || fail "slab memory grew from $1 to $after KiB"
}
