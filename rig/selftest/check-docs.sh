#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that check-docs finds new warnings and missing pages in the commit that
# brings them, and builds no documentation for a commit that does not touch it.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-kernel.sh"

ktap_print_header
ktap_set_plan 11
make_kernel

succeeds 'a series without new warnings passes' walks check-docs
sed -i '1i\\n' "$TREE/Documentation/crypto/index.rst"
commit_kernel 'doc: move lines'
echo '/* */' >> "$TREE/crypto/units.c"
commit_kernel 'crypto: no documentation'
succeeds 'a warning that the base had counts for nothing, also on another line' walks check-docs
succeeds_quietly 'commits that do not touch it are left out' is_equal "$(grep -c '^ok' "$OUTPUT")" 2

printf '.. kernel-doc:: crypto/units.c\n' >> "$TREE/Documentation/crypto/index.rst"
commit_kernel 'doc: include a source'
echo '/* */' >> "$TREE/crypto/units.c"
commit_kernel 'crypto: documentation'
succeeds 'sources that documents include pass' walks check-docs
succeeds_quietly 'with them it is built' grep -q '^ok 4 docs: crypto: documentation' "$OUTPUT"
tree_git reset -q --hard base

printf 'Units\nBAD\n' > "$TREE/Documentation/crypto/units.rst"
commit_kernel 'doc: bad'
echo good >> "$TREE/Documentation/crypto/units.rst"
commit_kernel 'doc: good'
fails_in 'a new warning fails, and only once' check-docs 'docs: doc: bad'
says 'it is shown' 'Documentation/crypto/units.rst:2:WARNING'
tree_git reset -q --hard base

echo NOT_OUT > "$TREE/Documentation/crypto/units.rst"
commit_kernel 'doc: lost'
fails_in 'a page that does not come out fails' check-docs 'docs: doc: lost'
says 'it is named' 'Documentation/crypto/units.rst is not in the output'
tree_git reset -q --hard base

echo '/* */' >> "$TREE/crypto/units.c"
commit_kernel 'crypto: code'
fails_quietly=$(walks check-docs 2>&1) || true
succeeds_quietly 'without any document it is skipped' grep -q '^1..0 # SKIP' <<< "$fails_quietly"
PATH=/usr/bin:/bin
rm "$WORK/bin/sphinx-build"
if command -v sphinx-build > /dev/null; then
	ktap_test_skip 'a machine without Sphinx: this one has it'
else
	refuses 'without Sphinx its package is named' python3-sphinx walks check-docs
fi
ktap_finished
