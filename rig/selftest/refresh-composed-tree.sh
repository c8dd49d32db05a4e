#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the real series and the tree composed of it agree: refresh of
# build/BASE/linux leaves no diff. refresh runs in a copy of the repository, so
# it never writes into this repository.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

BASE=${BASE:-6.12}
TOP=$(cd "$TESTS/../.." && pwd)
COMPOSED=$TOP/build/$BASE/linux
if [ ! -d "$COMPOSED/.git" ]; then
	ktap_skip_all "there is no composed tree $COMPOSED: run make tree"
	exit "$KSFT_SKIP"
fi

# Copies and commits the files that git tracks or would not ignore, and that are there.
copy_repository() {
	(cd "$TOP" && git ls-files -z --cached --others --exclude-standard |
		tar -c --null --files-from=- --ignore-failed-read 2> /dev/null) |
		tar -x --one-top-level="$REPOSITORY"
	git -C "$REPOSITORY" init -q -b main
	commit_repository 'as it is'
}

ktap_print_header
# refresh of the copy marks all commits of the tree as saved in the repository. Commits
# that only the tree has would then be saved in the copy, which this test removes.
if ! grep -qx "head $(git -C "$COMPOSED" rev-parse HEAD)" "$COMPOSED/.git/composed"; then
	ktap_test_fail 'the tree has commits that are not in the repository'
	finish
fi
copy_repository
succeeds 'the tree is refreshed' command_of refresh "$BASE" "$COMPOSED"
succeeds 'the repository has no diff at all' same_repository
finish
