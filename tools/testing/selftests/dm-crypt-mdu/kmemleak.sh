# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Asks kmemleak, where the kernel has it, for memory that was lost.  To be sourced;
# expect_no_leaks() needs lib.sh.

KMEMLEAK=/sys/kernel/debug/kmemleak

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

# Fails the case if dm-crypt lost any.  To be called when the volume is unmapped.  What
# a test lost that ran before is listed, too: it is a leak as well.
expect_no_leaks() {
	local leaks

	mount_debugfs
	[ -w $KMEMLEAK ] || return 0
	leaks=$(list_leaks 'dm_crypt|crypt_')
	[ -z "$leaks" ] || fail "kmemleak: $(tr '\n' ';' <<< "$leaks")"
}
