#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Look for signs of trouble in a kernel's console log.
#
# usage: check-console.sh [--except DRIVER] LOG
#
# Prints the lines that are signs of trouble.  Exit status 1 if there is one.
#
#   --except DRIVER   a cipher that is known to fail its self-test: neither the
#                     failure nor the kernel's warning of it is a sign of trouble

set -eu

. "$(dirname "$0")/_lib.sh"

except=
parse_options except= -- "$@"
need_operands 1 "one LOG"
# shellcheck disable=SC2154 # parse_options() sets it
log=${operands[0]}
[ -r "$log" ] || die "cannot read $log"

# When the kernel interrupts a line, it prints a "replaying" notice and then the whole
# line.  Turn the beginning of the line and the notice into empty lines.
without_beginnings() {
	awk '
		/\*\* replaying previous printk message \*\*/ { before = $0 = "" }
		NR > 1 { print before }
		{ before = $0 }
		END { if (NR > 0) print before }' "$log"
}

# Print the lines with their numbers, but leave out the known failure of the driver:
# - lines that name the driver;
# - lines that name a failed test of an akcipher, but no driver: for every driver, a line
#   with its name follows;
# - a whole warning that names the driver, unless another warning is mixed into it.
without_known() {
	awk -v driver="$except" '
		function named() {
			return driver != "" && /alg: .*fail/ && index($0, " " driver)
		}
		function end_of_warning() {
			if (!ours || warnings != 1)
				printf "%s", warning
			warning = ""
		}
		$0 == "" { next }
		{ line = NR ":" $0 "\n" }
		/\[ cut here \]/ { end_of_warning(); inside = 1; ours = warnings = 0 }
		inside {
			warning = warning line
			warnings += /WARNING:/
			ours += named()
			if (/\[ end trace /) { end_of_warning(); inside = 0 }
			next
		}
		driver != "" && /alg: akcipher: [a-z]+ test failed/ { next }
		!named() { printf "%s", line }
		END { end_of_warning() }'
}

# Reports of lockdep, KASAN, KCSAN and debugobjects have WARNING: or BUG:, those of
# the slab allocator have BUG and the name of a cache.  If kmemleak or lockdep turned
# itself off, that is a sign of trouble, too: after that it reports nothing.
! without_beginnings | without_known | grep -aE \
	-e 'WARNING:|BUG:|Oops|Kernel panic|Call Trace|UBSAN:' \
	-e 'general protection fault|unable to handle|double fault' \
	-e 'INFO: .*(blocked for more than|detected .*stall|self-detected)' \
	-e 'BUG [^ ]+ \(|kernel BUG at|INFO: trying to register non-static key' \
	-e 'kmemleak: .*(disabled|[Oo]ut of|empty)|turning off the locking correctness' \
	-e 'alg: .*fail'
