#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the patches that the command quilt writes give the composed tree, for quilt
# and in Debian's source package, and that the command writes nothing when it fails.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

OUT=$WORK/out

quilt_series() {
	rm -rf "$OUT"
	command_of quilt 6.12 "$TREE" "$OUT"
}

# applies PATCHES SERIES: patch applies them to a copy of the source, and gives the tree
applies() {
	local name

	rm -rf "$WORK/applied"
	cp -r "$WORK/source" "$WORK/applied"
	while read -r name; do
		patch -d "$WORK/applied" -p1 -s -F0 < "$1/$name" || return
	done < "$2"
	is_tree
}

is_tree() {
	tree_git checkout -q HEAD -- .
	diff -r --no-dereference --exclude=.git --exclude=.gitignore "$WORK/applied" "$TREE"
}

commit_in_tree() {
	echo more >> "$TREE/crypto/units.c"
	tree_git commit -qam 'more'
}

ktap_print_header
ktap_set_plan 12
if ! command -v quilt > /dev/null; then
	ktap_skip_all "quilt is not installed"
	exit "$KSFT_SKIP"
fi
make_tree
succeeds 'the series is written' quilt_series
succeeds 'it gives the composed tree' applies "$OUT/patches" "$OUT/patches/series"
succeeds 'it does in the source package of Debian' \
	applies "$OUT/debian/patches" "$OUT/debian/patches/series.dm-crypt-mdu"
succeeds 'nobody has signed it' fails grep -r '^Signed-off-by' "$OUT"
succeeds 'no path of the machine is in it' fails grep -rF -e "$WORK" "$OUT"
cp -r "$OUT" "$WORK/first"
succeeds 'the same again' quilt_series
succeeds 'is the same' diff -r "$WORK/first" "$OUT"
refuses 'what is there is not overwritten' 'is not empty' command_of quilt 6.12 "$TREE" "$OUT"
refuses 'a directory has to be named' 'no directory is named' command_of quilt 6.12 "$TREE" ''
commit_in_tree
refuses 'commits that are not in the repository are refused' 'not in the repository' quilt_series
succeeds 'nothing is written' test ! -e "$OUT"
tree_git reset -q --hard HEAD~1
refuses 'a tree that is none is refused' "no tag 'base'" command_of quilt 6.12 "$WORK/source" "$WORK/other"
ktap_finished
