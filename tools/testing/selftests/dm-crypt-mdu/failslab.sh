# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Makes the allocations in one function of the kernel fail.  To be sourced after
# lib.sh; the test must call stop_failing() when it ends, in whatever way.

FAILSLAB=/sys/kernel/debug/failslab

# Prints where the function begins and where the next one does.  The list is
# not sorted, and addresses are compared as text: all have the same length.
find_function() {
	awk -v name="$1" '
		NR == FNR {
			if ($3 == name || ($3 ~ "^" name "\\." && $3 !~ /cold/))
				start = $1
			next
		}
		start && $1 "" > start "" && (!end || $1 "" < end "") { end = $1 }
		END { print start, end }' /proc/kallsyms /proc/kallsyms
}

# require_failslab FUNCTION: the one that is meant by the calls below.
require_failslab() {
	mount_debugfs
	[ -w $FAILSLAB/require-start ] ||
		skip_all "the kernel has no failslab with stack filter"
	read -r START END < <(find_function "$1")
	if [ -z "$END" ] || [ $((0x$START)) -eq 0 ]; then
		skip_all "/proc/kallsyms does not say where $1() is"
	fi
}

set_failslab() {
	echo "$2" > "$FAILSLAB/$1"
}

# Nothing may fail before the range of addresses is set: probability is last.
start_failing() {
	set_failslab task-filter N
	set_failslab ignore-gfp-wait N
	set_failslab cache-filter N
	set_failslab verbose 0
	set_failslab interval 1
	set_failslab space 0
	set_failslab times -1
	set_failslab stacktrace-depth 32
	set_failslab require-start "0x$START"
	set_failslab require-end "0x$END"
	set_failslab probability 100
}

stop_failing() {
	set_failslab probability 0
	set_failslab require-start 0
	set_failslab require-end 0xffffffffffffffff
}
