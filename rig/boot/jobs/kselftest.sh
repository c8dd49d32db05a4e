#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the installed selftests with the kernel's own runner.
#
# usage: kselftest [NAME=VALUE...] [TEST...]   (default: every test of dm-crypt-mdu)
#
#   NAME=VALUE   for the environment of the tests.  DM_CRYPT_MDU_DISK is the first
#                disk that was given to boot.sh, if there was one.
#
# Exit status 0 only if every test has a result, none is "not ok", and leaks.sh finds
# no leak.

# No "set -u": the runner leaves some of its variables unset.

collection=dm-crypt-mdu

export BASE_DIR=/kselftest
cd "$BASE_DIR" || exit
# shellcheck source=/dev/null
. kselftest/runner.sh

# The runner's own tap_prefix() holds lines back without perl, but after a crash the
# last lines matter.
tap_prefix() {
	sed -u 's/^/# /'
}

# Add the duration of each test, for people who choose tests.
add_seconds() {
	local line since=$SECONDS

	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in
		"ok "* | "not ok "*)
			echo "# took $((SECONDS - since)) s"
			since=$SECONDS ;;
		esac
	done
}

[ "$(cat /sys/block/vdb/ro)" != 0 ] || export DM_CRYPT_MDU_DISK=/dev/vdb
while [ "${1/=/}" != "${1-}" ]; do
	export "${1?}"
	shift
done
if [ $# -gt 0 ]; then
	tests=("$@")
else
	mapfile -t tests < <(sed -n "s/^$collection://p" kselftest-list.txt)
fi
if [ ${#tests[@]} -eq 0 ]; then
	echo "Bail out! no tests of $collection are installed"
	exit 1
fi

/jobs/races.sh || exit
cd "$collection" || exit
run_many "${tests[@]}" | tee /run/kselftest.tap | add_seconds

results=$(grep -cE '^(not )?ok ' /run/kselftest.tap)
failures=$(grep -c '^not ok ' /run/kselftest.tap)
/jobs/leaks.sh || exit
[ "$results" -eq ${#tests[@]} ] && [ "$failures" -eq 0 ]
