#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that check-commits asks checkpatch.pl about each commit, and finds new
# files that MAINTAINERS does not cover. Its checkpatch.pl is a stand-in that
# complains of commits with the word BAD.
set -eu
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$(dirname "$0")/lib/fake-base.sh"

check() {
	command_of check-commits 6.12 "$TREE"
}

# fails_one DESCRIPTION TAP-LINE: check fails in this and nothing else.
fails_one() {
	local description=$1 line=$2
	if check >"$OUTPUT" 2>&1; then
		echo '# it succeeded'
	elif [ "$(grep '^not ok' "$OUTPUT")" = "not ok $line" ]; then
		ktap_test_pass "$description"
		return
	fi
	sed 's/^/# /' "$OUTPUT"
	ktap_test_fail "$description"
}

ktap_print_header
ktap_set_plan 6
make_source
mkdir -p "$WORK/source/tools/testing/selftests/kselftest"
cp "$KTAP" "$WORK/source/tools/testing/selftests/kselftest/ktap_helpers.sh"
cat >"$WORK/source/scripts/checkpatch.pl" <<'END'
print "ARGUMENTS: @ARGV\n";
exit(`git show $ARGV[-1]` =~ /BAD/ ? 1 : 0);
END
pack_source
make_repository
command_of unpack-base 6.12 "$TREE" >/dev/null
command_of compose 6.12 "$TREE" >/dev/null

succeeds 'a series without fault passes' check
succeeds_quietly 'there is a result for each commit and for MAINTAINERS' \
	is_equal "$(grep -c '^ok' "$OUTPUT")" 5

echo BAD >>"$TREE/crypto/skcipher.c"
tree_git commit -qam 'crypto: a bad commit'
fails_one 'a commit that checkpatch.pl complains of fails' '5 checkpatch: crypto: a bad commit'
says 'checkpatch.pl is asked to be strict' '--strict'
tree_git reset -q --hard HEAD~

mkdir -p "$TREE/crypto/deep"
echo new >"$TREE/crypto/deep/units.c"
tree_git add -A
tree_git commit -qm 'crypto: a file of nobody'
fails_one 'a new file that MAINTAINERS does not cover fails' '6 MAINTAINERS covers every new file'
says 'it is named' 'covers: crypto/deep/units.c'
ktap_finished
