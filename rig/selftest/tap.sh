#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that check counts the results of its parts right, and fails if one failed.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

# sums DESCRIPTION SUM STATUS LINE...: runs a good part, and a part that prints the LINEs and
# ends with STATUS. The last line must be SUM
sums() {
	local wanted=1 status=0 wrong=0

	[ "${2/ 0 failed/}" = "$2" ] || wanted=0
	printf '%s\n' "${@:4}" > "$WORK/lines"
	# shellcheck disable=SC2016 # the other shell expands it
	bash -euo pipefail -c '. "$1/_tap.sh"
		TAP=$2/tap
		start_parts
		beside other repeat "$2/lines" "$3"
		part good echo "ok 1 good"
		finish' - "$TESTS/../bin" "$WORK" "$3" > "$OUTPUT" 2>&1 || status=1
	[ $status -eq $wanted ] && [ "$(tail -n 1 "$OUTPUT")" = "$2" ] || wrong=1
	report "$1" $wrong "$OUTPUT"
}

ktap_print_header
sums 'a part that passes' '2 passed, 0 failed, 0 skipped' 0 'TAP version 13' 1..1 'ok 1 a'
sums 'a failed test' '2 passed, 1 failed, 1 skipped' 1 'ok 1 a' 'not ok 2 b' 'ok 3 c # SKIP'
sums 'a part that ends early' '2 passed, 1 failed, 0 skipped' 3 'ok 1 a'
says 'the output names the part and its status' 'not ok other ended with exit status 3'
sums 'a part that has nothing to do' '1 passed, 0 failed, 1 skipped' 4 '1..0 # SKIP nothing'
sums 'a part that bails out' '1 passed, 1 failed, 0 skipped' 1 'Bail out! no'
sums 'subtests count in place of their test' '2 passed, 1 failed, 0 skipped' 1 \
	'# ok 1 a' '# not ok 2 b' 'not ok 1 c'
sums 'if only the test failed, it counts' '2 passed, 1 failed, 0 skipped' 1 '# ok 1 a' 'not ok 1 c'
finish
