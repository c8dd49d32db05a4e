#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the installed selftests with the kernel's own runner.  If the kernel has KCSAN, it
# reports only races of dm-crypt and the crypto API.  If the kernel has kmemleak, the job
# fails if these or device-mapper have leaked memory since the machine started.
#
# usage: kselftest [NAME=VALUE...] [TEST...]   (default: every test of dm-crypt-mdu)
#
#   NAME=VALUE   for the environment of the tests.  DM_CRYPT_MDU_DISK is the first
#                disk that was given to boot.sh, if there was one.
#
# Exit status 0 only if every test has a result, none is "not ok", and there is no leak.

# No "set -u": the runner leaves some of its variables unset.

collection=dm-crypt-mdu

export BASE_DIR=/kselftest
cd "$BASE_DIR" || exit
# shellcheck source=/dev/null
. kselftest/runner.sh
# shellcheck source=rig/tests/lib/_kmemleak.sh
. $collection/_kmemleak.sh

# Replace the runner's own tap_prefix().  Without perl, that holds lines back, and after a
# crash the last lines, which matter most, would be missing.
tap_prefix() {
	sed -u 's/^/# /'
}

# Print the duration of each test, for people who choose tests.  In older runners, run_one
# also takes the number of the test.
run_tests() {
	local test number=0 since

	for test; do
		since=$SECONDS
		run_one $collection "$test" $((++number))
		echo "# took $((SECONDS - since)) s"
	done
}

# KCSAN reports a race between two threads if both are in one of these functions.
watch_races() {
	local kcsan=/sys/kernel/debug/kcsan count=0 function

	[ -e $kcsan ] || return 0
	# The kernel's file takes one word per write.
	while read -r function; do
		! echo "!$function" 2> /dev/null > $kcsan || count=$((count + 1))
	done < <(awk '$2 ~ /^[tT]$/ && $3 !~ /[.]|^__(pfx|cfi|ksymtab|crc|UNIQUE)/ &&
		(/\[dm_crypt\]/ ||
		 $3 ~ /crypt|cipher|xts|data_unit|^simd_|aesni|^scatterwalk|^sg_/) {
			print $3 }' /proc/kallsyms | sort -u)
	echo "# races: KCSAN looks at $count functions"
	[ $count -gt 0 ] && echo whitelist > $kcsan && echo on > $kcsan
}

# Print the leaks, and fail if there are any, or if kmemleak does not answer.
find_leaks() {
	local leaks

	[ -e "$KMEMLEAK" ] || return 0
	leaks=$(list_leaks \
		'crypt|cipher|xts|data_unit|testmgr|simd_|aesni|(^|[^a-z])dm_|alg_test|mdu') ||
		leaks="kmemleak does not scan, it switched itself off"
	if [ -n "$leaks" ]; then
		printf '%s\n' "$leaks" | sed 's/^/# leaks: /'
		return 1
	fi
	echo "# leaks: none of ours"
}

[ "$(cat /sys/block/vdb/ro)" != 0 ] || export DM_CRYPT_MDU_DISK=/dev/vdb
while [ "${1/=/}" != "${1-}" ]; do
	export "${1?}"
	shift
done
if [ $# -eq 0 ]; then
	mapfile -t tests < <(sed -n "s/^$collection://p" kselftest-list.txt)
	set -- "${tests[@]}"
fi
if [ $# -eq 0 ]; then
	echo "Bail out! no tests of $collection are installed"
	exit 1
fi

watch_races || exit
cd "$collection" || exit
echo "TAP version 13"
echo "1..$#"
run_tests "$@" | tee /run/kselftest.tap

results=$(grep -cE '^(not )?ok ' /run/kselftest.tap)
failures=$(grep -c '^not ok ' /run/kselftest.tap)
find_leaks || exit
[ "$results" -eq $# ] && [ "$failures" -eq 0 ]
