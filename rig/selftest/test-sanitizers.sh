#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that boot.sh fails when a kernel that checks itself has found something,
# and that this kernel finds it: KASAN accesses after free and out of bounds on the heap,
# UBSAN an index out of bounds.  What is written beyond vmalloc() memory is found, too,
# but that page is not mapped, and which of KASAN and the processor is faster depends on
# how the compiler copies.
#
# usage: test-sanitizers.sh --kernel BZIMAGE --rootfs IMG
#
#   --kernel      built with kasan.config

set -u

. "$(dirname "$0")/../boot/_lib.sh"
. "$(dirname "$0")/lib/provoke.sh"

# expect_report DESCRIPTION WORDS CRASHTYPE
expect_report()
{
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
