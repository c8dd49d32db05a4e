#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a kernel which checks itself finds faults, and that boot.sh then fails.
# KASAN finds accesses after free and out of bounds on the heap, UBSAN an index out of
# bounds.  A write beyond vmalloc() memory hits a page that is not mapped: it depends on
# the compiler's way to copy whether KASAN or the processor reports the write.
#
# usage: sanitizers.sh --kernel BZIMAGE --rootfs IMG
#
#   --kernel      built with kasan.config

set -u

. "$(dirname "$0")/../../boot/_lib.sh"
. "$(dirname "$0")/_provoke.sh"

# expect_report DESCRIPTION WORDS CRASHTYPE: the kernel must report WORDS
expect_report() {
	expect_failure "$1" "the kernel complained: .*$2" "$3" --mem 2048 --timeout 600 \
		--append cryptomgr.fuzz_iterations=10
}

ktap_print_header
ktap_set_plan 4
expect_report "KASAN: read after free" "BUG: KASAN: .*use-after-free" READ_AFTER_FREE
expect_report "KASAN: write beyond the heap" "BUG: KASAN: slab-out-of-bounds" \
	SLAB_LINEAR_OVERFLOW
expect_report "write beyond vmalloc() memory" \
	"BUG: \\(KASAN: vmalloc-out-of-bounds\\|unable to handle page fault\\)" \
	VMALLOC_LINEAR_OVERFLOW
expect_report "UBSAN: index out of bounds" "UBSAN: array-index-out-of-bounds" ARRAY_BOUNDS
ktap_finished
