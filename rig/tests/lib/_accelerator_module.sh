# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2120 # of _lib.sh, _accelerator.sh and tests
#
# Opens volumes that the device of rig/modules/virtio_crypto_device encrypts.  The tests can
# make this device misbehave.  To be sourced after _lib.sh, and instead of _accelerator.sh.

. "$TEST_DIR"/_accelerator.sh
require_virtio_crypto
[ -d $TEST_DEVICE ] || skip_all "there is another virtio crypto device"

# Bytes of a piece of the volume: one bio of 128 sectors.
PIECE=65536

NO_TESTS_PARAMETER=/sys/module/cryptomgr/parameters/notests

# reload_device [NAME=VALUE...]: loads the module again, which makes a new device with these
# parameters.  All other parameters have their defaults.
reload_device() {
	rmmod virtio_crypto_device
	modprobe virtio_crypto_device "$@"
}

# run_device_case DESCRIPTION FUNCTION [ARGUMENT...]: runs a case, and then makes a new device
# for the next case.
run_device_case() {
	run_case "$@"
	reload_device
}

has_rsa() {
	drivers_of rsa | grep '^virtio-crypto-rsa .* passed ' > /dev/null &&
		drivers_of 'pkcs1pad(rsa)' | grep '^virtio-pkcs1-rsa .* passed ' > /dev/null
}

# register_rsa COMMAND...: runs COMMAND, which makes the driver register RSA.  Turns off the
# self-tests meanwhile, because the device cannot really do RSA.
register_rsa() {
	echo Y > $NO_TESTS_PARAMETER
	"$@"
	wait_for 10 has_rsa
	echo N > $NO_TESTS_PARAMETER
}

# Opens a second volume, $VOLUME-2, with DISK_2 and KEY_2.
open_second() {
	KEY_2=$(random_key "$(key_bytes "$MODE")")
	DISK_2=$(make_disk $((SIZE / 512)))
	NAME=$NAME-2 map "$DISK_2" "$(device_cipher "$MODE")-plain64" "$KEY_2" 8
}

# send_piece NUMBER: writes new random data to that piece of $VOLUME.
send_piece() {
	random_file "$WORK/piece.$1" $PIECE
	block_io write "$VOLUME" --offset $(($1 * PIECE)) --length $PIECE \
		--sizes $PIECE < "$WORK/piece.$1"
}

# keep_piece NUMBER: puts the data of send_piece() into $WORK/plain.
keep_piece() {
	dd if="$WORK/piece.$1" of="$WORK/plain" bs=$PIECE seek="$1" conv=notrunc status=none
}

write_piece() {
	send_piece "$1" 2> "$WORK/message" || return
	keep_piece "$1"
}

read_piece() {
	block_io read "$VOLUME" --offset $(($1 * PIECE)) --length $PIECE \
		--sizes $PIECE > "$WORK/out" 2> "$WORK/message"
}

expect_io_error() {
	! "$@" || fail "no error: $*"
	grep -i 'input/output error' "$WORK/message" > /dev/null ||
		fail "not an I/O error: $(cat "$WORK/message")"
}

# start_writers SECONDS: starts a writer for each of the pieces 1 to 4, SECONDS apart.
start_writers() {
	local i

	WRITERS=()
	for i in 1 2 3 4; do
		send_piece $i 2> "$WORK/message.$i" || exit &
		WRITERS[i]=$!
		sleep "$1"
	done
}

# Waits for all writers, which must succeed.
end_writers() {
	local i

	for i in 1 2 3 4; do
		wait "${WRITERS[i]}" || fail "write $i fails: $(cat "$WORK/message.$i")"
		keep_piece $i
	done
}

everything_works() {
	write_piece 3
	write_piece 4
	read_plain
}

# like_cpu MODE yes|no: checks that a volume uses the device (yes) or does not (no), and that
# the CPU reads the same data from its disk.
like_cpu() {
	local features

	open_volume "$1"
	features=$(< "$VIRTIO_DRIVER/$(virtio_device)/features")
	[ "${features:28:1}" = 0 ] || fail "the driver allocates indirect descriptors"
	uses_device "$2" everything_works
	cpu_agrees
}

# Closes $VOLUME and checks its data.  Then checks that a new volume uses a new device.
works_again() {
	cpu_agrees
	reload_device
	like_cpu "$MODE" yes
}
