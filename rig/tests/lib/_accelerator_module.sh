# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2120 # of _lib.sh, _accelerator.sh and tests
#
# A volume on the device of rig/modules/virtio_crypto_device.  The tests can make this
# device misbehave.  To be sourced after _lib.sh, and instead of _accelerator.sh.

. "$TEST_DIR"/_accelerator.sh
require_test_device
TEST_DEVICE_NAME=$(virtio_device)

SIZE=$((1024 * 1024))
# One bio of 128 sectors.
PIECE=65536

reset_device() {
	set_device order=fifo delay_us=0 notify_ms=0 fail_at=0 status=1 \
		written_at=0 written=0 break_at=0 silent_at=0 \
		no_sessions=N deaf=N break_control=N forgets=reset ready=Y \
		rsa=N rsa_user=N name_taken=N no_queues=N packed=N bounces=N \
		requests=0 notifications=0 notified_late=0 interrupts=0 indirect=0 \
		ring_size=256 max_size=4294967295
}

bind() {
	echo "$TEST_DEVICE_NAME" > $VIRTIO_DRIVER/bind
}

unbind() {
	echo "$TEST_DEVICE_NAME" > $VIRTIO_DRIVER/unbind
}

# rebind [NAME=VALUE...]: binds the driver again, which reads some parameters only then.
rebind() {
	set_device "$@"
	[ -z "$(virtio_device)" ] || unbind
	bind
}

# run_device_case DESCRIPTION FUNCTION [ARGUMENT...]: runs a case that begins with the
# default parameters of the device.
run_device_case() {
	reset_device
	run_case "$@"
	reset_device
	rebind
}

# open_volume MODE: opens $VOLUME, and writes random data to $VOLUME and to $WORK/plain
open_volume() {
	MODE=$1
	KEY=$(random_key "$(key_bytes "$MODE")")
	DISK=$(make_disk $((SIZE / 512)))
	map "$DISK" "$(device_cipher "$MODE")-plain64" "$KEY" 8
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	expect_batched
}

# open_second: opens a second volume, with the disk and the key that prepare_second made
open_second() {
	NAME=$NAME-2 map "$DISK_2" "$(device_cipher "$MODE")-plain64" "$KEY_2" 8
}

prepare_second() {
	KEY_2=$(random_key "$(key_bytes "$MODE")")
	DISK_2=$(make_disk $((SIZE / 512)))
}

# cpu_agrees: closes $VOLUME.  The CPU must read $WORK/plain from the disk.
cpu_agrees() {
	unmap
	on_volume "$(cpu_cipher "$MODE")" read_plain
}

# write_piece NUMBER: writes new data to that piece of $VOLUME, and keeps the data.
write_piece() {
	send_piece "$1" 2> "$WORK/message" || return
	keep_piece "$1"
}

# send_piece NUMBER: writes new data.  keep_piece() puts the data into $WORK/plain.
send_piece() {
	random_file "$WORK/piece.$1" $PIECE
	block_io write "$VOLUME" --offset $(($1 * PIECE)) --length $PIECE \
		--sizes $PIECE < "$WORK/piece.$1"
}

keep_piece() {
	dd if="$WORK/piece.$1" of="$WORK/plain" bs=$PIECE seek="$1" conv=notrunc status=none
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

read_piece() {
	block_io read "$VOLUME" --offset $(($1 * PIECE)) --length $PIECE \
		--sizes $PIECE > "$WORK/out" 2> "$WORK/message"
}

expect_io_error() {
	! "$@" || fail "no error: $*"
	grep -i 'input/output error' "$WORK/message" > /dev/null ||
		fail "not an I/O error: $(cat "$WORK/message")"
}

everything_works() {
	write_piece 3
	write_piece 4
	block_io read "$VOLUME" > "$WORK/out"
	expect_same "$WORK/plain" "$WORK/out" "read afterwards"
}

# like_cpu MODE yes|no: does a volume use the device?  Its data must be right.
like_cpu() {
	open_volume "$1"
	uses_device "$2" everything_works
	[ "$(device_parameter indirect)" -eq 0 ] || fail "indirect descriptors are used"
	cpu_agrees
}
