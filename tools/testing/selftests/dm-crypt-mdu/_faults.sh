# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Makes allocations in the kernel fail: failslab those of the slab allocator,
# fail_page_alloc those of pages.  Each of them can watch one function, or one module,
# and what that calls.  To be sourced after lib.sh; the test must call stop_failing()
# when it ends, in whatever way.

FAULTS=/sys/kernel/debug
declare -A FAULT_RANGE

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

# The same for all functions of a module, with its name in square brackets.
find_module() {
	awk -v name="$1" '
		$4 != name || $2 !~ /[tT]/ { next }
		!start || $1 "" < start "" { start = $1 }
		$1 "" > end "" { end = $1 }
		END { print start, end }' /proc/kallsyms
}

# require_fault failslab|fail_page_alloc WHERE...: functions, or a module as
# "[dm_crypt]", that calls of start_failing() will name.
require_fault() {
	local where range

	mount_debugfs
	[ -w "$FAULTS/$1/require-start" ] ||
		skip_all "the kernel has no $1 with stack filter"
	for where in "${@:2}"; do
		case $where in
		\[*)	range=$(find_module "$where") ;;
		*)	range=$(find_function "$where") ;;
		esac
		if [ -z "${range#* }" ] || [ $((0x${range% *})) -eq 0 ]; then
			skip_all "/proc/kallsyms does not say where $where is"
		fi
		FAULT_RANGE[$where]=$range
	done
}

# start_failing failslab|fail_page_alloc WHERE [NAME=VALUE...]: all allocations that
# are made there fail, or those of them that the attributes of the kernel's fault
# injection say.  Nothing may fail before the range of addresses is set: probability
# is last.
start_failing() {
	local range=${FAULT_RANGE[$2]} own word

	case $1 in
	failslab)		own=(cache-filter=N) ;;
	fail_page_alloc)	own=(min-order=0 ignore-gfp-highmem=N) ;;
	esac
	for word in task-filter=N ignore-gfp-wait=N verbose=0 interval=1 space=0 times=-1 \
		    stacktrace-depth=32 "require-start=0x${range% *}" \
		    "require-end=0x${range#* }" "${own[@]}" "${@:3}" probability=100; do
		echo "${word#*=}" > "$FAULTS/$1/${word%%=*}"
	done
}

require_dm_crypt_faults() {
	require_fault failslab '[dm_crypt]'
	require_fault fail_page_alloc '[dm_crypt]'
}

# Leaves dm-crypt nothing but what it has set aside.  The block layer below is called by
# it, and so does without memory, too.
leave_only_reserves() {
	start_failing failslab '[dm_crypt]'
	start_failing fail_page_alloc '[dm_crypt]'
}

stop_failing() {
	local directory

	for directory in "$FAULTS"/fail{slab,_page_alloc}; do
		[ -w "$directory/require-start" ] || continue
		echo 0 > "$directory/probability"
		echo 0 > "$directory/require-start"
		echo 0xffffffffffffffff > "$directory/require-end"
	done
}
