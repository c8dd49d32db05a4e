# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Makes allocations in the kernel fail.  failslab makes slab allocations fail, and
# fail_page_alloc makes page allocations fail.  Each of the two acts on one function, and
# on the code that the function calls.  To be sourced after _lib.sh.  The test must call
# stop_failing() at its end, also after an error.

FAULTS=/sys/kernel/debug
declare -A FAULT_RANGE

# find_function NAME: prints the addresses of the function and of the next function.
# /proc/kallsyms is not sorted.  awk compares addresses as text, as all have the same
# length.
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

# set_range WHERE ADDRESSES: prepares start_failing() for WHERE, or skips the test.
set_range() {
	if [ -z "${2#* }" ] || [ $((0x${2% *})) -eq 0 ]; then
		skip_all "/proc/kallsyms does not say where $1 is"
	fi
	FAULT_RANGE[$1]=$2
}

# require_fault failslab|fail_page_alloc FUNCTION...: prepares start_failing() for each
# FUNCTION, or skips the test.
require_fault() {
	local function

	mount_debugfs
	[ -w "$FAULTS/$1/require-start" ] ||
		skip_all "the kernel has no $1 with stack filter"
	for function in "${@:2}"; do
		set_range "$function" "$(find_function "$function")"
	done
}

# start_failing failslab|fail_page_alloc WHERE [NAME=VALUE...]: makes all allocations
# at WHERE fail.  NAME=VALUE sets attributes of the kernel's fault injection, which limit
# the allocations that fail.  Sets probability last, as nothing may fail before the range
# of addresses is set.
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

stop_failing() {
	local directory

	for directory in "$FAULTS"/fail{slab,_page_alloc}; do
		[ -w "$directory/require-start" ] || continue
		echo 0 > "$directory/probability"
		echo 0 > "$directory/require-start"
		echo 0xffffffffffffffff > "$directory/require-end"
	done
}
