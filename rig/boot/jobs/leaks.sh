#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Asks kmemleak for memory that dm-crypt, device-mapper or the crypto API lost
# since the machine started.
#
# usage: leaks
#
# Prints the leaks.  Exit status 1 if there are any, or if kmemleak does not answer;
# 0 also if the kernel has no kmemleak.

set -u

# shellcheck source=/dev/null
. /kselftest/dm-crypt-mdu/_kmemleak.sh

ours='crypt|cipher|xts|data_unit|testmgr|simd_|aesni|(^|[^a-z])dm_|alg_test|mdu'

if [ ! -e "$KMEMLEAK" ]; then
	echo "# leaks: the kernel has no kmemleak"
	exit 0
fi
leaks=$(list_leaks "$ours") || {
	echo "# leaks: kmemleak does not scan, it switched itself off"
	exit 1
}
if [ -n "$leaks" ]; then
	printf '%s\n' "$leaks" | sed 's/^/# /'
	echo "# leaks: some of ours"
	exit 1
fi
echo "# leaks: none of ours"
