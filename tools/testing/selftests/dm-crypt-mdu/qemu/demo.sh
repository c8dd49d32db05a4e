#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run jobs/demo.sh on a kernel that has the series and print its table.
#
# usage: demo.sh --kernel BZIMAGE --rootfs IMG --dir DIR
#
#   --dir DIR   for the disk image, the console log and the report
#   --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

kernel=
rootfs=
dir=
parse_options kernel rootfs dir -- "$@"

mkdir -p "$dir"
make_disk "$dir/demo.img" 64M
result=0
"$here/boot.sh" --kernel "$kernel" --rootfs "$rootfs" --job demo \
	--disk "$dir/demo.img" --icount --append brd.rd_size=32768 --timeout 900 \
	--log "$dir/demo.console" --report "$dir/demo.tap" || result=$?
rm -f "$dir/demo.img"
echo
sed -n 's/^# table: //p' "$dir/demo.tap"
exit $result
