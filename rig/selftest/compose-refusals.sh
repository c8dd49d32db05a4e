#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that compose refuses a series that does not fit exactly, and refuses to
# lose work. The message says what to do, and the tree stays as it was.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

compose() {
	command_of compose 6.12 "$TREE"
}

# refuses_untouched ARGUMENT...: like refuses, and the tree stays as it was
refuses_untouched() {
	local before
	before=$(tree_state)
	refuses "$@"
	succeeds_quietly 'the tree is as it was' is_equal "$(tree_state)" "$before"
}

restore_repository() {
	git -C "$REPOSITORY" -c core.autocrlf=false reset -q --hard
	git -C "$REPOSITORY" clean -qfd
}

DM_PATCH=patches/6.12/0002-dm-crypt-use-units.patch

ktap_print_header
ktap_set_plan 43
make_tree

# One line of context differs from the base. patch -F2 would accept this.
sed -i 's/^ dm-crypt line 28$/ dm-crypt line XX/' "$REPOSITORY/$DM_PATCH"
refuses_untouched 'fuzz is refused' '0002-dm-crypt-use-units.patch does not apply' compose
sed -i 's/^ dm-crypt line 31$/ dm-crypt line YY/' "$REPOSITORY/$DM_PATCH"
refuses_untouched 'a patch that does not apply is refused' 'patch does not apply' compose
says 'the message has the version it was made for' 'made against 6.12.117 (linux-source-6.12 6.12.117-1)'
says 'the message has the version found' 'is Linux 6.12.117'
restore_repository

echo edit >> "$TREE/crypto/skcipher.c"
succeeds 'uncommitted edits are no obstacle' compose
says 'there is a notice' 'has uncommitted edits, which stay'
says 'the notice names the file' 'crypto/skcipher.c'
says 'the notice says how to keep them' 'make refresh'
echo more >> "$REPOSITORY/crypto/units.c"
succeeds 'nor are they where other files of the series changed' compose
succeeds_quietly 'the edit is still there' grep -qx edit "$TREE/crypto/skcipher.c"
succeeds_quietly 'the other file is the new one' grep -qx more "$TREE/crypto/units.c"
restore_repository
succeeds_quietly 'an unchanged series keeps them, too' compose
echo edit >> "$TREE/crypto/units.c"
echo more >> "$REPOSITORY/crypto/units.c"
refuses_untouched 'an edit to a file that changed is not lost' 'git says' compose
says 'the message names the file' 'crypto/units.c'
says 'the message says how to drop it' 'reset --hard'
restore_repository
tree_git checkout -q crypto/units.c

echo more >> "$REPOSITORY/crypto/units.c"
touch "$TREE/.git/CHERRY_PICK_HEAD"
refuses_untouched 'a cherry-pick that is not finished is not forgotten' 'in the middle of something' compose
rm "$TREE/.git/CHERRY_PICK_HEAD"
restore_repository

tree_git commit -qam 'edit'
succeeds 'a commit that is not folded back is no obstacle to an unchanged series' compose
says 'there is a notice' 'not in the repository'
echo more >> "$REPOSITORY/crypto/units.c"
refuses_untouched 'a commit that is not folded back is not lost to a changed series' \
	'files of the series changed as well' compose
says 'the message says how to keep it' 'cherry-pick'
tree_git reset -q --hard HEAD~
restore_repository

tree_git checkout -q --detach
refuses_untouched 'a tree in the middle of a rebase is refused' 'not on its branch' compose
tree_git switch -q series

sed -i 's|+crypto/units.c|&\n\t+crypto/lost.c|' "$SERIES"
refuses_untouched 'a named new file that is missing is refused' 'new file crypto/lost.c' compose
echo text > "$TREE/crypto/lost.c"
echo other > "$REPOSITORY/crypto/lost.c"
refuses_untouched 'a file of that name, not committed in the tree, is not overwritten' \
	'is not committed there' compose
rm "$TREE/crypto/lost.c"
sed -i '\|+crypto/lost.c|d' "$SERIES"
refuses_untouched 'a kernel file that no series names is refused' \
	'crypto/lost.c is a kernel file that no series names' compose
mkdir "$REPOSITORY/patches/7.3"
printf '0001-a.patch\n\t+crypto/lost.c\n' > "$REPOSITORY/patches/7.3/series"
succeeds 'a file that is for another base is accepted' compose
rm "$REPOSITORY/patches/7.3/series"
restore_repository

sed -i 's|+crypto/units.c|&\n\t+crypto/skcipher.c|' "$SERIES"
echo mine > "$REPOSITORY/crypto/skcipher.c"
refuses_untouched 'a new file that the base has is refused' 'has one already' compose
restore_repository
sed -i /0004/d "$SERIES"
refuses_untouched 'a patch that the series does not name is refused' 'not named in' compose
restore_repository
sed -i '/^---$/q' "$REPOSITORY/$DM_PATCH"
refuses_untouched 'a commit that changes nothing is refused' 'changes nothing' compose
restore_repository
echo '0002 dm crypt' >> "$SERIES"
refuses 'a series that cannot be read is refused' 'is neither' compose
restore_repository
succeeds 'after all that there is nothing to compose' compose
says 'it says so' 'is up to date'
ktap_finished
