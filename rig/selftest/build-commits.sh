#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that build-commits finds failed builds and warnings of the compiler and of
# sparse, in the commit that brings them and in no other.  A file that sparse cannot
# read does not count as clean.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-kernel.sh"

# add_function FILE BODY: adds a function with this BODY
add_function() {
	printf '\nint more(void);\nint more(void)\n{\n%s\n}\n' "$2" >> "$TREE/$1"
}

WORD='	word x = 1;

	return x == 2;'

ktap_print_header
ktap_set_plan 21
make_kernel

succeeds 'a series without fault passes' walks build-commits
succeeds_quietly 'there is a result for each check' \
	is_equal "$(grep -c '^ok' "$OUTPUT")" 3

sed -i '3s/^/\n/' "$TREE/crypto/old.c"
commit_kernel 'crypto: move lines'
succeeds 'a warning that the base had counts for nothing, also on another line' \
	walks build-commits
succeeds_quietly 'that file was checked' is_equal "$(grep -c '^ok.*sparse' "$OUTPUT")" 2
drop_commit

add_function crypto/units.c '	return 1 +;'
commit_kernel 'crypto: does not compile'
fails_in 'what does not compile fails' build-commits 'builds: crypto: does not compile'
says 'the other checks are skipped' 'W=1 and sparse: crypto: does not compile (does not build) # SKIP'
drop_commit

add_function crypto/units.c '	int unused;

	return 1;'
commit_kernel 'crypto: unused variable'
fails_in 'a warning of the compiler fails' build-commits 'W=1: crypto: unused variable'
says 'it is shown' 'crypto/units.c:10:'

add_function crypto/xts.c '	return 2;'
commit_kernel 'crypto: good'
fails_in 'the next commit does not fail for it' build-commits 'W=1: crypto: unused variable'
drop_commit
drop_commit

add_function crypto/old.c "$WORD"
commit_kernel 'crypto: more of the same'
fails_in 'a new warning of sparse in a file of the base fails' build-commits \
	'sparse: crypto: more of the same'
says 'it is shown' 'crypto/old.c:12:'
drop_commit

sed -i '1i#include <crypto/word.h>' "$TREE/crypto/units.c"
add_function crypto/units.c "$WORD"
commit_kernel 'crypto: words'
echo '/* */' >> "$TREE/crypto/units.c"
commit_kernel 'crypto: words again'
fails_in 'a file that is new may have no warning, neither now nor later' build-commits \
	'sparse: crypto: words' 'sparse: crypto: words again'
drop_commit
drop_commit

add_function crypto/units.c '	_Static_assert(__builtin_strlen("ab") == 2, "");
	return sizeof(__typeof_unqual__(int));'
sed -i '1i#ifndef __CHECKER__\n#define __typeof_unqual__ __typeof__\n#endif' "$TREE/crypto/units.c"
commit_kernel 'crypto: new C'
succeeds 'what sparse does not know of C is told to it' walks build-commits
drop_commit

printf '#ifdef __CHECKER__\n_Static_assert(unknown(1), "");\n#endif\n' >> "$TREE/crypto/units.c"
commit_kernel 'crypto: newer C'
fails_in 'a file that sparse cannot read is not clean' build-commits 'sparse: crypto: newer C'
says 'it says why' 'sparse cannot check it'
drop_commit

printf '#ifdef __CHECKER__\n_Static_assert(unknown(1), "");\n#endif\n' >> "$TREE/crypto/old.c"
commit_kernel 'crypto: the base is of newer C'
tree_git tag -f base > /dev/null
add_function crypto/old.c "$WORD"
commit_kernel 'crypto: old'
fails_in 'nor is one that it never could read' build-commits 'sparse: crypto: old'

tree_git reset -q --hard base
mkdir -p "$TREE/tools/units"
echo 'not C' > "$TREE/tools/units/units.c"
commit_kernel 'tools: units'
succeeds 'programs are not built as a part of the kernel' walks build-commits
succeeds_quietly 'nor checked like one' is_equal "$(grep -c '^ok' "$OUTPUT")" 1

walks_in() {
	command_of build-commits 6.12 "$TREE" "$1"
}

mkdir "$WORK/mine"
echo mine > "$WORK/mine/file"
refuses "somebody's directory is no worktree" 'is no git worktree of' walks_in "$WORK/mine"
succeeds_quietly 'it is left alone' grep -q mine "$WORK/mine/file"
mv "$TREE" "$TREE.old"
cp -r "$TREE.old" "$TREE"
rm -rf "$TREE/.git/worktrees"
succeeds 'the worktree of a tree that was made anew is made anew' walks build-commits
ktap_finished
