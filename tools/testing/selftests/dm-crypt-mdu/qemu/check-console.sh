#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Look for signs of trouble in a kernel's console log.
#
# usage: check-console.sh LOG
#
# Prints the lines that are a sign of trouble; exit status 1 if there is one.

set -eu

case ${1-} in
-h | --help)
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	exit 0 ;;
esac
if [ $# -ne 1 ] || [ ! -r "$1" ]; then
	echo "check-console.sh: need one readable LOG, see --help" >&2
	exit 2
fi

# lockdep, KASAN, KCSAN and the debugging of objects announce themselves with
# WARNING: or BUG:, the slab allocator with BUG and the name of a cache.  kmemleak
# and lockdep that gave up would not notice anything any more.
! grep -anE \
	-e 'WARNING:|BUG:|Oops|Kernel panic|Call Trace|UBSAN:' \
	-e 'general protection fault|unable to handle|double fault' \
	-e 'INFO: .*(blocked for more than|detected .*stall|self-detected)' \
	-e 'BUG [^ ]+ \(|kernel BUG at|INFO: trying to register non-static key' \
	-e 'kmemleak: .*(disabled|[Oo]ut of|empty)|turning off the locking correctness' \
	-e 'alg: .*fail' \
	"$1"
