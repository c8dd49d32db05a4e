# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Chooses random options, sector sizes and IVs for tables of batched volumes.  To be
# sourced.  All choices depend on RANDOM, which the test must seed.

# shellcheck disable=SC2034 # variables for the tests

FLAGS=(same_cpu_crypt submit_from_crypt_cpus high_priority no_read_workqueue
	no_write_workqueue allow_discards)

# Sets SECTOR_SIZE, IV (plain or plain64), IV_OFFSET, and OPTIONS: the optional
# arguments of the table, in random order.
choose_options() {
	local flag options=()

	SECTOR_SIZE=$((512 << RANDOM % 4))
	OPTIONS=("sector_size:$SECTOR_SIZE")
	for flag in "${FLAGS[@]}"; do
		[ $((RANDOM % 2)) -eq 0 ] || OPTIONS+=("$flag")
	done
	# With "plain", all IVs have to fit in 32 bits.  This offset has 30 bits.
	IV=plain
	IV_OFFSET=$((RANDOM << 15 | RANDOM))
	if [ $((RANDOM % 2)) -eq 0 ]; then
		IV=plain64
		IV_OFFSET=$((IV_OFFSET << 28 | RANDOM))
	fi
	IV_OFFSET=$((IV_OFFSET / 8 * 8))
	[ $((RANDOM % 2)) -eq 0 ] || OPTIONS+=(iv_large_sectors)
	for flag in "${OPTIONS[@]}"; do
		if [ $((RANDOM % 2)) -eq 0 ]; then
			options+=("$flag")
		else
			options=("$flag" ${options[@]+"${options[@]}"})
		fi
	done
	OPTIONS=("${options[@]}")
}
