#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Asks kmemleak for memory that dm-crypt, device-mapper or the crypto API lost
# since the machine started.
#
# usage: leaks
#
# Exit status 1 if there is some, which is printed, or if kmemleak does not answer;
# 0 also where the kernel has no kmemleak.

set -u

kmemleak=/sys/kernel/debug/kmemleak
ours='crypt|cipher|xts|data_unit|testmgr|simd_|aesni|(^|[^a-z])dm_|alg_test|mdu'

if [ ! -e $kmemleak ]; then
	echo "# leaks: the kernel has no kmemleak"
	exit 0
fi

# What is younger than 5 seconds is not looked at, and what RCU is to free is in
# between.  A pointer that was in a register is found by the second scan.
sleep 6
for _ in 1 2; do
	if ! echo scan > $kmemleak; then
		echo "# leaks: kmemleak does not scan, it switched itself off"
		exit 1
	fi
done

# One record is a line that is not indented and those below it.
awk -v ours="$ours" '
	function flush() {
		if (record ~ ours) {
			printf "%s", record
			found = 1
		} else if (record != "") {
			others++
		}
		record = ""
	}
	/^[^ ]/ { flush() }
	{ record = record "# " $0 "\n" }
	END {
		flush()
		printf "# leaks: %s of ours, %d of others\n", found ? "some" : "none", others
		exit found
	}' $kmemleak
