#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Look for signs of trouble in a kernel's console log.
#
# usage: check-console.sh [--except DRIVER] LOG
#
# Prints the lines that are a sign of trouble; exit status 1 if there is one.
#
#   --except DRIVER   a cipher that is known to fail its self-test, which is no
#                     sign of trouble, nor is that the kernel warns of it

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

# A line that the kernel had to interrupt says so and is there once more; the beginning
# and the word of it become empty lines.
without_beginnings()
{
	awk '
		/\*\* replaying previous printk message \*\*/ { before = $0 = "" }
		NR > 1 { print before }
		{ before = $0 }
		END { if (NR > 0) print before }' "$1"
}

# The lines with their numbers, without what is known: a line that names the driver,
# one before it that says which test of a cipher has failed, with nothing between them
# that is about a cipher but that there is no test for it, and a warning as a whole,
# unless another one has come between its lines.
without_known()
{
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

# lockdep, KASAN, KCSAN and the debugging of objects announce themselves with
# WARNING: or BUG:, the slab allocator with BUG and the name of a cache.  kmemleak
# and lockdep that gave up would not notice anything any more.
! without_beginnings "$1" | without_known | grep -aE \
	-e 'WARNING:|BUG:|Oops|Kernel panic|Call Trace|UBSAN:' \
	-e 'general protection fault|unable to handle|double fault' \
	-e 'INFO: .*(blocked for more than|detected .*stall|self-detected)' \
	-e 'BUG [^ ]+ \(|kernel BUG at|INFO: trying to register non-static key' \
	-e 'kmemleak: .*(disabled|[Oo]ut of|empty)|turning off the locking correctness' \
	-e 'alg: .*fail'
