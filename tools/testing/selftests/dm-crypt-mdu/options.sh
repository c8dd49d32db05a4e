#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that batching works with each option of the crypt target that changes
# where and when data is converted, and leaves the bytes on disk as they are.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")"/lib.sh
require_helper xts_oracle

KEY=$(random_key 64)
SIZE=$((2 * 1024 * 1024))
ALL_OPTIONS="same_cpu_crypt submit_from_crypt_cpus no_read_workqueue"
ALL_OPTIONS="$ALL_OPTIONS no_write_workqueue high_priority allow_discards"

# Writes and reads back the volume; leaves the raw device in the file $3.
use_volume() {
	map "$1" aes-xts-plain64 "$KEY" 0 "${@:4}"
	"expect_$2" disabled
	write_mixed 512 "$WORK/plain"
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read back, batching $2"
	block_io read "$1" > "$3"
}

works_with() {
	local disk

	random_file "$WORK/plain" $SIZE
	disk=$(make_disk $((SIZE / 512)))
	use_volume "$disk" on "$WORK/on" "$@"
	expect_batched
	unmap
	oracle decrypt --key "$KEY" < "$WORK/on" > "$WORK/decrypted"
	expect_same "$WORK/plain" "$WORK/decrypted" "oracle"

	set_batching N
	disk=$(make_disk $((SIZE / 512)))
	use_volume "$disk" off "$WORK/off" "$@"
	expect_same "$WORK/on" "$WORK/off" "raw devices"
}

ktap_set_plan 7
for option in $ALL_OPTIONS; do
	run_case "$option" works_with "$option"
done
# shellcheck disable=SC2086 # one argument an option
run_case "all of them" works_with $ALL_OPTIONS
finish
