#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that check-series runs all parts even if one of them fails, and adds up
# the results that the parts print.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

PARTS=(check-commits check-docs build-commits build-variants)

# part_says PART STATUS LINE...
part_says() {
	local part=$1 status=$2
	shift 2
	{
		printf '#!/bin/sh\ncat <<"END"\n'
		printf '%s\n' "$@"
		printf 'END\nexit %d\n' "$status"
	} > "$REPOSITORY/rig/bin/$part"
}

check() {
	command_of check-series 6.12 "$TREE" "$WORK/build dir/linux-commits"
}

ends_with() {
	is_equal "$(tail -n 1 "$OUTPUT")" "$1"
}

ktap_print_header
ktap_set_plan 11
make_repository
for part in "${PARTS[@]}"; do
	part_says "$part" 0 'TAP version 13' '1..1' "ok 1 $part"
done
succeeds 'it passes if all parts pass' check
succeeds_quietly 'the sum is of all parts' ends_with '4 passed, 0 failed, 0 skipped'
succeeds_quietly 'what a part said is kept' \
	grep -rq 'ok 1 build-variants' "$WORK/build dir/logs/check-series/variants.tap"

part_says check-docs 1 'ok 1 good' 'not ok 2 bad' 'ok 3 none # SKIP'
succeeds_quietly 'it fails if one of them fails' fails check
check > "$OUTPUT" 2>&1 || true
succeeds_quietly 'the others are run all the same' ends_with '4 passed, 1 failed, 1 skipped'
says 'what failed is repeated' 'not ok 2 bad'

part_says check-docs 3 'ok 1 good'
check > "$OUTPUT" 2>&1 || true
succeeds_quietly 'a part that ends early has failed' ends_with '4 passed, 1 failed, 0 skipped'
says 'this is said' 'not ok docs ended with exit status 3'

part_says check-docs 4 '1..0 # SKIP nothing'
check > "$OUTPUT" 2>&1 || true
succeeds_quietly 'a part that has nothing to do is skipped' \
	ends_with '3 passed, 0 failed, 1 skipped'
succeeds_quietly 'it is no failure' check
refuses 'a base that is not there is refused' "no series for base '5.10'" \
	command_of check-series 5.10 "$TREE" "$WORK/worktree"
ktap_finished
