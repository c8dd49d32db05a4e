#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that boot.sh fails when a kernel that checks itself has found something,
# and that this kernel finds it: KASAN accesses after free and out of bounds, on
# the heap and on vmalloc() memory, UBSAN an index out of bounds.
#
# usage: test-sanitizers.sh [--ktap FILE] --kernel BZIMAGE --rootfs IMG
#
#   --kernel      built with kasan.config
#   --ktap FILE   ktap_helpers.sh (default: the one of the tree this is in)

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

ktap=$here/../../kselftest/ktap_helpers.sh
kernel=
rootfs=
parse_options ktap kernel rootfs -- "$@"
for file in "$ktap" "$kernel" "$rootfs"; do
	[ -r "$file" ] || die "cannot read $file"
done

# shellcheck source=/dev/null
. "$ktap"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect_report DESCRIPTION WORDS CRASHTYPE
expect_report()
{
	if ! "$here/boot.sh" --kernel "$kernel" --rootfs "$rootfs" --quiet --mem 2048 \
		--append cryptomgr.fuzz_iterations=10 \
		--job provoke --args "$3" --log "$work/log" --report "$work/report" \
		--timeout 600 > "$work/output" 2>&1 &&
		grep -q "the kernel complained: .*$2" "$work/output"; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
		sed 's/^/# /' "$work/output"
	fi
}

ktap_print_header
ktap_set_plan 4
expect_report "KASAN: read after free" "BUG: KASAN: .*use-after-free" READ_AFTER_FREE
expect_report "KASAN: write beyond the heap" "BUG: KASAN: slab-out-of-bounds" \
	SLAB_LINEAR_OVERFLOW
expect_report "KASAN: write beyond vmalloc() memory" "BUG: KASAN: vmalloc-out-of-bounds" \
	VMALLOC_LINEAR_OVERFLOW
expect_report "UBSAN: index out of bounds" "UBSAN: array-index-out-of-bounds" ARRAY_BOUNDS
ktap_finished
