# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Waits for conditions, and finds the volume in sysfs.  To be sourced after _lib.sh.

# wait_for SECONDS COMMAND...: waits until COMMAND succeeds, or fails the case
wait_for() {
	local end=$((SECONDS + $1))

	until "${@:2}"; do
		[ $SECONDS -lt $end ] || fail "not within $1 s: ${*:2}"
		sleep 0.1
	done
}

# Prints the directory of the volume in sysfs.
sys_directory() {
	local directory

	directory=/sys/block/$(dmsetup info -c --noheadings -o blkdevname "$NAME")
	[ -e "$directory/inflight" ] || fail "no $directory/inflight"
	echo "$directory"
}

# wait_until_gone DIRECTORY: waits until the volume with that directory in sysfs is gone.
wait_until_gone() {
	wait_for 10 test ! -e "$1"
	# Without udev, nobody else removes the node.
	dmsetup mknodes "$NAME"
}
