#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that unpack-base puts the whole base into one commit with the same id
# everywhere, and refuses a source that cannot be a base. unpack-base never
# leaves a half-made tree, and never accepts one.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

unpack() {
	command_of unpack-base 6.12 "$TREE"
}

nothing_left() {
	[ ! -e "$TREE" ] && [ ! -e "$TREE.tmp" ]
}

same_files() {
	diff -r --no-dereference --exclude=.git --exclude=.gitignore "$WORK/source" "$TREE"
}

modes_kept() {
	[ -x "$TREE/scripts/run.sh" ] && [ -L "$TREE/Documentation/Changes" ] &&
		is_equal "$(tree_git ls-tree HEAD scripts/run.sh | cut -c 1-6)" 100755
}

ktap_print_header
ktap_set_plan 28
make_source
make_repository
pack_source

succeeds 'a base is unpacked' unpack
succeeds_quietly 'the version that the series was made against is not worth a notice' \
	fails grep -q notice "$OUTPUT"
succeeds 'all files are there' same_files
succeeds 'modes and links are kept' modes_kept
succeeds 'the tree is clean, files that .gitignore matches are committed' \
	is_equal "$(tree_git status --porcelain; tree_git ls-files drivers/firmware.o)" drivers/firmware.o
echo new > "$TREE/crypto/new.c"
succeeds 'a new file is seen although .gitignore of Debian hides all' \
	is_equal "$(tree_git status --porcelain)" '?? crypto/new.c'
rm "$TREE/crypto/new.c"
succeeds 'there is one commit, tagged base' \
	is_equal "$(tree_git rev-list HEAD)" "$(tree_git rev-parse base)"
first=$(tree_git rev-parse base)
touch "$TREE/mark"
succeeds 'a second run leaves the tree alone' unpack
succeeds 'it does' test -e "$TREE/mark"

rm -rf "$TREE"
mkdir -p "$TREE.tmp/.git"
echo half > "$TREE.tmp/half"
succeeds 'what an interrupted run left is not taken for good' unpack
succeeds 'it is not' fails test -e "$TREE/half"
succeeds 'the same base gives the same commit id' is_equal "$(tree_git rev-parse base)" "$first"

rm -rf "$TREE"
mkdir "$TREE"
refuses 'a directory that is something else is refused' 'not a tree made by unpack-base' unpack
rm -rf "$TREE"

head -c 300 "$KSRC_DIR/linux-source-6.12.tar.xz" > "$WORK/cut"
mv "$WORK/cut" "$KSRC_DIR/linux-source-6.12.tar.xz"
refuses 'a tarball that is cut short is refused' 'could not unpack' unpack
succeeds 'nothing is left of it' nothing_left

make_source 118
pack_source
succeeds 'another version is accepted' unpack
says 'a notice names the version found' 'Linux 6.12.118'
says 'a notice names the version the series was made against' 'made against 6.12.117'
sed -i '$d' "$WORK/source/drivers/md/dm-crypt.c"
pack_source
succeeds 'a newer source leaves an existing tree alone' unpack
says 'a notice says so' 'to take it, remove'
refuses 'an existing tree of another source than KSRC is refused' 'made from another source' \
	env KSRC="$WORK/source" "$REPOSITORY/rig/bin/unpack-base" 6.12 "$TREE"
rm -rf "$TREE"

NEED_MB=999999999 refuses 'too little disk space is refused before anything is unpacked' \
	'not enough disk space' unpack
succeeds 'nothing is left of it' nothing_left

echo '#define CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT 0x40000' >> "$WORK/source/include/crypto/skcipher.h"
pack_source
refuses 'a base that has the feature is refused' 'has this feature already' unpack
succeeds 'nothing is left of it' nothing_left

make_source
succeeds 'KSRC can be a directory' \
	env KSRC="$WORK/source" "$REPOSITORY/rig/bin/unpack-base" 6.12 "$TREE"
succeeds 'it gives the same commit id' is_equal "$(tree_git rev-parse base)" "$first"
rm -rf "$TREE"
refuses 'a KSRC that is no kernel is refused' 'not a kernel source' \
	env KSRC="$HOME" "$REPOSITORY/rig/bin/unpack-base" 6.12 "$TREE"
ktap_finished
