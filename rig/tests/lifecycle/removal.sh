#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a batched volume cannot be removed while it is open, that its removal
# waits for its I/O, and that it leaves nothing behind.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_kmemleak.sh
require_helper xts_oracle

KEY=$(random_key 64)
SIZE=$((1024 * 1024))
SECTORS=$((SIZE / 512))

# open_volume SECTOR_SIZE: writes random data to $VOLUME and $WORK/plain.
open_volume() {
	DISK=$(make_disk $SECTORS)
	map_filled "$DISK" "$1"
	expect_batched
}

not_while_open() {
	local directory

	open_volume 512
	directory=$(sys_directory)
	exec 5< "$VOLUME"
	expect_busy
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read after the removal was refused"
	exec 5<&-
	unmap
	[ ! -e "$directory" ] || fail "there is still a device"
}

# wait_for_flight DIRECTORY
wait_for_flight() {
	local i reads writes

	for ((i = 0; i < 100; i++)); do
		read -r reads writes < "$1/inflight"
		[ $((reads + writes)) -eq 0 ] || return 0
		sleep 0.05
	done
	fail "no I/O is in flight"
}

# The volume goes away when its last user closes it.
deferred() {
	local writer directory

	open_volume 512
	unmap
	dmsetup create "$NAME-below" --table "0 $SECTORS delay $DISK 0 2000" ||
		skip "the kernel has no dm-delay"
	map "/dev/mapper/$NAME-below" aes-xts-plain64 "$KEY" 0
	directory=$(sys_directory)
	random_file "$WORK/new" $SIZE
	block_io write "$VOLUME" < "$WORK/new" &
	writer=$!
	wait_for_flight "$directory"
	expect_busy
	dmsetup remove --deferred "$NAME"
	wait_for_flight "$directory"
	wait $writer
	wait_until_gone "$directory"
	block_io read "$DISK" | oracle decrypt --key "$KEY" > "$WORK/out"
	expect_same "$WORK/new" "$WORK/out" "written before the removal"
}

# The removal waits for the work that follows after the last I/O has completed.
right_after_io() {
	local i

	open_volume "$1"
	for i in {1..12}; do
		[ "$i" -eq 1 ] || map "$DISK" aes-xts-plain64 "$KEY" 0 "sector_size:$1"
		if [ $((i % 4)) -eq 0 ]; then
			random_file "$WORK/plain" $SIZE
			cat "$WORK/plain" > "$VOLUME"
		elif [ $((i % 4)) -eq 1 ]; then
			random_file "$WORK/plain" $SIZE
			block_io write "$VOLUME" --sizes $SIZE < "$WORK/plain"
		else
			block_io read "$VOLUME" --sizes $SIZE > "$WORK/out"
			expect_same "$WORK/plain" "$WORK/out" "read in round $i"
		fi
		unmap
	done
	block_io read "$DISK" | oracle decrypt --key "$KEY" --sector-size "$1" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "on disk"
}

# create_many NUMBER: creates all of these volumes with one program.
create_many() {
	local i specification=

	NAMES=()
	for ((i = 0; i < $1; i++)); do
		NAMES+=("$NAME-many$i")
		specification+="${NAMES[-1]},,,rw,0 $SECTORS crypt $AES_XTS-plain64 $KEY 0 $DISK 0;"
	done
	dmsetup create --concise "${specification%;}"
}

# Makes each general cache of the slab allocator give back its free memory, and then
# prints a line "CACHE OBJECTS" for each.
list_objects() {
	local directory objects

	# The kernel frees some objects later, in the background.
	sleep 1
	for directory in /sys/kernel/slab/kmalloc-*; do
		echo 1 > "$directory/shrink"
		read -r objects _ < "$directory/objects"
		echo "${directory##*/} $objects"
	done
}

# expect_objects NUMBER: no cache has grown by NUMBER objects since $WORK/objects.  Objects
# that a processor has at hand count as in use: a page of small objects.
expect_objects() {
	local grown

	list_objects > "$WORK/objects.now"
	grown=$(awk -v most="$1" '
		NR == FNR { before[$1] = $2; next }
		$1 !~ /-(8|16)$/ && $2 - before[$1] >= most {
			print $1, before[$1], "to", $2 }' "$WORK/objects" "$WORK/objects.now")
	[ -z "$grown" ] || fail "objects are left: $grown"
}

# Each volume has a kernel thread, workqueues and pools.
leaves_nothing() {
	local i percpu_before

	[ -w /sys/kernel/slab/kmalloc-64/shrink ] ||
		skip "the kernel does not tell about its allocator"
	DISK=$(make_disk $SECTORS)
	for i in {1..23}; do
		create_many 30
		dmsetup remove "${NAMES[@]}"
		# Some of the memory for the first volumes stays.
		[ "$i" -eq 3 ] || continue
		list_objects > "$WORK/objects"
		percpu_before=$(meminfo Percpu)
	done
	if has_kmemleak; then
		expect_no_leaks
		return
	fi
	expect_objects 300
	[ $(($(meminfo Percpu) - percpu_before)) -le 16 ] ||
		fail "memory for each processor grew from $percpu_before to $(meminfo Percpu) KiB"
}

ktap_set_plan 5
for size in 512 4096; do
	run_case "sectors of $size: removal right after I/O" right_after_io $size
done
run_case "no removal while the volume is open" not_while_open
run_case "deferred removal, with I/O in flight" deferred
run_case "hundreds of volumes leave nothing behind" leaves_nothing
finish
