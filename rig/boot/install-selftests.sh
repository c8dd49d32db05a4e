#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the dm-crypt-mdu selftests of a kernel tree and the tests of the rig, and install
# them in one directory for build-rootfs.sh.
#
# usage: install-selftests.sh [options] TREE DIR
#
#   TREE            kernel source tree
#   DIR             made anew
#
#   --arch ARCH     x86_64 or arm64 (default: the host's)
#   --sysroot DIR   headers and libraries of ARCH, made by build-sysroot.sh
#   --log FILE      output of make (default DIR.log)
#   --help

set -eu

. "$(dirname "$0")/_lib.sh"

arch=$(host_arch)
log=
sysroot=
parse_options arch log= sysroot= -- "$@"
need_operands 2 "TREE and DIR"
set_arch "$arch"
set -- "${operands[@]}"
tree=$1
dir=$(realpath -m "$2")
log=$(realpath -m "${log:-$dir.log}")
[ -d "$tree/tools/testing/selftests/dm-crypt-mdu" ] ||
	die "$tree has no tools/testing/selftests/dm-crypt-mdu"
need_tools rsync:rsync

kselftests=$(cd "$tree" && pwd)/tools/testing/selftests
options=(--no-print-directory)
[ -z "$sysroot" ] ||
	options+=("ARCH=$arch" "CC=${CROSS}gcc --sysroot=$(realpath "$sysroot")" PKG_CONFIG=pkg-config)
rig_make=(make -C "$RIG/tests" "${options[@]}" "KSELFTESTS=$kselftests" "OUTPUT=$dir.build/rig")
mkdir -p "$(dirname "$log")" "$dir.build/rig"
rm -rf "$dir.tmp"
{
	make -C "$kselftests" "${options[@]}" TARGETS=dm-crypt-mdu FORCE_TARGETS=1 \
		"INSTALL_PATH=$dir.tmp" "O=$dir.build" install &&
		"${rig_make[@]}" "INSTALL_PATH=$dir.tmp/dm-crypt-mdu" install
} > "$log" 2>&1 || die "make install of the selftests failed, see $log"
"${rig_make[@]}" -s emit_tests COLLECTION=dm-crypt-mdu >> "$dir.tmp/kselftest-list.txt"
rm -rf "$dir"
mv "$dir.tmp" "$dir"
