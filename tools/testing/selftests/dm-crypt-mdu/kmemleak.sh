# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Asks kmemleak, where the kernel has it, for memory that dm-crypt lost.  To be
# sourced after lib.sh.

KMEMLEAK=/sys/kernel/debug/kmemleak

# Prints what kmemleak says of allocations that have dm-crypt in their stack.
# It speaks of an object when it is five seconds old, and when two scans in a
# row found no pointer to it.
list_leaks() {
	sleep 6
	echo scan > $KMEMLEAK
	echo scan > $KMEMLEAK
	awk '
		/^unreferenced object/ { if (ours) printf "%s", text; text = ""; ours = 0 }
		/dm_crypt|crypt_/ { ours = 1 }
		{ text = text $0 "\n" }
		END { if (ours) printf "%s", text }' $KMEMLEAK
}

# Fails the case if there are any.  To be called when the volume is unmapped.  What
# a test lost that ran before is listed, too: it is a leak as well.
expect_no_leaks() {
	local leaks

	[ -d /sys/kernel/debug/block ] || mount -t debugfs none /sys/kernel/debug 2> /dev/null || :
	[ -w $KMEMLEAK ] || return 0
	leaks=$(list_leaks)
	[ -z "$leaks" ] || fail "kmemleak: $(tr '\n' ';' <<< "$leaks")"
}
