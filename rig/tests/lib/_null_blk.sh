# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Makes null block devices, which complete in the context that a test chooses.  To be
# sourced after _lib.sh.  The test must call remove_null_blk(), also if it fails.

CONFIGFS=/sys/kernel/config/nullb

require_null_blk() {
	[ -d /sys/kernel/config/nullb ] ||
		mount -t configfs none /sys/kernel/config 2> /dev/null || :
	[ -d $CONFIGFS ] || modprobe -q null_blk nr_devices=0 || :
	[ -d $CONFIGFS ] || skip_all "no null_blk that can be configured"
}

# make_null_blk IRQMODE MIB [ATTRIBUTE=VALUE...]: sets DISK.
make_null_blk() {
	local dir=$CONFIGFS/$NAME-irq$1 word

	mkdir "$dir"
	for word in "irqmode=$1" blocksize=512 "size=$2" "${@:3}" power=1; do
		echo "${word#*=}" > "$dir/${word%%=*}"
	done
	DISK=/dev/$NAME-irq$1
	[ -b "$DISK" ]
}

remove_null_blk() {
	local dir

	unmap_all
	for dir in "$CONFIGFS/$NAME"-*; do
		[ ! -d "$dir" ] || rmdir "$dir"
	done
}
