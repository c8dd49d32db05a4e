#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that compose makes the commits that the series describes, with the same
# ids everywhere. compose writes only files that differ, and accepts a base whose
# lines moved.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

compose() {
	command_of compose 6.12 "$TREE"
}

has_content() {
	grep -qx 'crypto line 20 with units' "$TREE/crypto/skcipher.c"
	grep -qx 'dm-crypt uses units' "$TREE/drivers/md/dm-crypt.c"
	cmp "$REPOSITORY/crypto/units.c" "$TREE/crypto/units.c"
}

message_is_exact() {
	diff <(tree_git cat-file commit "$(tree_git log --format=%H --grep='take many units')" | sed '1,/^$/d') \
		<(sed '/^---$/,$d; 1s/^Subject: //' "$REPOSITORY/patches/6.12/0001-crypto-skcipher-take-many-units.patch")
}

modes() {
	tree_git ls-tree -r HEAD scripts/run.sh tools | cut -c 1-6 | tr '\n' ' '
}

# written: prints the files below $TREE that are newer than the mark
written() {
	(cd "$TREE" && find . -path ./.git -prune -o -type f -newer "$WORK/mark" -print | sort | tr '\n' ' ')
}

mark() {
	sleep 0.05
	touch "$WORK/mark"
	sleep 0.05
}

# make_second: another user composes the same tree elsewhere, from the same tarball
make_second() {
	HOME=$WORK/home2 TZ=Asia/Tokyo "$REPOSITORY/rig/bin/unpack-base" 6.12 "$WORK/second"
	(umask 077 && HOME=$WORK/home2 GIT_AUTHOR_NAME=Other GIT_DIR=/nowhere \
		"$REPOSITORY/rig/bin/compose" 6.12 "$WORK/second")
}

ktap_print_header
ktap_set_plan 21
make_tree

succeeds 'there is a commit for each patch, in order' is_equal "$(tree_git log --reverse --format=%s base..series)" \
	"$(printf '%s\n' 'crypto: skcipher - take many units' 'dm crypt: use units' 'selftests: test units' 'MAINTAINERS: add units')"
succeeds 'messages are kept to the letter' message_is_exact
succeeds 'edits and new files are there' has_content
succeeds 'each new file comes with its commit' is_equal \
	"$(tree_git log --diff-filter=A --format=%s --name-only base..HEAD | grep . | tr '\n' '|')" \
	'selftests: test units|tools/testing/selftests/units/Makefile|tools/testing/selftests/units/run.sh|crypto: skcipher - take many units|crypto/units.c|'
succeeds 'run bits are kept' is_equal "$(modes)" '100755 100644 100755 '
succeeds 'the tree is clean' is_equal "$(tree_git status --porcelain)" ''
succeeds 'somebody else can compose it elsewhere' make_second
succeeds 'the same input gives the same commit ids' \
	is_equal "$(git -C "$WORK/second" rev-parse series)" "$(tree_git rev-parse series)"

mark
succeeds 'composing again does nothing' compose
says 'it says so' 'is up to date'
succeeds 'no file was written' is_equal "$(written)" ''

echo 'int more_units;' >> "$REPOSITORY/crypto/units.c"
mark
succeeds 'an edit to a new file is composed' compose
succeeds 'only that file is written' is_equal "$(written)" './crypto/units.c '
chmod -x "$REPOSITORY/tools/testing/selftests/units/run.sh"
succeeds 'a change of the run bit is composed' compose
succeeds 'the run bit is gone' is_equal "$(modes)" '100755 100644 100644 '

sed -i /0004/d "$SERIES"
rm "$REPOSITORY/patches/6.12/0004-MAINTAINERS-add-units.patch"
succeeds 'a patch less is composed' compose
succeeds 'its commit is gone' is_equal "$(tree_git rev-list --count base..HEAD)" 3

rm -rf "$TREE"
make_source 118
sed -i '1s/^/new first line\nnew second line\n/' "$WORK/source/crypto/skcipher.c"
pack_source
command_of unpack-base 6.12 "$TREE" > /dev/null 2>&1
succeeds 'lines that moved are accepted' compose
succeeds 'edits are where they belong' has_content
: > "$SERIES"
find "$REPOSITORY/patches/6.12" -name '*.patch' -delete
rm -r "$REPOSITORY/tools" "$REPOSITORY/crypto"
succeeds 'an empty series is the base' compose
succeeds 'it is' is_equal "$(tree_git rev-parse HEAD)" "$(tree_git rev-parse base)"
ktap_finished
