#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the dm-crypt-mdu selftests of a kernel tree and install them, as
# build-rootfs.sh wants them.
#
# usage: install-selftests.sh [options] TREE DIR
#
#   TREE            kernel source tree
#   DIR             made anew if anything that goes into it changed
#
#   --arch ARCH     x86_64 or arm64 (default: this machine's)
#   --sysroot DIR   headers and libraries of ARCH, made by build-sysroot.sh
#   --log FILE      output of make (default DIR.log)
#   --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

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
command -v rsync > /dev/null ||
	die "rsync is not installed (Debian package rsync)"

make=(make -C "$tree/tools/testing/selftests" TARGETS=dm-crypt-mdu FORCE_TARGETS=1)
make+=("INSTALL_PATH=$dir.tmp" "O=$dir.build")
[ -z "$sysroot" ] ||
	make+=("ARCH=$arch" "CC=${CROSS}gcc --sysroot=$(realpath "$sysroot")" PKG_CONFIG=pkg-config)
mkdir -p "$(dirname "$log")" "$dir.build"
rm -rf "$dir.tmp"
"${make[@]}" install > "$log" 2>&1 ||
	die "make install of the selftests failed, see $log"

# The image is made anew when a file in DIR is younger.
if [ -d "$dir" ] && diff -rq "$dir" "$dir.tmp" > /dev/null; then
	rm -rf "$dir.tmp"
else
	rm -rf "$dir"
	mv "$dir.tmp" "$dir"
fi
