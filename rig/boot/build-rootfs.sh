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
#   --sysroot DIR     take programs and libraries from DIR, made by
#                     build-sysroot.sh, and not from the host
#   --help
#
# The image is ext4, to be mounted read-only.  An existing image is left alone if
# nothing that goes into it has changed.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/_lib.sh"
# mke2fs and friends are not in the PATH of ordinary users everywhere.
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
command -v readelf > /dev/null || die "readelf is not installed (Debian package binutils)"
output=$(realpath -m "${operands[0]}")
mkdir -p "$(dirname "$output")"

# find_program NAME: print its path in the guest
find_program() {
	local dir

	if [ -z "$sysroot" ]; then
		type -P "$1"
		return
	fi
	for dir in /usr/bin /usr/sbin; do
		if [ -x "$sysroot$dir/$1" ]; then
			echo "$dir/$1"
			return
		fi
	done
	return 1
}

# Paths of the programs, in the order of the list.
paths=()
missing_packages=()
missing_programs=()
while IFS=: read -r package names; do
	for name in $names; do
		if path=$(find_program "$name"); then
			paths+=("$path")
		else
			missing_programs+=("$name")
			missing_packages+=("$package")
		fi
	done
done < <(grep -v '^#' "$here/programs")
if [ ${#missing_programs[@]} -gt 0 ]; then
	packages=$(printf '%s\n' "${missing_packages[@]}" | sort -u | tr '\n' ' ')
	die "not installed${sysroot:+ in $sysroot}: ${missing_programs[*]}" \
		"(Debian packages: ${packages% })"
fi
busybox=$(find_program busybox)
if readelf -l "$sysroot$busybox" | grep -q INTERP; then
	die "busybox is linked dynamically, need a static one (Debian package busybox-static)"
fi

# The image is made again only if this list changes.
list_inputs() {
	sha256sum "$0" "$here/programs" "$here/init.sh" "$here"/jobs/*
	(cd "$selftests" && find . -type f -printf '%m ' -exec sha256sum {} \;) | sort
	stat -L -c '%n %s %Y' "${paths[@]/#/$sysroot}"
}
inputs=$(list_inputs)
if [ -s "$output" ] && [ -r "$output.inputs" ] &&
   [ "$inputs" = "$(cat "$output.inputs")" ]; then
	echo "Root file system: $output (unchanged)"
	exit 0
fi

echo "Making the root file system $output"
stage=$(mktemp -d "$output.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' INT TERM
root=$stage/root
mkdir -p "$root"/{dev,etc,kselftest,jobs,mnt,proc,run,sys,tmp,var}
mkdir -p "$root"/usr/{bin,sbin,lib/modules,lib64,libexec/busybox}
for dir in bin sbin lib lib64; do
	ln -s "usr/$dir" "$root/$dir"
done
ln -s /run "$root/var/run"
ln -s /tmp "$root/var/tmp"
ln -s /proc/self/mounts "$root/etc/mtab"
echo 'root:x:0:0:root:/tmp:/bin/bash' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"

# copy_file PATH: copy a file into the image, to the same path, unless it is there.
# Follow a link within the sysroot: programs outside of it are for another processor.
copy_file() {
	local file=$sysroot$1 target

	[ ! -e "$root$1" ] || return 0
	while [ -L "$file" ]; do
		target=$(readlink "$file")
		case $target in
		/*)	file=$sysroot$target ;;
		*)	file=$(dirname "$file")/$target ;;
		esac
	done
	mkdir -p "$root$(dirname "$1")"
	cp "$file" "$root$1"
}

# find_library NAME [DIRECTORY]: print its path.  Debian has one directory for each
# architecture.
find_library() {
	local dir

	for dir in ${2:+"$2"} "/usr/lib/$TRIPLET" "/lib/$TRIPLET" /usr/lib64 /lib64 \
		/usr/lib /lib; do
		if [ -e "$sysroot$dir/$1" ]; then
			echo "$dir/$1"
			return
		fi
	done
	return 1
}

# elf_words FILE TYPE: print the entries of TYPE in the dynamic section of FILE.
# Print nothing if FILE is not an ELF file.
elf_words() {
	readelf -d "$1" 2> /dev/null | sed -n "s/.*($2).*\[\(.*\)\]\$/\1/p"
}

# copy_libraries PATH: copy the libraries that the ELF file PATH needs, recursively
copy_libraries() {
	local library path runpath

	runpath=$(elf_words "$1" RUNPATH)
	while read -r library; do
		path=$(find_library "$library" "$runpath") ||
			die "$1 needs $library, which is not in ${sysroot:-the libraries here}"
		[ ! -e "$root$path" ] || continue
		copy_file "$path"
		copy_libraries "$root$path"
	done < <(elf_words "$1" NEEDED)
}

for path in "${paths[@]}"; do
	copy_file "$path"
	copy_libraries "$root$path"
done
[ -e "$root$LOADER" ] || copy_file "$LOADER"
# glibc loads libgcc_s only when a thread ends, and stdbuf preloads libstdbuf.
for path in "$(find_library libgcc_s.so.1)" /usr/libexec/coreutils/libstdbuf.so; do
	[ ! -e "$sysroot$path" ] || copy_file "$path"
done
[ ! -e "$sysroot/etc/mke2fs.conf" ] || copy_file /etc/mke2fs.conf

copy_file "$busybox"
# Ask the host's busybox for the applets: the guest's busybox may not run here.
for applet in $(busybox --list); do
	ln -s "$busybox" "$root/usr/libexec/busybox/$applet"
done
[ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
# sh is not busybox, whose shell prefers its own applets to the programs in PATH.
[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
[ -e "$root/usr/sbin/mkfs.ext4" ] || ln -s "$(find_program mke2fs)" "$root/usr/sbin/mkfs.ext4"
[ -e "$root/usr/sbin/fsck.ext4" ] || ln -s "$(find_program e2fsck)" "$root/usr/sbin/fsck.ext4"

cp "$here/init.sh" "$root/sbin/init"
cp "$here"/jobs/* "$root/jobs/"
cp -r "$selftests/." "$root/kselftest/"
chmod 755 "$root/sbin/init" "$root"/jobs/*
find "$root/kselftest" -type f -perm /111 | while read -r path; do
	copy_libraries "$path"
done

# Add a tenth and 16 MiB for the file system's own structures.
size=$(du -s --block-size=1M "$root" | cut -f 1)
size=$((size + size / 10 + 16))
if ! mke2fs -q -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 -d "$root" \
	"$stage/image" "${size}M" > "$stage/mke2fs.log" 2>&1; then
	cat "$stage/mke2fs.log" >&2
	die "mke2fs failed to make an image of $size MiB from $root"
fi
rm -f "$output.inputs"
mv "$stage/image" "$output"
printf '%s\n' "$inputs" > "$output.inputs.tmp"
mv "$output.inputs.tmp" "$output.inputs"
echo "Root file system: $output ($size MiB)"
