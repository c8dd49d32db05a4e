#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that refresh refuses a tree that it cannot put into the repository. The
# message says what to do, and the repository stays as it was.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

refresh() {
	command_of refresh 6.12 "$TREE"
}

refuses_untouched() {
	refuses "$@"
	succeeds_quietly 'the repository is as it was' same_repository
}

# reset_tree: resets the tree to the commits as composed
reset_tree() {
	tree_git reset -q --hard "$COMPOSED"
	tree_git clean -qfd
}

# commit_edit FILE SUBJECT
commit_edit() {
	echo edit >> "$TREE/$1"
	tree_git add -A
	tree_git commit -q -m "$2"
}

ktap_print_header
ktap_set_plan 32
make_tree
COMPOSED=$(tree_git rev-parse HEAD)

echo edit >> "$TREE/crypto/skcipher.c"
refuses_untouched 'uncommitted edits are refused' 'crypto/skcipher.c' refresh
reset_tree
echo new > "$TREE/crypto/new.c"
refuses_untouched 'files that are not committed are refused' '?? crypto/new.c' refresh
reset_tree
echo built > "$TREE/crypto/new.o"
succeeds 'files that .gitignore matches are no obstacle' refresh
rm "$TREE/crypto/new.o"

commit_edit crypto/skcipher.c 'fixup! crypto: skcipher - take many units'
refuses_untouched 'a fixup! is refused' 'rebase -i --autosquash base' refresh
reset_tree
commit_edit crypto/skcipher.c 'squash! crypto: skcipher - take many units'
refuses_untouched 'a squash! is refused' 'rebase -i --autosquash base' refresh
reset_tree

commit_edit crypto/units.c 'crypto: change a new file'
refuses_untouched 'a later change to a new file is refused' 'crypto/units.c is new in' refresh
says 'the message names the commit that brings it' '("crypto: skcipher - take many units")'
says 'the message names the commit that changes it' '("crypto: change a new file")'
says 'the message says how to fold it' 'rebase -i --autosquash base'
reset_tree
tree_git rm -q crypto/units.c
tree_git commit -q -m 'crypto: drop a new file'
refuses_untouched 'a later removal of a new file is refused' 'crypto/units.c is new in' refresh
reset_tree

tree_git checkout -q -b side base
commit_edit crypto/skcipher.c 'crypto: on the side'
tree_git checkout -q series
tree_git merge -q -s ours -m 'a merge' side
refuses_untouched 'a merge is refused' 'is a merge' refresh
reset_tree
tree_git checkout -q --detach
refuses_untouched 'a tree in the middle of a rebase is refused' 'not on its branch' refresh
tree_git checkout -q series
tree_git reset -q --hard base
refuses_untouched 'a tree without commits is refused' 'no commits on top' refresh
reset_tree

tree_git commit -q --allow-empty -m 'nothing'
refuses_untouched 'a commit that changes nothing is refused' 'changes nothing' refresh
reset_tree
commit_edit crypto/skcipher.c "$(printf 'crypto: cut\n\nwords\n---\nmore words')"
refuses_untouched 'a message that git am would cut is refused' 'git am would cut it off' refresh
reset_tree
ln -s skcipher.c "$TREE/crypto/link.c"
tree_git add -A
tree_git commit -q -m 'crypto: a link'
refuses_untouched 'a new link is refused' 'not a regular file' refresh
reset_tree

echo mine > "$REPOSITORY/crypto/other.c"
commit_repository 'a file that no series names'
commit_edit crypto/other.c 'crypto: add another file'
refuses_untouched 'another file of the name of a new file is not overwritten' \
	'the repository has another file there' refresh
reset_tree
rm "$TREE/.git/composed"
refuses_untouched 'a tree that was never composed is refused' 'never composed' refresh
ktap_finished
