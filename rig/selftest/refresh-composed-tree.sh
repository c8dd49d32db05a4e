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

# Copies and commits the files that git tracks or would not ignore.
copy_repository() {
	mkdir "$REPOSITORY"
	(
		cd "$TOP"
		git -c core.quotePath=false ls-files --cached --others --exclude-standard |
			while IFS= read -r file; do
				[ ! -f "$file" ] || printf '%s\n' "$file"
			done | tar -c --no-recursion --files-from=-
	) | tar -x -C "$REPOSITORY"
	git -C "$REPOSITORY" init -q -b main
	commit_repository 'as it is'
}

# refresh of the copy marks all commits of the tree as saved in the repository. Commits
# that only the tree has would then be saved in the copy, which this test removes.
has_no_own_commits() {
	is_equal "$(git -C "$COMPOSED" rev-parse HEAD)" "$(sed -n 's/^head //p' "$COMPOSED/.git/composed")"
}

ktap_print_header
ktap_set_plan 3
succeeds 'the tree has no commits that are not in the repository' has_no_own_commits
if [ "$KTAP_CNT_FAIL" -ne 0 ]; then
	ktap_finished
fi
copy_repository
succeeds 'the tree is refreshed' command_of refresh "$BASE" "$COMPOSED"
succeeds 'the repository has no diff at all' same_repository
ktap_finished
