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

# Copies the existing files that git tracks or does not ignore, and commits the copy.
copy_repository() {
	(cd "$TOP" && git ls-files -z --cached --others --exclude-standard |
		tar -c --null --files-from=- --ignore-failed-read 2> /dev/null) |
		tar -x --one-top-level="$REPOSITORY"
	git -C "$REPOSITORY" init -q -b main
	commit_repository 'as it is'
}

ktap_print_header
# refresh marks all commits of the tree as saved in the repository. Here the repository is a
# copy, which this test removes. So refuse a tree with commits that the repository does not
# have: they would be marked as saved, but lost with the copy.
if ! grep -qx "head $(git -C "$COMPOSED" rev-parse HEAD)" "$COMPOSED/.git/composed"; then
	ktap_test_fail 'the tree has commits that are not in the repository'
	finish
fi
copy_repository
succeeds 'the tree is refreshed' command_of refresh "$BASE" "$COMPOSED"
succeeds 'the repository has no diff at all' same_repository
finish
