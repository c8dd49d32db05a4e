#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make a disk image of a kernel's modules, and build other modules for that kernel.
#
# usage: build-modules.sh [options] BUILDDIR
#
#   BUILDDIR       build directory of the kernel, where the kernel and its modules have
#                  been built.  The image is BUILDDIR/modules.img, left alone if nothing
#                  changed.  The guest mounts the image on /lib/modules.
#
#   --arch ARCH    x86_64, arm64 or um (default: the host's)
#   --module DIR   also build the module in DIR, which is not part of the kernel; may
#                  be given several times
#   --log FILE     full output of make (default BUILDDIR/modules.log)
#   --jobs N       parallel jobs (default: JOBS, else one per processor)
#   --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/_lib.sh"
# mke2fs and depmod are not in the PATH of ordinary users everywhere.
PATH=$PATH:/usr/sbin:/sbin

arch=$(host_arch)
module=()
log=
jobs=${JOBS:-$(nproc)}
parse_options arch module+ log= jobs= -- "$@"
need_operands 1 "BUILDDIR"
set_arch "$arch"
# shellcheck disable=SC2154 # parse_options() sets it
dir=${operands[0]}
[ -f "$dir/vmlinux.o" ] || die "$dir is not the build directory of a kernel"
dir=$(cd "$dir" && pwd -P)
log=$(realpath -m "${log:-$dir/modules.log}")
for pair in mke2fs:e2fsprogs depmod:kmod rsync:rsync; do
	command -v "${pair%%:*}" > /dev/null ||
		die "${pair%%:*} is not installed (Debian package ${pair##*:})"
done

root=$dir/modules.root
rm -rf "$root"
mkdir -p "$root" "$(dirname "$log")"
: > "$log"

# run_make TARGET...
run_make() {
	make -C "$dir" "ARCH=$arch" "CROSS_COMPILE=$CROSS" "-j$jobs" "$@" >> "$log" 2>&1 ||
		die "make -C $dir ARCH=$arch $* failed, see $log"
}

install=("INSTALL_MOD_PATH=$root" INSTALL_MOD_STRIP=1)
run_make "${install[@]}" modules_install
if [ ${#module[@]} -gt 0 ]; then
	# make writes beside the source, so build a copy.
	external=$dir/external
	mkdir -p "$external"
	printf 'obj-m += %s/\n' "${module[@]##*/}" > "$external/Kbuild"
	rsync -a --checksum "${module[@]%/}" "$external/"
	run_make "M=$external" modules
	run_make "M=$external" "${install[@]}" modules_install
fi

# These links to directories of the host lead nowhere in the guest.
rm -f "$root"/lib/modules/*/{build,source}
image=$dir/modules.img
inputs=$(cd "$root" && find . -type f -exec sha256sum {} + | sort)
if [ -s "$image" ] && [ "$inputs" = "$(cat "$image.inputs" 2> /dev/null)" ]; then
	rm -rf "$root"
	exit 0
fi
size=$(du -s --block-size=1M "$root" | cut -f 1)
mke2fs -q -F -t ext4 -O ^has_journal -m 0 -d "$root/lib/modules" \
	"$image.tmp" "$((size + size / 10 + 8))M" >> "$log" 2>&1 || die "mke2fs failed, see $log"
mv "$image.tmp" "$image"
printf '%s\n' "$inputs" > "$image.inputs"
rm -rf "$root"
echo "Modules: $image"
