#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that unpack-base puts the whole base into one commit with the same id
# everywhere, and refuses a source that cannot be a base. unpack-base never
# leaves a half-made tree, and never accepts one. Proves that unpatched makes a tree of
# exactly the base, makes it only once, and refuses a tree that somebody edited.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

# unpack [KSRC]
unpack() {
	KSRC=${1-} command_of unpack-base 6.12 "$TREE"
}

# trees: prints which trees there are
trees() {
	ls -d "$TREE" "$TREE.tmp" 2> /dev/null || true
}

# same_files TREE
same_files() {
	diff -r --no-dereference --exclude=.git --exclude=.gitignore "$WORK/source" "$1"
}

modes_kept() {
	[ -x "$TREE/scripts/run.sh" ] && [ -L "$TREE/Documentation/Changes" ] &&
		is_equal "$(tree_git ls-tree HEAD scripts/run.sh | cut -c 1-6)" 100755
}

unpatched() {
	command_of unpatched 6.12 "$TREE" "$WORK/unpatched"
}

move_both() {
	mkdir "$WORK/moved"
	mv "$TREE" "$WORK/unpatched" "$WORK/moved"
	command_of unpatched 6.12 "$WORK/moved/linux" "$WORK/moved/unpatched" &&
		git -C "$WORK/moved/unpatched" status
}

ktap_print_header
make_source
make_repository
pack_source

succeeds 'a base is unpacked' unpack
succeeds_quietly 'there is no notice about the version that the series was made against' \
	fails grep -q notice "$OUTPUT"
succeeds 'all files are there' same_files "$TREE"
succeeds 'modes and links are kept' modes_kept
succeeds 'the tree is clean, files that .gitignore matches are committed' \
	is_equal "$(tree_git status --porcelain; tree_git ls-files drivers/firmware.o)" drivers/firmware.o
echo new > "$TREE/crypto/new.c"
succeeds 'a new file is seen although .gitignore of Debian hides all' \
	is_equal "$(tree_git status --porcelain)" '?? crypto/new.c'
first=$(tree_git rev-parse base)
succeeds 'there is one commit, tagged base' is_equal "$(tree_git rev-list HEAD)" "$first"
succeeds 'a second run is accepted' unpack
succeeds 'it leaves the tree alone' test -e "$TREE/crypto/new.c"

rm -rf "$TREE"
mkdir -p "$TREE.tmp/.git"
echo half > "$TREE.tmp/half"
succeeds 'a run after an interrupted run succeeds' unpack
succeeds 'files of the interrupted run are gone' fails test -e "$TREE/half"
succeeds 'the same base gives the same commit id' is_equal "$(tree_git rev-parse base)" "$first"
rm -rf "$TREE"
mkdir "$TREE"
refuses 'a directory that is something else is refused' 'not a tree made by unpack-base' unpack
rmdir "$TREE"

STATE=trees
head -c 300 "$KSRC_DIR/linux-source-6.12.tar.xz" > "$WORK/cut"
mv "$WORK/cut" "$KSRC_DIR/linux-source-6.12.tar.xz"
refuses 'a tarball that is cut short is refused' 'could not unpack' unpack
make_source 118
pack_source
succeeds 'another version is accepted' unpack
says 'a notice names both versions' \
	'Linux 6.12.118; patches/6.12 was made against 6.12.117'
sed -i '$d' "$WORK/source/drivers/md/dm-crypt.c"
pack_source
succeeds 'a newer source leaves an existing tree alone' unpack
says 'a notice says so' 'to take it, remove'
refuses 'an existing tree of another source than KSRC is refused' 'made from another source' \
	unpack "$WORK/source"
rm -rf "$TREE"
NEED_MB=999999999 refuses 'too little disk space is refused before anything is unpacked' \
	'not enough disk space' unpack
echo '#define CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT 0x40000' >> "$WORK/source/include/crypto/skcipher.h"
pack_source
refuses 'a base that has the feature is refused' 'has this feature already' unpack
refuses 'a KSRC that is no kernel is refused' 'not a kernel source' unpack "$HOME"
make_source
succeeds 'KSRC can be a directory' unpack "$WORK/source"
succeeds 'it gives the same commit id' is_equal "$(tree_git rev-parse base)" "$first"

STATE=true
refuses 'a directory that is no composed tree has no base' "no tag 'base'" \
	command_of unpatched 6.12 "$WORK/source" "$WORK/unpatched"
succeeds 'the unpatched tree is made' unpatched
succeeds 'it is the base' same_files "$WORK/unpatched"
touch "$WORK/unpatched/object.o"
succeeds 'a second run is accepted' unpatched
succeeds 'it leaves the tree alone' test -e "$WORK/unpatched/object.o"
echo edit >> "$WORK/unpatched/crypto/skcipher.c"
refuses 'an edited unpatched tree is refused' 'reset --hard' unpatched
git -C "$WORK/unpatched" -c core.autocrlf=false reset -q --hard
succeeds 'both trees can be moved' move_both
mkdir "$WORK/other"
refuses 'a directory that is something else is refused' 'not a git worktree' \
	command_of unpatched 6.12 "$WORK/moved/linux" "$WORK/other"
finish
