# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs I/O in the background (loads), while a test changes the volume.  To be sourced after
# _lib.sh.

LOADS=()
# The loads write and read the target: the volume, or a file in the volume.
TARGET=$VOLUME

# A failed case may leave the volume suspended.  Resumes the volume, so that the loads can
# end.  The test may define its own resume_volume().
resume_volume() {
	dmsetup message "$NAME" 0 key set "$KEY" 2> /dev/null || :
	dmsetup resume "$NAME" || :
}

# load OFFSET LENGTH: writes the data of two files in turn to that part of the target, and
# reads each back, until the file "stop" exists.  At the end, the part has the data of the
# second file.
load() {
	local file

	while [ ! -e "$WORK/stop" ]; do
		for file in "$WORK/first.$1" "$WORK/last.$1"; do
			block_io write "$TARGET" --offset "$1" --length "$2" \
				--sizes 131072,4096,65536 < "$file"
			block_io read "$TARGET" --offset "$1" --length "$2" > "$WORK/read.$1"
			cmp "$file" "$WORK/read.$1"
			echo >> "$WORK/rounds.$1"
		done
	done
}

# start_load OFFSET LENGTH: starts a load.  Several loads can run on different parts.
start_load() {
	random_file "$WORK/first.$1" "$2"
	random_file "$WORK/last.$1" "$2"
	: > "$WORK/rounds.$1"
	load "$@" 2> "$WORK/error.$1" &
	LOADS+=("$1:$2:$!")
	trap abort_load EXIT
}

abort_load() {
	: > "$WORK/stop"
	[ ! -e "$VOLUME" ] || resume_volume
	wait
}

# for_each_load COMMAND...: runs COMMAND with offset, length and process of each load.
for_each_load() {
	local load offset length

	for load in "${LOADS[@]}"; do
		IFS=: read -r offset length load <<< "$load"
		"$@" "$offset" "$length" "$load"
	done
}

rounds() {
	local lines

	mapfile -t lines < "$WORK/rounds.$1"
	echo ${#lines[@]}
}

# wait_round OFFSET LENGTH PROCESS: waits until the load has begun and ended a round.
wait_round() {
	local wanted end=$((SECONDS + 120))

	wanted=$(($(rounds "$1") + 2))
	while [ "$(rounds "$1")" -lt $wanted ]; do
		kill -0 "$3" 2> /dev/null || fail "load at $1: $(cat "$WORK/error.$1")"
		[ $SECONDS -lt $end ] || fail "the load at $1 does not go on"
		sleep 0.1
	done
}

wait_rounds() {
	for_each_load wait_round
}

end_one_load() {
	wait "$3" || fail "load at $1: $(cat "$WORK/error.$1")"
}

end_load() {
	: > "$WORK/stop"
	for_each_load end_one_load
	trap - EXIT
}

compare_load() {
	block_io read "$TARGET" --offset "$1" --length "$2" > "$WORK/read.$1"
	expect_same "$WORK/last.$1" "$WORK/read.$1" "data of the load at $1"
}

# compare_loads: checks that the target has the data that the loads wrote last.
compare_loads() {
	for_each_load compare_load
}
