#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the root file system image of the guest: the programs that the file
# "programs" names, the libraries that they need, init.sh, the jobs and the
# installed kselftests.  Needs no privileges.
#
# usage: build-rootfs.sh --selftests DIR [options] OUTPUT.img
#
#   --selftests DIR   made by install-selftests.sh; becomes /kselftest
#   --arch ARCH       x86_64 or arm64 (default: the host's)
#   --sysroot DIR     take all programs and libraries from DIR, made by
#                     build-sysroot.sh, and none from the host
#   --help
#
# The image is ext4, to be mounted read-only.  An existing image is left alone if
# nothing that goes into it has changed.

set -eu

. "$(dirname "$0")/_lib.sh"
# mke2fs and other programs are not in the PATH of ordinary users everywhere.
PATH=$PATH:/usr/sbin:/sbin

arch=$(host_arch)
selftests=
sysroot=
parse_options arch selftests sysroot= -- "$@"
need_operands 1 "one OUTPUT.img"
set_arch "$arch"
[ -n "$sysroot" ] || [ "$arch" = "$(host_arch)" ] ||
	die "the programs of $arch are not this machine's: need --sysroot, see --help"
sysroot=${sysroot%/}
[ -r "$selftests/kselftest/ktap_helpers.sh" ] ||
	die "$selftests is not an installed kselftest directory, make it with install-selftests.sh"
output=$(realpath -m "${operands[0]}")
mkdir -p "$(dirname "$output")"

# The host's programs.  With --sysroot: the file "packages", which changes when the sysroot
# changes.
paths=()
while IFS=: read -r package names; do
	for name in $names; do
		path=$(type -P "$name") ||
			die "$name is not installed (Debian package $package)"
		paths+=("$path")
	done
done < <([ -n "$sysroot" ] || grep -v '^#' "$BOOT/programs")
[ -z "$sysroot" ] || paths=("$sysroot/packages")

# The image is made again only if this list changes.
list_inputs() {
	sha256sum "$0" "$BOOT"/{_lib.sh,programs,init.sh} "$BOOT"/jobs/*
	(cd "$selftests" && find . -type f -printf '%m ' -exec sha256sum {} \;) | sort
	stat -L -c '%n %s %Y' "${paths[@]}"
}
inputs=$(list_inputs)
if is_made_of "$output" "$inputs"; then
	echo "Root file system: $output (unchanged)"
	exit 0
fi

echo "Making the root file system $output"
stage=$(mktemp -d "$output.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' INT TERM
root=$stage/root

# copy PATH...: copy files of the host to the same paths in the image
copy() {
	local path

	for path; do
		[ ! -e "$root$path" ] || continue
		mkdir -p "$root$(dirname "$path")"
		cp "$path" "$root$path"
	done
}

if [ -n "$sysroot" ]; then
	mkdir "$root"
	cp -a "$sysroot/." "$root"
	rm -rf "${root:?}"/usr/{include,share}
else
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$root/$dir"
	done
	mapfile -t helpers < <(find "$selftests" -type f -perm /111)
	# ldd fails for scripts and for static programs.
	libraries=$(ldd "${paths[@]}" "${helpers[@]}" 2> /dev/null) || true
	! grep 'not found' <<< "$libraries" || die "programs lack these libraries"
	mapfile -t libraries < <(sed -n 's|^[^/]*\(/.*\) (0x.*|\1|p' <<< "$libraries" | sort -u)
	copy "${paths[@]}" "${libraries[@]}"
	# ldd does not list these libraries: glibc loads libgcc_s only when a thread ends, and
	# stdbuf preloads libstdbuf.
	for path in {/usr,}/lib/"$TRIPLET"/libgcc_s.so.1 /usr/libexec/coreutils/libstdbuf.so \
		/etc/mke2fs.conf; do
		[ ! -e "$path" ] || copy "$path"
	done
fi
mkdir -p "$root"/{dev,etc,kselftest,jobs,mnt,proc,run,sys,tmp,var}
mkdir -p "$root"/usr/{lib/modules,libexec/busybox}
ln -sfn /run "$root/var/run"
ln -sfn /tmp "$root/var/tmp"
ln -sfn /proc/self/mounts "$root/etc/mtab"
echo 'root:x:0:0:root:/tmp:/bin/bash' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"

# Let the host's busybox make the links: the guest's busybox may not run here.
busybox --install -s "$root/usr/libexec/busybox"
ln -sfn mawk "$root/usr/bin/awk"
# Use dash as sh.  The shell of busybox prefers its own applets to the programs in PATH.
ln -sfn dash "$root/usr/bin/sh"
ln -sfn mke2fs "$root/usr/sbin/mkfs.ext4"
ln -sfn e2fsck "$root/usr/sbin/fsck.ext4"

install -m 755 "$BOOT/init.sh" "$root/sbin/init"
install -m 755 "$BOOT"/jobs/* "$root/jobs/"
cp -r "$selftests/." "$root/kselftest/"

make_image "$root" "$output" "$inputs"
echo "Root file system: $output"
