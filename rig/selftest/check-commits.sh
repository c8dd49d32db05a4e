#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that check-commits runs checkpatch.pl on each commit and kernel-doc on the
# sources in it, and finds new files that MAINTAINERS does not cover. Both scripts are
# stand-ins: checkpatch.pl complains of commits with the word BAD, kernel-doc of lines
# with the word WRONG. For this kernel-doc, "* name() -" documents a function.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

check() {
	command_of check-commits 6.12 "$TREE"
}

# fails_one DESCRIPTION TAP-LINE: check fails in TAP-LINE and in nothing else
fails_one() {
	local description=$1 line=$2
	if check > "$OUTPUT" 2>&1; then
		echo '# it succeeded'
	elif [ "$(grep '^not ok' "$OUTPUT")" = "not ok $line" ]; then
		ktap_test_pass "$description"
		return
	fi
	sed 's/^/# /' "$OUTPUT"
	ktap_test_fail "$description"
}

ktap_print_header
ktap_set_plan 17
make_source
mkdir -p "$WORK/source/tools/testing/selftests/kselftest"
cp "$KTAP" "$WORK/source/tools/testing/selftests/kselftest/ktap_helpers.sh"
cat > "$WORK/source/scripts/checkpatch.pl" <<'END'
print "ARGUMENTS: @ARGV\n";
exit(`git show $ARGV[-1]` =~ /BAD/ ? 1 : 0);
END
cat > "$WORK/source/scripts/kernel-doc" <<'END'
#!/bin/sh
for file; do :; done
case $1 in
-none) sed -n "/WRONG/{=;}" "$file" | sed "s|.*|$file:&: warning: wrong|" ;;
-rst) sed -n 's/^ \* \([a-z_]*\)() - .*/.. c:function:: int \1 (int b, int (*f)(int a))/p' "$file" ;;
esac
! grep -q WRONG "$file"
END
chmod +x "$WORK/source/scripts/kernel-doc"
echo WRONG >> "$WORK/source/crypto/skcipher.c"
pack_source
make_repository
command_of unpack-base 6.12 "$TREE" > /dev/null
command_of compose 6.12 "$TREE" > /dev/null

succeeds 'a series without fault passes' check
succeeds_quietly 'there is a result for each commit and for MAINTAINERS' \
	is_equal "$(grep -c '^ok' "$OUTPUT")" 7
succeeds_quietly 'kernel-doc is asked where sources are touched' \
	is_equal "$(grep -c '^ok.*kernel-doc' "$OUTPUT")" 2

echo BAD >> "$TREE/crypto/skcipher.c"
tree_git commit -qam 'crypto: a bad commit'
fails_one 'a commit that checkpatch.pl complains of fails' '7 checkpatch: crypto: a bad commit'
says 'checkpatch.pl is asked to be strict' '--strict'
tree_git reset -q --hard HEAD~

mkdir -p "$TREE/crypto/deep" "$TREE/drivers/crypto/zulu"
echo new > "$TREE/drivers/crypto/zulu/units.c"
tree_git add -A
tree_git commit -qm 'crypto: zulu - a file of a driver'
succeeds 'a new file of a driver that MAINTAINERS has is covered' check
echo new > "$TREE/crypto/deep/units.c"
tree_git add -A
tree_git commit -qm 'crypto: a file of nobody'
fails_one 'a new file that MAINTAINERS does not cover fails' '11 MAINTAINERS covers every new file'
says 'it is named' 'covers: crypto/deep/units.c'
tree_git reset -q --hard HEAD~2

# add NAME PATH TEXT: commits TEXT at the end of PATH
add() {
	mkdir -p "$(dirname "$TREE/$2")"
	printf '%s\n' "$3" >> "$TREE/$2"
	tree_git add -A
	tree_git commit -qm "$1"
}

sed -i '1s/^/\n/' "$TREE/crypto/skcipher.c"
add 'crypto: lines move' crypto/skcipher.c good
succeeds 'a warning of kernel-doc that the base had counts for nothing' check
add 'crypto: wrong' crypto/skcipher.c WRONG
fails_one 'a new one in a file of the base fails' '10 kernel-doc: crypto: wrong'
says 'it is shown' 'crypto/skcipher.c:44: warning: wrong'
tree_git reset -q --hard HEAD~2

add 'crypto: wrong' crypto/units.c '/* WRONG */'
fails_one 'a warning in a new file fails' '8 kernel-doc: crypto: wrong'
tree_git reset -q --hard HEAD~

mkdir -p "$TREE/include/crypto"
cat > "$TREE/include/crypto/units.h" <<'END'
#define CALL(x) call(x)
/* int comment(void); */
struct units {
	int (*member)(int a);
};
typedef int (*units_fn)(int a);
static inline __attribute__((unused)) int here(int a)
{
	return other(a);
}
int there(int (*f)(int a),
	  int b);
int __hidden(void);
extern int variable;
struct units *give(void) __must_check;
END
sed -i '$a F:\tinclude/crypto/units.h' "$TREE/MAINTAINERS"
add 'crypto: header' crypto/units.c ' * there() - it is
EXPORT_SYMBOL_GPL(there);
EXPORT_SYMBOL(sent);
EXPORT_SYMBOL(__kept);'
fails_one 'what new files offer without kernel-doc fails' '8 kernel-doc: crypto: header'
is_named() {
	is_equal "$(sed -n 's/^# \(.*\) has no kernel-doc$/\1/p' "$OUTPUT" | xargs)" "$*"
}
succeeds_quietly 'that is functions, structs and what is exported' is_named give here sent units
add 'crypto: documented' crypto/units.c ' * sent() - it is'
fails_one 'another commit does not fail for it' '8 kernel-doc: crypto: header'
succeeds 'public-names prints its usage' command_of public-names --help
says 'it is the head of the script' 'usage: public-names FILE...'
ktap_finished
