#!/bin/sh
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

case ${1-} in
-h | --help)
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	exit 0 ;;
esac
driver=
if [ "${1-}" = --except ] && [ $# -ge 2 ] && [ -n "$2" ]; then
	driver=$2
	shift 2
fi
if [ $# -ne 1 ] || [ ! -r "$1" ]; then
	echo "check-console.sh: need one readable LOG, see --help" >&2
	exit 2
fi

# When the kernel interrupts a line, it prints a "replaying" notice and then the whole
# line.  Turn the beginning of the line and the notice into empty lines.
without_beginnings() {
	awk '
		/\*\* replaying previous printk message \*\*/ { before = $0 = "" }
		NR > 1 { print before }
		{ before = $0 }
		END { if (NR > 0) print before }' "$1"
}

# Print the lines with their numbers, but leave out the known failure of the driver:
# - the line that names the driver;
# - an earlier line that says which test has failed, if no line about a cipher comes
#   between the two, other than "No test for";
# - a whole warning that names the driver, unless another warning is mixed into it.
without_known() {
	awk -v driver="$driver" '
		function known(text) {
			return driver != "" && text ~ /alg: .*fail/ && index(text, " " driver)
		}
		function end_of_warning() {
			if (!ours || warnings != 1)
				printf "%s", warning
			warning = ""
		}
		$0 == "" { next }
		which != "" && !/alg: No test for / && (/alg: / || /\[ cut here \]/) {
			if (!known($0))
				printf "%s", which
			which = ""
		}
		{ line = NR ":" $0 "\n" }
		/\[ cut here \]/ { end_of_warning(); inside = 1; ours = warnings = 0 }
		inside {
			warning = warning line
			warnings += /WARNING:/
			ours += known($0)
		}
		!inside && driver != "" && /alg: akcipher: [a-z]+ test failed/ {
			which = line
			next
		}
		inside && /\[ end trace / { end_of_warning(); inside = 0; next }
		!inside && !known($0) { printf "%s", line }
		END { printf "%s", which; end_of_warning() }'
}

# Reports of lockdep, KASAN, KCSAN and debugobjects have WARNING: or BUG:, those of
# the slab allocator have BUG and the name of a cache.  If kmemleak or lockdep gave
# up, it would not notice anything any more.
! without_beginnings "$1" | without_known | grep -aE \
	-e 'WARNING:|BUG:|Oops|Kernel panic|Call Trace|UBSAN:' \
	-e 'general protection fault|unable to handle|double fault' \
	-e 'INFO: .*(blocked for more than|detected .*stall|self-detected)' \
	-e 'BUG [^ ]+ \(|kernel BUG at|INFO: trying to register non-static key' \
	-e 'kmemleak: .*(disabled|[Oo]ut of|empty)|turning off the locking correctness' \
	-e 'alg: .*fail'
