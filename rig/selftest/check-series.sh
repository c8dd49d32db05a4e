#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that each part of check-series finds each fault in the commit that brings it, and
# in no other, and finds none in a good series.  The kernel is a few C files.  checkpatch.pl is a
# stand-in that complains of commits with the word UGLY, kernel-doc one that complains of
# lines with the word WRONG; for it, "* name() -" documents a function.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

WORD='	word x = 1;

	return x == 2;'
# shellcheck disable=SC2034 # the table uses these
UNKNOWN='#ifdef __CHECKER__
_Static_assert(unknown(1), "");
#endif'
# shellcheck disable=SC2034
DIVIDE='unsigned long long d(unsigned long long a, unsigned long long b);
unsigned long long d(unsigned long long a, unsigned long long b) { return a / b; }'

# append FILE TEXT: adds a line to a file of the tree
append() {
	mkdir -p "$(dirname "$TREE/$1")"
	printf '%s\n' "$2" >> "$TREE/$1"
}

# add_function FILE NAME BODY
add_function() {
	append "$1" "int $2(void);
int $2(void)
{
$3
}"
}

# orphan_units: touches a source, and takes it out of its Makefile
orphan_units() {
	sed -i /units.o/d "$TREE/crypto/Makefile"
	append crypto/units.c '/* */'
}

# make_kernel: makes $TREE, with tag base, and one good commit on top, tag good
make_kernel() {
	local bin=$WORK/bin scripts=$TREE/scripts

	make_repository
	cp -r "$TESTS/../variants" "$REPOSITORY/rig/variants"
	mkdir -p "$scripts" "$TREE/tools/testing/selftests/kselftest" "$bin"
	cp "$KTAP" "$TREE/tools/testing/selftests/kselftest/ktap_helpers.sh"
	cp "$TESTS/lib/fake-kernel.mk" "$TREE/Makefile"
	# A stand-in, if Sphinx is not installed.
	printf '#!/bin/sh\n' > "$bin/sphinx-build"
	cat > "$REPOSITORY/rig/boot/build-kernel.sh" <<-'END'
	#!/bin/sh -e
	while [ $# -gt 2 ]; do shift; done
	mkdir -p "$2"
	echo CONFIG_MD=y > "$2/.config"
	make -C "$1" "O=$2" CC=gcc "ARCH=$ARCH" crypto/ drivers/
	END
	cat > "$scripts/checkpatch.pl" <<-'END'
	exit(!grep(/^--strict$/, @ARGV) || `git show $ARGV[-1]` =~ /UGLY/ ? 1 : 0);
	END
	cat > "$scripts/kernel-doc" <<-'END'
	#!/bin/sh
	for file; do
		case $1:$file in
		*:-*) ;;
		-none:*) sed -n "/WRONG/{=;}" "$file" | sed "s|.*|$file:&: warning: wrong|" ;;
		-rst:*) sed -n 's/^ \* \([a-z_]*\)() - .*/.. c:function:: int \1 (int (*f)(int a))/p' "$file" ;;
		esac
	done
	END
	chmod +x "$bin/sphinx-build" "$REPOSITORY/rig/boot/build-kernel.sh" "$scripts/kernel-doc"
	PATH=$PATH:$bin

	append .gitignore '.*
!.gitignore'
	append MAINTAINERS 'F:	drivers/crypto/zulu/'
	append crypto/Makefile "obj-y := old.o
obj-\$(CONFIG_CRYPTO_XTS) += xts.o"
	append drivers/md/Makefile "obj-\$(CONFIG_BLK_DEV_DM) += dm.o"
	append include/crypto/word.h '#ifdef __CHECKER__
typedef unsigned int __attribute__((bitwise)) word;
#else
typedef unsigned int word;
#endif'
	# The base already has faults, about which sparse, kernel-doc and Sphinx warn.
	append crypto/old.c '#include <crypto/word.h>

/* WRONG */
word old(void);
word old(void)
{
	return 1;
}'
	add_function crypto/xts.c xts '	return 1;'
	add_function drivers/md/dm.c dm '	return 1;'
	append Documentation/crypto/index.rst 'Crypto
BAD'
	git -C "$TREE" init -q -b series
	commit_in_tree 'base'
	tree_git tag base
	add_function crypto/units.c units '	return 1;'
	append crypto/Makefile 'obj-y += units.o'
	append Documentation/crypto/index.rst 'More.'
	append MAINTAINERS '
UNITS
F:	crypto/units.[ch]
F:	include/crypto/units.h
F:	Documentation/crypto/'
	commit_in_tree 'good'
	tree_git tag good
}

# finds PARTS DESCRIPTION [NAMES]: check-series must fail exactly the tests NAMES, separated
# by ";".  Without NAMES it must pass
finds() {
	local status=0 wrong=0 failed

	# shellcheck disable=SC2086 # PARTS are words
	command_of check-series 6.12 "$TREE" "$WORK/worktree" $1 > "$OUTPUT" 2>&1 || status=$?
	failed=$(sed -n 's/^not ok [0-9]* //p' "$OUTPUT" | paste -sd ';')
	[ "$failed" = "${3-}" ] && [ $((status == 0)) -eq $((${#failed} == 0)) ] || wrong=1
	report "$1: $2" $wrong "$OUTPUT"
}

ktap_print_header
make_kernel
finds 'text docs build variants' 'a series without fault passes'
succeeds_quietly 'with a result for each check' is_equal \
	"$(sed -n 's/^ok [0-9]* //p' "$OUTPUT" | paste -sd ';')" \
	"checkpatch: good;kernel-doc;MAINTAINERS covers every new file;documentation of crypto;$(
		printf '%s: good;' builds W=1 sparse
		printf 'configuration: %s;' i386 arm arm64 modules no-selftests no-manager
		printf '%s: good;' i386 arm arm64 modules no-selftests no-manager \
			'a variant compiles each source'
	)modules: the kernel links"
succeeds_quietly 'objects are of the architecture' \
	grep ARM <(arm-linux-gnueabi-readelf -h "$WORK/worktree/.build-arm/crypto/units.o")

# Each line: part, description, the tests that must fail, and a command that makes a fault,
# for a new last commit. If no test is named, the command makes no fault.
while IFS='|' read -r part description failed fault <&3; do
	eval "$fault"
	commit_in_tree 'fault'
	finds "$part" "$description" "$failed"
	tree_git reset -q --hard good
done 3<<'END'
text|a commit that checkpatch.pl complains of|checkpatch: fault|append crypto/old.c UGLY
text|an old warning of kernel-doc, on another line||sed -i '1s/^/\n/' "$TREE/crypto/old.c"
text|a new warning of kernel-doc in an old file|kernel-doc|append crypto/old.c '/* WRONG */'
text|a warning of kernel-doc in a new file|kernel-doc|append crypto/units.c '/* WRONG */'
text|an export without kernel-doc|kernel-doc|append crypto/units.c 'EXPORT_SYMBOL_GPL(sent);'
text|an export with kernel-doc||append crypto/units.c $' * sent() - it is\nEXPORT_SYMBOL(sent);'
text|a new file without maintainer|MAINTAINERS covers every new file|append crypto/deep/units.c new
text|a new file of a driver that MAINTAINERS has||append drivers/crypto/zulu/units.c new
docs|an old warning, on another line||sed -i '1s/^/\n/' "$TREE/Documentation/crypto/index.rst"
docs|a new warning|documentation of crypto|append Documentation/crypto/units.rst BAD
docs|a page that is lost|documentation of crypto|append Documentation/crypto/units.rst NOT_OUT
build|a source that does not compile|builds: fault|add_function crypto/units.c more 'return 1 +;'
build|a warning of gcc|W=1: fault|add_function crypto/units.c more 'int unused; return 1;'
build|an old warning of sparse, on another line||sed -i '3s/^/\n/' "$TREE/crypto/old.c"
build|a new warning of sparse in an old file|sparse: fault|add_function crypto/old.c more "$WORD"
build|a source that sparse cannot read|sparse: fault|append crypto/old.c "$UNKNOWN"
build|programs, which are not a part of the kernel||append tools/units/units.c 'not C'
build|C that needs our -D||append crypto/units.c '_Static_assert(__builtin_strlen("ab") == 2, "");'
variants|sources of some configurations||append crypto/xts.c '/* */'; append drivers/md/dm.c '/* */'
variants|a warning|i386: fault|append crypto/units.c $'#ifdef __i386__\nstatic int unused;\n#endif'
variants|a 64-bit division|i386: fault;arm: fault|append crypto/units.c "$DIVIDE"
variants|a source that no Makefile names|a variant compiles each source: fault|orphan_units
variants|an option without effect|configuration: i386;configuration: arm|append drop CONFIG_HIGHMEM
variants|not exported|modules: the kernel links|append crypto/old.c $'#ifdef X\nUNEXPORTED\n#endif'
END

# Faults of an earlier commit.
append crypto/units.c '#include <crypto/word.h>'
add_function crypto/units.c more "$WORD"
commit_in_tree 'fault'
append crypto/units.c '/* */'
commit_in_tree 'again'
finds build 'a new file may have no warning of sparse, neither now nor later' \
	'sparse: fault;sparse: again'
tree_git reset -q --hard good
add_function crypto/units.c more '	int unused; return 1;'
commit_in_tree 'fault'
add_function crypto/old.c more '	return 2;'
commit_in_tree 'later'
finds build 'the next commit does not fail for a fault of this one' 'W=1: fault'
append include/crypto/units.h '#define CALL(x) call(x)
/* int comment(void); */
struct units {
	int (*member)(int a);
};
typedef int (*units_fn)(int a);
static inline __maybe_unused int here(int a)
{
	return other(a);
}
int there(int (*f)(int a),
	  int b);
static inline int
below(void);
int __hidden(void);
extern int variable;
struct units *give(void) __must_check;'
append crypto/units.c '/*
 * there() - it is
 */'
commit_in_tree 'fault'
finds text 'a header without kernel-doc' 'kernel-doc'
succeeds_quietly 'headers offer functions and structs' is_equal \
	"$(sed -n 's/^# \(.*\) has no kernel-doc$/\1/p' "$OUTPUT" | xargs)" 'below give here units'
tree_git reset -q --hard good

append arch/x86/crypto/Makefile 'obj-y += fast.o'
append arch/x86/crypto/fast.c 'int fast;'
append crypto/Makefile "obj-\$(CONFIG_CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST) += kunit.o"
append crypto/Kconfig 'config CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST'
append crypto/kunit.c 'int kunit;'
commit_in_tree 'more'
finds variants 'a source of another architecture, and an option that comes later'
succeeds_quietly 'variants compile them if their configuration has them' is_equal \
	"$(cd "$WORK/worktree" && find . -name fast.o -o -name kunit.o | sort | xargs)" \
	"./.build-arm/crypto/kunit.o ./.build-arm64/crypto/kunit.o ./.build-i386/arch/x86/crypto/fast.o ./.build-i386/crypto/kunit.o \
./.build-modules/arch/x86/crypto/fast.o ./.build-modules/crypto/kunit.o \
./.build-no-manager/arch/x86/crypto/fast.o ./.build-no-selftests/arch/x86/crypto/fast.o \
./.build-no-selftests/crypto/kunit.o"
tree_git reset -q --hard good

append crypto/old.c "$UNKNOWN"
commit_in_tree 'newer C'
tree_git tag -f base > /dev/null
append crypto/old.c '/* */'
commit_in_tree 'fault'
finds build 'a source that sparse never could read' 'sparse: fault'
tree_git tag -f base good~ > /dev/null
tree_git reset -q --hard good

mkdir "$WORK/mine"
echo mine > "$WORK/mine/file"
refuses "somebody's directory is no worktree" 'is no git worktree of' \
	command_of check-series 6.12 "$TREE" "$WORK/mine" build
succeeds_quietly 'it is left alone' grep -q mine "$WORK/mine/file"
mv "$TREE" "$TREE.old"
cp -r "$TREE.old" "$TREE"
rm -rf "$TREE/.git/worktrees"
finds build 'if a tree is made anew, so is its worktree'

finish
