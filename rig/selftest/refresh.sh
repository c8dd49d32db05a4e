#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that refresh puts exactly the commits of the tree into the repository.
# A tree that nobody touched leaves no diff, and a tree composed anew from the
# result has the same files. refresh refuses a tree that it cannot put into the
# repository: the message says what to do, and the repository stays as it was.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

refresh() {
	command_of refresh 6.12 "$TREE"
}

compose_anew() {
	rm -rf "$WORK/anew"
	command_of unpack-base 6.12 "$WORK/anew" && command_of compose 6.12 "$WORK/anew"
}

# describes_tree: the repository composes to the commits of the tree, with the same messages
describes_tree() {
	local format='%T%n%B'

	compose_anew > /dev/null && diff <(tree_git log --format="$format" base..HEAD) \
		<(git -C "$WORK/anew" log --format="$format" base..HEAD)
}

# refreshes DESCRIPTION: refresh succeeds, and the repository then describes the tree
refreshes() {
	succeeds "$1" refresh
	succeeds_quietly 'the repository describes the tree' describes_tree
}

# commit_of WORDS: prints the commit of the tree that has WORDS in its message
commit_of() {
	tree_git log --format=%H --fixed-strings --grep="$1" base..HEAD
}

# fold WORDS: folds all edits in the tree into the commit that has WORDS in its message
fold() {
	commit_in_tree "fixup! $(tree_git show -s --format=%s "$(commit_of "$1")")"
	GIT_SEQUENCE_EDITOR=true tree_git rebase -q -i --autosquash base
}

# edit FILE MESSAGE [TEXT]: commits an edit in the tree
edit() {
	printf 'edit%b\n' "${3-}" >> "$TREE/$1"
	commit_in_tree "$2"
}

remove() {
	rm "$TREE/$1"
	commit_in_tree "remove $1"
}

merge_side() {
	tree_git checkout -q -b side base
	edit crypto/skcipher.c 'crypto: on the side'
	tree_git checkout -q series
	tree_git merge -q -s ours -m 'a merge' side
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
UNITS=tools/testing/selftests/units
C="0003-selftests-test-units.patch +$UNITS/Makefile +$UNITS/run.sh"
NEW=0005-crypto-skcipher-a-subject-that-is-longer-than-a-file.patch

ktap_print_header
make_tree
succeeds 'a tree nobody touched is refreshed' refresh
says 'it says that there is nothing to do' 'nothing to do'
succeeds 'the repository has no diff at all' same_repository

STATE=repository_state
while IFS='|' read -r description words change <&3; do
	eval "$change"
	refuses "$description" "$words" refresh
	tree_git checkout -q -f series
	reset_tree
done 3<<'END'
uncommitted edits are refused|crypto/skcipher.c|echo edit >> "$TREE/crypto/skcipher.c"
files that are not committed are refused|?? crypto/new.c|echo new > "$TREE/crypto/new.c"
a fixup! is refused|rebase -i --autosquash base|edit crypto/skcipher.c 'fixup! crypto: skcipher'
a squash! is refused|rebase -i --autosquash base|edit crypto/skcipher.c 'squash! crypto: skcipher'
a change to a new file is refused|crypto/units.c is new in|edit crypto/units.c 'change a new file'
a removal of a new file is refused|crypto/units.c is new in|remove crypto/units.c
a merge is refused|is a merge|merge_side
a tree in the middle of a rebase is refused|not on its branch|tree_git checkout -q --detach
a tree without commits is refused|no commits on top|tree_git reset -q --hard base
a commit that changes nothing is refused|changes nothing|tree_git commit -q --allow-empty -m nothing
a message with '---' is refused|< more words|edit crypto/skcipher.c $'cut\n\nwords\n---\nmore words'
a new link is refused|a link (files|ln -s skcipher.c "$TREE/crypto/link.c"; commit_in_tree 'a link'
an edit with binary data is refused|0005-binary.patch does not apply|edit crypto/skcipher.c binary '\0'
END
mv "$TREE/.git/composed" "$WORK/composed"
refuses 'a tree that was never composed is refused' 'never composed' refresh
mv "$WORK/composed" "$TREE/.git/composed"
echo mine > "$REPOSITORY/crypto/other.c"
edit crypto/other.c 'crypto: add another file'
refuses 'another file of the name of a new file is not overwritten' \
	'the repository has another file there' refresh
rm "$REPOSITORY/crypto/other.c"
reset_tree

echo 'int more_units;' >> "$TREE/crypto/units.c"
sed -i 's/^crypto line 21$/crypto line 21 too/' "$TREE/crypto/skcipher.c"
fold 'take many units'
refreshes 'a tree with a folded fixup is refreshed'
succeeds 'only the new file and its patch change' is_equal "$(changed)" \
	' M crypto/units.c M patches/6.12/0001-crypto-skcipher-take-many-units.patch '
succeeds 'compose then has nothing to do' command_of compose 6.12 "$TREE"
says 'it says so' 'is up to date'
commit_repository 'fixup'
succeeds 'the tree is refreshed again' refresh
succeeds 'the repository still has no diff' same_repository

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
refreshes 'a new commit is refreshed'
succeeds 'it comes last' is_equal "$(entries)" \
	" $A $B $C 0004-MAINTAINERS-add-units.patch $NEW +drivers/md/units/new.sh "
succeeds 'it has the name that git format-patch gives' test -e \
	"$(tree_git format-patch -q -o "$WORK/mail" base && ls "$WORK/mail/$NEW")"
succeeds 'the run bit of its new file is kept' test -x "$REPOSITORY/drivers/md/units/new.sh"
succeeds 'the comment at the top of the series is kept' grep -q '^# The series for' "$SERIES"
succeeds 'other patches are left alone' is_equal "$(changed)" \
	" M patches/6.12/series ?? drivers/md/units/new.sh ?? patches/6.12/$NEW "
succeeds 'no blob ids are in it' fails grep -q '^index ' "$REPOSITORY/patches/6.12/$NEW"
commit_repository 'new'

# A new first commit shifts the line numbers and the patch names of the others.
tree_git reset -q --hard base
sed -i '1s/^/a line\nanother line\n/' "$TREE/drivers/md/dm-crypt.c"
commit_in_tree 'dm crypt: come first'
tree_git fetch -q "$WORK/anew" series
tree_git cherry-pick base..FETCH_HEAD > /dev/null
refreshes 'a commit put first is refreshed'
succeeds 'the others are renumbered' is_equal "$(entries | cut -d ' ' -f 2-5)" \
	"0001-dm-crypt-come-first.patch ${A/0001/0002} ${B/0002/0003}"
succeeds 'a patch that only moved keeps its text' is_equal \
	"$(git -C "$REPOSITORY" show "HEAD:patches/6.12/$B")" \
	"$(cat "$REPOSITORY/patches/6.12/0003-dm-crypt-use-units.patch")"
commit_repository 'first'

mkdir "$REPOSITORY/patches/7.3"
printf '0001-a.patch\n\t+tools/testing/selftests/units/run.sh\n' > "$REPOSITORY/patches/7.3/series"
commit_repository 'another base'
drop=$(commit_of 'selftests: test units')
tree_git rebase -q --onto "$drop~" "$drop"
refreshes 'a tree with a commit less is refreshed'
succeeds 'its patch is gone' fails ls "$REPOSITORY/patches/6.12/0004-selftests-test-units.patch"
succeeds 'its new file is gone' fails ls "$REPOSITORY/tools/testing/selftests/units/Makefile"
succeeds 'a new file that another base brings is kept' \
	test -e "$REPOSITORY/tools/testing/selftests/units/run.sh"
commit_repository 'dropped'

sed -i 's|^L:.*|L:\tother@example.org|' "$TREE/MAINTAINERS"
fold 'MAINTAINERS: add'
succeeds 'an edit to the entry in MAINTAINERS is refreshed' refresh
succeeds 'the entry of the repository is what the kernel gets' is_equal \
	"$(git -C "$REPOSITORY" diff -U0 MAINTAINERS | sed -n '/^@@/,$p' | sed 1d)" \
	"$(printf -- '-L:\tlist@example.org\n+L:\tother@example.org')"
commit_repository 'entry'

# A later point release has other line numbers and the same series.
rm -rf "$TREE"
make_source 118
sed -i '12s/^/new line\n/' "$WORK/source/crypto/skcipher.c" "$WORK/source/drivers/md/dm-crypt.c"
pack_source
command_of unpack-base 6.12 "$TREE" > /dev/null 2>&1
command_of compose 6.12 "$TREE" > /dev/null
succeeds 'a tree of a later base is refreshed' refresh
succeeds 'new line numbers alone make no diff' same_repository

echo 'int hand_edited;' >> "$REPOSITORY/crypto/units.c"
refuses 'an edit in the repository is not undone' 'crypto/units.c' refresh
says 'the message says what to do' 'run make tree first'
echo 'int in_the_tree;' >> "$TREE/crypto/units.c"
fold 'take many units'
refuses 'edits on both sides are refused' 'were changed since' refresh
says 'the message says how to keep both' 'cherry-pick'
finish
