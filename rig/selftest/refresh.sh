#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that refresh puts exactly the commits of the tree into the repository.
# A tree that nobody touched leaves no diff, and a tree composed anew from the
# result has the same files.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

refresh() {
	command_of refresh 6.12 "$TREE"
}

compose_anew() {
	rm -rf "$WORK/anew"
	command_of unpack-base 6.12 "$WORK/anew" && command_of compose 6.12 "$WORK/anew"
}

# describes_tree: the repository composes to the commits of the tree, with the
# same messages.
describes_tree() {
	local format='%T%n%B'
	compose_anew > /dev/null &&
		diff <(tree_git log --format="$format" base..HEAD) <(git -C "$WORK/anew" log --format="$format" base..HEAD)
}

# commit_of WORDS: prints the commit of the tree that has WORDS in its message
commit_of() {
	tree_git log --format=%H --fixed-strings --grep="$1" base..HEAD
}

# entries: prints the patch names and new files of the series, on one line
entries() {
	sed 's/#.*//' "$SERIES" | tr -s '\t\n' ' '
}

changed() {
	git -C "$REPOSITORY" -c core.autocrlf=false status --porcelain -uall | sort | tr -s '\n' ' '
}

A='0001-crypto-skcipher-take-many-units.patch +crypto/units.c'
B='0002-dm-crypt-use-units.patch'
C='0003-selftests-test-units.patch +tools/testing/selftests/units/Makefile +tools/testing/selftests/units/run.sh'

ktap_print_header
ktap_set_plan 37
make_tree

succeeds 'a tree nobody touched is refreshed' refresh
says 'it says that there is nothing to do' 'nothing to do'
succeeds 'the repository has no diff at all' same_repository

echo 'int more_units;' >> "$TREE/crypto/units.c"
sed -i 's/^crypto line 21$/crypto line 21 too/' "$TREE/crypto/skcipher.c"
tree_git commit -qa --fixup "$(commit_of 'take many units')"
GIT_SEQUENCE_EDITOR=true tree_git rebase -q -i --autosquash base
succeeds 'a fixup that was folded in is refreshed' refresh
succeeds 'only the new file and its patch change' is_equal "$(changed)" \
	' M crypto/units.c M patches/6.12/0001-crypto-skcipher-take-many-units.patch '
succeeds 'the repository describes the tree' describes_tree
succeeds 'composing has nothing to do after it' command_of compose 6.12 "$TREE"
says 'it says so' 'is up to date'
commit_repository 'fixup'
succeeds 'refreshing again is no diff' refresh
succeeds 'it is not' same_repository

# A subject of more than 52 characters, and a message with odd lines.
mkdir "$TREE/drivers/md/units"
printf '#!/bin/sh\n' > "$TREE/drivers/md/units/new.sh"
chmod +x "$TREE/drivers/md/units/new.sh"
sed -i 's/^crypto line 3$/crypto line three/' "$TREE/crypto/skcipher.c"
tree_git add -A
# shellcheck disable=SC2016 # the text is literal
printf '%s\n' 'crypto: skcipher - a subject that is longer than a file name may be' '' \
	'  indented, 100% \n $HOME `x`' '' '' '# not a comment' '' 'Fixes: 123456789012 ("x")' |
	tree_git commit -q --cleanup=verbatim -F -
succeeds 'a new commit is refreshed' refresh
succeeds 'it has the name that git format-patch gives' is_equal "$(entries)" \
	" $A $B $C 0004-MAINTAINERS-add-units.patch 0005-crypto-skcipher-a-subject-that-is-longer-than-a-file.patch +drivers/md/units/new.sh "
succeeds 'git format-patch gives it' test -e \
	"$(tree_git format-patch -q -o "$WORK/mail" base && ls "$WORK/mail/0005-crypto-skcipher-a-subject-that-is-longer-than-a-file.patch")"
succeeds 'the run bit of its new file is kept' test -x "$REPOSITORY/drivers/md/units/new.sh"
succeeds 'comments in the series are kept' is_equal \
	"$(grep -A1 '^# This one' "$SERIES")" "$(printf '# This one is the user of it.\n%s' "$B")"
succeeds 'other patches are left alone' is_equal "$(changed)" \
	' M patches/6.12/series ?? drivers/md/units/new.sh ?? patches/6.12/0005-crypto-skcipher-a-subject-that-is-longer-than-a-file.patch '
succeeds 'no blob ids are in it' fails grep -q '^index ' \
	"$REPOSITORY/patches/6.12/0005-crypto-skcipher-a-subject-that-is-longer-than-a-file.patch"
succeeds 'the repository describes the tree' describes_tree
commit_repository 'new'

# A new first commit shifts the line numbers and the patch names of the others.
tree_git reset -q --hard base
sed -i '1s/^/a line\nanother line\n/' "$TREE/drivers/md/dm-crypt.c"
tree_git commit -qam 'dm crypt: come first'
command_of compose 6.12 "$WORK/anew" > /dev/null
tree_git fetch -q "$WORK/anew" series
tree_git cherry-pick base..FETCH_HEAD > /dev/null
succeeds 'a commit put first is refreshed' refresh
succeeds 'the others are renumbered' is_equal "$(entries | cut -d ' ' -f 2-5)" \
	'0001-dm-crypt-come-first.patch 0002-crypto-skcipher-take-many-units.patch +crypto/units.c 0003-dm-crypt-use-units.patch'
succeeds 'a patch that only moved keeps its text' is_equal \
	"$(git -C "$REPOSITORY" show "HEAD:patches/6.12/$B")" \
	"$(cat "$REPOSITORY/patches/6.12/0003-dm-crypt-use-units.patch")"
succeeds 'the repository describes the tree' describes_tree
commit_repository 'first'

mkdir "$REPOSITORY/patches/7.3"
printf '0001-a.patch\n\t+tools/testing/selftests/units/run.sh\n' > "$REPOSITORY/patches/7.3/series"
commit_repository 'another base'
drop=$(commit_of 'selftests: test units')
tree_git rebase -q --onto "$drop~" "$drop"
dropped=$(tree_git log --format=%s base..HEAD | grep -c 'test units') || true
succeeds 'a commit is dropped in the tree' is_equal "$dropped" 0
succeeds 'a tree with a commit less is refreshed' refresh
succeeds 'its patch is gone' fails ls "$REPOSITORY/patches/6.12/0004-selftests-test-units.patch"
succeeds 'its new file is gone' fails ls "$REPOSITORY/tools/testing/selftests/units/Makefile"
succeeds 'a new file that another base brings is kept' test -e "$REPOSITORY/tools/testing/selftests/units/run.sh"
succeeds 'the repository describes the tree' describes_tree
commit_repository 'dropped'

sed -i 's|^L:.*|L:\tother@example.org|' "$TREE/MAINTAINERS"
tree_git commit -qa --fixup "$(commit_of 'MAINTAINERS: add')"
GIT_SEQUENCE_EDITOR=true tree_git rebase -q -i --autosquash base
succeeds 'an edit to the entry in MAINTAINERS is refreshed' refresh
succeeds 'the entry of the repository is what the kernel gets' is_equal "$(cat "$REPOSITORY/MAINTAINERS")" \
	"$(printf 'UNITS\nL:\tother@example.org\nS:\tOrphan\nF:\tcrypto/units.c\nF:\ttools/testing/selftests/units/')"
commit_repository 'entry'

# A later point release has other line numbers and the same series.
rm -rf "$TREE"
make_source 118
sed -i '12s/^/new line\n/' "$WORK/source/crypto/skcipher.c" "$WORK/source/drivers/md/dm-crypt.c"
pack_source
command_of unpack-base 6.12 "$TREE" > /dev/null 2>&1
command_of compose 6.12 "$TREE" > /dev/null
succeeds 'a tree of a later base is refreshed' refresh
succeeds 'line numbers alone are no diff' same_repository

echo 'int hand_edited;' >> "$REPOSITORY/crypto/units.c"
refuses 'an edit in the repository is not undone' 'crypto/units.c' refresh
says 'the message says what to do' 'run make tree first'
succeeds 'the edit is still there' grep -q hand_edited "$REPOSITORY/crypto/units.c"
echo 'int in_the_tree;' >> "$TREE/crypto/units.c"
tree_git commit -qa --fixup "$(commit_of 'take many units')"
GIT_SEQUENCE_EDITOR=true tree_git rebase -q -i --autosquash base
refuses 'edits on both sides are refused' 'were changed since' refresh
says 'the message says how to keep both' 'cherry-pick'
ktap_finished
