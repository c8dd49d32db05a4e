#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the benchmark's module for a kernel, and a disk image with it.
#
# usage: build-module.sh [options] BUILDDIR
#
#   BUILDDIR      build directory of the kernel, which has been built there;
#                 BUILDDIR/mdu_bench.img is made, or left alone if nothing changed
#
#   --arch ARCH   x86_64 or um (default: this machine's)
#   --log FILE    full output of make (default BUILDDIR/mdu_bench.log)
#   --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../qemu/lib.sh
. "$here/../qemu/lib.sh"
# mke2fs is not in the PATH of ordinary users everywhere.
PATH=$PATH:/usr/sbin:/sbin

arch=$(host_arch)
log=
parse_options arch log= -- "$@"
need_operands 1 "BUILDDIR"
dir=${operands[0]}
[ -f "$dir/vmlinux.o" ] || die "$dir is not the build directory of a kernel"
dir=$(cd "$dir" && pwd -P)
log=$(realpath -m "${log:-$dir/mdu_bench.log}")
command -v mke2fs > /dev/null || die "mke2fs is not installed (Debian package e2fsprogs)"

# make writes beside the source.
mkdir -p "$dir/mdu_bench" "$(dirname "$log")"
rsync -a --checksum "$here/module/" "$dir/mdu_bench/"

: > "$log"
# The first one writes down which symbols the kernel exports.
for target in modules "M=$dir/mdu_bench"; do
	make -C "$dir" "ARCH=$arch" "$target" >> "$log" 2>&1 ||
		die "make -C $dir ARCH=$arch $target failed, see $log"
done

image=$dir/mdu_bench.img
if [ ! "$image" -nt "$dir/mdu_bench/mdu_bench.ko" ]; then
	rm -rf "$dir/mdu_bench.root"
	mkdir "$dir/mdu_bench.root"
	cp "$dir/mdu_bench/mdu_bench.ko" "$dir/mdu_bench.root"
	mke2fs -q -F -t ext4 -O ^has_journal -m 0 -d "$dir/mdu_bench.root" \
		"$image" 8M >> "$log" 2>&1 || die "mke2fs failed, see $log"
	rm -rf "$dir/mdu_bench.root"
fi
echo "Module: $image"
