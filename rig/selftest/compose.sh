#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that compose makes the commits that the series describes, with the same
# ids everywhere. compose writes only files that differ, and accepts a base whose
# lines moved. It refuses a series that does not fit exactly, and refuses to lose work:
# the message says what to do, and the tree stays as it was.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

UNITS=$REPOSITORY/crypto/units.c
DM_PATCH=$REPOSITORY/patches/6.12/0002-dm-crypt-use-units.patch

compose() {
	command_of compose 6.12 "$TREE"
}

has_content() {
	grep -qx 'crypto line 20 with units' "$TREE/crypto/skcipher.c"
	grep -qx 'dm-crypt uses units' "$TREE/drivers/md/dm-crypt.c"
	cmp "$UNITS" "$TREE/crypto/units.c"
}

message_is_exact() {
	diff <(tree_git cat-file commit series~3 | sed '1,/^$/d') \
		<(sed '/^---$/,$d; 1s/^Subject: //' \
		"$REPOSITORY/patches/6.12/0001-crypto-skcipher-take-many-units.patch")
}

modes() {
	tree_git ls-tree -r HEAD scripts/run.sh tools | cut -c 1-6 | tr '\n' ' '
}

# writes WANTED: compose succeeds, and writes only these files below $TREE
writes() {
	sleep 0.05
	touch "$WORK/mark"
	sleep 0.05
	compose && is_equal "$(cd "$TREE" &&
		find . -path ./.git -prune -o -type f -newer "$WORK/mark" -print | sort | xargs)" "$1"
}

# make_second: another user composes the same tree elsewhere, from the same tarball
make_second() {
	HOME=$WORK/home2 TZ=Asia/Tokyo "$REPOSITORY/rig/bin/unpack-base" 6.12 "$WORK/second"
	(umask 077 && HOME=$WORK/home2 GIT_AUTHOR_NAME=Other GIT_DIR=/nowhere \
		"$REPOSITORY/rig/bin/compose" 6.12 "$WORK/second")
	is_equal "$(git -C "$WORK/second" rev-parse series)" "$(tree_git rev-parse series)"
}

# rename_units: gives the new file the name of a file of the base
rename_units() {
	sed -i s,+crypto/units.c,+crypto/skcipher.c, "$SERIES"
	mv "$UNITS" "${UNITS%/*}/skcipher.c"
}

ktap_print_header
make_tree
succeeds 'there is a commit for each patch, in order' is_equal \
	"$(tree_git log --reverse --format=%s base..series | xargs -d '\n' printf '<%s>')" \
	'<crypto: skcipher - take many units><dm crypt: use units>'\
'<selftests: test units><MAINTAINERS: add units>'
succeeds 'each new file comes with its commit' is_equal \
	"$(tree_git log --diff-filter=A --format=%s --name-only base..HEAD | grep . | tr '\n' '|')" \
	'selftests: test units|tools/testing/selftests/units/Makefile|'\
'tools/testing/selftests/units/run.sh|crypto: skcipher - take many units|crypto/units.c|'
succeeds 'messages stay exactly the same' message_is_exact
succeeds 'edits and new files are there' has_content
succeeds 'run bits are kept' is_equal "$(modes)" '100755 100644 100755 '
succeeds 'the tree is clean' is_equal "$(tree_git status --porcelain)" ''
succeeds 'somebody else makes the same commit ids elsewhere' make_second
succeeds 'composing again writes nothing' writes ''
says 'it says so' 'is up to date'
echo 'int more_units;' >> "$UNITS"
succeeds 'after an edit to a new file, only that file is written' writes ./crypto/units.c
chmod -x "$REPOSITORY/tools/testing/selftests/units/run.sh"
succeeds 'a change of the run bit is composed' compose
succeeds 'the run bit is gone' is_equal "$(modes)" '100755 100644 100644 '
sed -i /0004/d "$SERIES"
rm "$REPOSITORY/patches/6.12/0004-MAINTAINERS-add-units.patch"
succeeds 'a series with one patch less is composed' compose
succeeds 'its commit is gone' is_equal "$(tree_git rev-list --count base..HEAD)" 3
restore
compose > /dev/null

STATE=tree_state
sed -i 's/^ dm-crypt line 28$/ dm-crypt line XX/' "$DM_PATCH"
refuses 'fuzz, which patch would accept, is refused' \
	'0002-dm-crypt-use-units.patch does not apply' compose
says 'the message has the versions' \
	"made against 6.12.117 (linux-source-6.12 6.12.117-1); $TREE is Linux 6.12.117"
restore

echo edit >> "$TREE/crypto/skcipher.c"
succeeds 'uncommitted edits are no obstacle' compose
says 'there is a notice' 'has uncommitted edits, which stay'
echo more >> "$UNITS"
succeeds 'nor are they if other files of the series changed' compose
succeeds_quietly 'the edit is still there' grep -qx edit "$TREE/crypto/skcipher.c"
succeeds_quietly 'the other file is the new one' grep -qx more "$TREE/crypto/units.c"
echo edit >> "$TREE/crypto/units.c"
echo and more >> "$UNITS"
refuses 'an edit to a file that changed is not lost' crypto/units.c compose
says 'the message says how to drop it' 'reset --hard'
restore
reset_tree
compose > /dev/null

tree_git rev-parse base > "$TREE/.git/CHERRY_PICK_HEAD"
echo more >> "$UNITS"
refuses 'a cherry-pick that is not finished is not forgotten' cherry-pick compose
rm "$TREE/.git/CHERRY_PICK_HEAD"
restore
echo edit >> "$TREE/crypto/skcipher.c"
commit_in_tree 'edit'
succeeds 'a commit that is not folded back is no obstacle to an unchanged series' compose
says 'there is a notice' 'not in the repository'
echo more >> "$UNITS"
refuses 'it is not lost if the series changed' cherry-pick compose
reset_tree
restore
tree_git checkout -q --detach
refuses 'a tree in the middle of a rebase is refused' 'not on its branch' compose
tree_git switch -q series

sed -i 's|+crypto/units.c|&\n\t+crypto/lost.c|' "$SERIES"
refuses 'a named new file that is missing is refused' 'new file crypto/lost.c' compose
echo text > "$TREE/crypto/lost.c"
echo other > "$REPOSITORY/crypto/lost.c"
refuses 'a file of that name, not committed in the tree, is not overwritten' crypto/lost.c compose
rm "$TREE/crypto/lost.c"
sed -i '\|+crypto/lost.c|d' "$SERIES"
refuses 'a kernel file that no series names is refused' \
	'crypto/lost.c is a kernel file that no series names' compose
mkdir "$REPOSITORY/patches/7.3"
printf '0001-a.patch\n\t+crypto/lost.c\n' > "$REPOSITORY/patches/7.3/series"
succeeds 'a file that is for another base is accepted' compose
restore

while IFS='|' read -r description words change <&3; do
	eval "$change"
	refuses "$description" "$words" compose
	restore
done 3<<'END'
a new file that the base has is refused|has one already|rename_units
a patch that the series does not name is refused|0004-MAINTAINERS|sed -i /0004/d "$SERIES"
a patch that is not there is refused|0002-dm-crypt|rm "$DM_PATCH"
a commit that changes nothing is refused|changes nothing|sed -i '/^---$/q' "$DM_PATCH"
a patch that makes a file|creates a file|sed -i 's/^diff.*/&\nnew file mode 1/' "$DM_PATCH"
a series that cannot be read is refused|is neither|echo '0002 dm crypt' >> "$SERIES"
END
succeeds 'after all that there is nothing to compose' compose
says 'it says so' 'is up to date'

rm -rf "$TREE"
make_source 118
sed -i '1s/^/new first line\nnew second line\n/' "$WORK/source/crypto/skcipher.c"
pack_source
command_of unpack-base 6.12 "$TREE" > /dev/null 2>&1
succeeds 'lines that moved are accepted' compose
succeeds 'edits are where they belong' has_content
finish
