# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Makes allocations in the kernel fail.  failslab makes slab allocations fail, and
# fail_page_alloc makes page allocations fail.  Each of the two acts on one function or
# one module, and on the code that the function or module calls.  To be sourced after
# _lib.sh.  The test must call stop_failing() at its end, also after an error.

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

# find_module "[MODULE]": prints the addresses of the first and the last function of the
# module.
find_module() {
	awk -v name="$1" '
		$4 != name || $2 !~ /[tT]/ { next }
		!start || $1 "" < start "" { start = $1 }
		$1 "" > end "" { end = $1 }
		END { print start, end }' /proc/kallsyms
}

# require_fault failslab|fail_page_alloc WHERE...: prepares start_failing() for each
# WHERE, or skips the test.  WHERE is a function, or a module as "[dm_crypt]".
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

require_dm_crypt_faults() {
	require_fault failslab '[dm_crypt]'
	require_fault fail_page_alloc '[dm_crypt]'
}

# Makes all allocations of dm-crypt fail, so that dm-crypt has only its reserves.
# Allocations of the block layer fail, too, if dm-crypt calls the block layer.
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
