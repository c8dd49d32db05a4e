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

# lockdep, KASAN and KCSAN announce themselves with WARNING: or BUG:.
! grep -anE \
	-e 'WARNING:|BUG:|Oops|Kernel panic|Call Trace|UBSAN:' \
	-e 'general protection fault|unable to handle|double fault' \
	-e 'INFO: .*(blocked for more than|detected .*stall|self-detected)' \
	-e 'alg: .*fail' \
	"$1"
