#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the real series and the tree composed of it say the same: refresh
# of build/BASE/linux leaves no diff. It runs on a copy of the repository, so
# that nothing is written into this one whatever comes out.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

BASE=${BASE:-6.12}
TOP=$(cd "$TESTS/../.." && pwd)
COMPOSED=$TOP/build/$BASE/linux
if [ ! -d "$COMPOSED/.git" ]; then
	ktap_skip_all "there is no composed tree $COMPOSED: run make tree"
	exit "$KSFT_SKIP"
fi

# What git knows or would know of the repository, as files.
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

# Otherwise refresh of the copy would take them for folded into this repository.
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
