#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that unpatched makes a tree of exactly the base, makes it only once, and
# refuses a tree that somebody edited.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

unpatched() {
	command_of unpatched 6.12 "$TREE" "$WORK/unpatched"
}

is_base() {
	diff -r --no-dereference --exclude=.git --exclude=.gitignore "$WORK/source" "$WORK/unpatched"
}

# leave_half: leaves a half-made worktree, as a killed run does
leave_half() {
	tree_git worktree remove --force "$WORK/unpatched"
	tree_git worktree add -q --no-checkout --detach "$WORK/unpatched.tmp" base
}

move_both() {
	mkdir "$WORK/moved"
	mv "$TREE" "$WORK/unpatched" "$WORK/moved"
	command_of unpatched 6.12 "$WORK/moved/linux" "$WORK/moved/unpatched" &&
		git -C "$WORK/moved/unpatched" status
}

ktap_print_header
ktap_set_plan 10
make_tree
refuses 'a directory that is no composed tree is refused' "no tag 'base'" \
	command_of unpatched 6.12 "$WORK/source" "$WORK/unpatched"
succeeds 'the unpatched tree is made' unpatched
succeeds 'it is the base' is_base
touch "$WORK/unpatched/object.o"
succeeds 'a second run leaves it alone' unpatched
succeeds 'it does' test -e "$WORK/unpatched/object.o"
echo edit >> "$WORK/unpatched/crypto/skcipher.c"
refuses 'an edited one is refused' 'reset --hard' unpatched
leave_half
succeeds 'what an interrupted run left is made anew' unpatched
succeeds 'it is the base' is_base
succeeds 'both can be moved' move_both
mkdir "$WORK/other"
refuses 'a directory that is something else is refused' 'not a git worktree' \
	command_of unpatched 6.12 "$WORK/moved/linux" "$WORK/other"
ktap_finished
