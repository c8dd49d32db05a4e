#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tells KCSAN to report only races of dm-crypt and the crypto API, and switches KCSAN
# on.
#
# usage: races
#
# KCSAN reports a race between two threads if both are in one of these functions.
# Exit status 0 also if the kernel has no KCSAN.

set -u

kcsan=/sys/kernel/debug/kcsan
[ -e $kcsan ] || exit 0

# The kernel's file takes one word per write.
count=0
while read -r function; do
	if echo "!$function" 2> /dev/null > $kcsan; then
		count=$((count + 1))
	fi
done < <(awk '$2 ~ /^[tT]$/ && $3 !~ /[.]|^__(pfx|cfi|ksymtab|crc|UNIQUE)/ &&
	(/\[dm_crypt\]/ || $3 ~ /crypt|cipher|xts|data_unit|^simd_|aesni|^scatterwalk|^sg_/) {
		print $3 }' /proc/kallsyms | sort -u)

if [ $count -eq 0 ]; then
	echo "# races: KCSAN took no function"
	exit 1
fi
echo whitelist > $kcsan && echo on > $kcsan || exit
echo "# races: KCSAN looks at $count functions"
