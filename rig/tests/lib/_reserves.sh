# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Leaves dm-crypt no memory but its reserves.  To be sourced after _faults.sh.

# find_module "[MODULE]": prints the addresses of the first and the last function of the
# module.
find_module() {
	awk -v name="$1" '
		$4 != name || $2 !~ /[tT]/ { next }
		!start || $1 "" < start "" { start = $1 }
		$1 "" > end "" { end = $1 }
		END { print start, end }' /proc/kallsyms
}

# Prepares leave_only_reserves(), or skips the test.
require_dm_crypt_faults() {
	require_fault failslab
	require_fault fail_page_alloc
	set_range '[dm_crypt]' "$(find_module '[dm_crypt]')"
}

# Makes all allocations of dm-crypt fail.  Allocations of the block layer fail, too, if
# dm-crypt calls the block layer.
leave_only_reserves() {
	start_failing failslab '[dm_crypt]'
	start_failing fail_page_alloc '[dm_crypt]'
}
