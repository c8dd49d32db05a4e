#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the root file system image for the virtual machine: tools of this
# machine with the libraries they need, qemu/init.sh and the installed kselftests.
# Needs no privileges.
#
# usage: build-rootfs.sh --selftests DIR OUTPUT.img
#
#   --selftests DIR   what "make -C tools/testing/selftests
#                     TARGETS=dm-crypt-mdu install INSTALL_PATH=DIR" made;
#                     it becomes /kselftest
#   --add PATH        take this program of the host along, too; may be given
#                     several times
#   --force           make the image even if nothing changed
#   --help
#
# The image is ext4 and meant to be mounted read-only.  It is left alone if
# nothing that goes into it changed since it was made.

set -eu

# Programs and the Debian packages they come from.  busybox fills the gaps; it
# comes last in the guest's PATH.
programs="
	bash:bash dash:dash busybox:busybox-static
	cryptsetup:cryptsetup-bin integritysetup:cryptsetup-bin dmsetup:dmsetup
	fio:fio
	mke2fs:e2fsprogs e2fsck:e2fsprogs
	mount:mount umount:mount losetup:mount swapon:mount swapoff:mount
	blkdiscard:util-linux blockdev:util-linux mkswap:util-linux
	fallocate:util-linux wipefs:util-linux getopt:util-linux
	setsid:util-linux taskset:util-linux dmesg:util-linux
	basename:coreutils cat:coreutils chmod:coreutils comm:coreutils
	cp:coreutils cut:coreutils date:coreutils dd:coreutils df:coreutils
	dirname:coreutils du:coreutils echo:coreutils env:coreutils
	expr:coreutils false:coreutils head:coreutils id:coreutils
	ln:coreutils ls:coreutils mkdir:coreutils mkfifo:coreutils
	mknod:coreutils mktemp:coreutils mv:coreutils nproc:coreutils
	od:coreutils paste:coreutils printf:coreutils pwd:coreutils
	readlink:coreutils realpath:coreutils rm:coreutils rmdir:coreutils
	seq:coreutils sha256sum:coreutils shuf:coreutils sleep:coreutils
	sort:coreutils split:coreutils stat:coreutils stdbuf:coreutils
	stty:coreutils sync:coreutils tail:coreutils tee:coreutils
	test:coreutils timeout:coreutils touch:coreutils tr:coreutils
	true:coreutils truncate:coreutils tty:coreutils uname:coreutils
	uniq:coreutils wc:coreutils yes:coreutils
	awk:mawk cmp:diffutils diff:diffutils find:findutils grep:grep
	sed:sed xargs:findutils xxd:xxd
"

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# mke2fs and friends are not in the PATH of ordinary users everywhere.
PATH=$PATH:/usr/sbin:/sbin

selftests=
added=()
force=
while [ $# -gt 0 ]; do
	case $1 in
	--selftests | --add)
		[ $# -ge 2 ] || die "$1 needs an argument"
		case $1 in
		--selftests) selftests=$2 ;;
		--add) added+=("$2") ;;
		esac
		shift 2 ;;
	--force)
		force=1
		shift ;;
	-h | --help)
		usage
		exit 0 ;;
	-*)
		die "unknown option $1, see --help" ;;
	*)
		break ;;
	esac
done
[ $# -eq 1 ] || die "need one OUTPUT.img, see --help"
[ -n "$selftests" ] || die "need --selftests DIR, see --help"
[ -r "$selftests/kselftest/ktap_helpers.sh" ] ||
	die "$selftests is not an installed kselftest directory, make it with install-selftests.sh"
output=$(realpath -m "$1")
mkdir -p "$(dirname "$output")"

# Paths of the programs in the order of the list, then those that were added.
paths=()
missing_packages=()
missing_programs=()
for pair in $programs; do
	if path=$(type -P "${pair%%:*}"); then
		paths+=("$path")
	else
		missing_programs+=("${pair%%:*}")
		missing_packages+=("${pair##*:}")
	fi
done
if [ ${#missing_programs[@]} -gt 0 ]; then
	packages=$(printf '%s\n' "${missing_packages[@]}" | sort -u | tr '\n' ' ')
	die "not installed: ${missing_programs[*]} (Debian packages: ${packages% })"
fi
for path in ${added[@]+"${added[@]}"}; do
	[ -x "$path" ] || die "--add $path: no such program"
	paths+=("$(realpath "$path")")
done
if ldd "$(type -P busybox)" > /dev/null 2>&1; then
	die "busybox is linked dynamically, need a static one (Debian package busybox-static)"
fi

# The image is made again only if this list changes.
list_inputs()
{
	sha256sum "$0" "$here/init.sh" "$here"/jobs/*
	(cd "$selftests" && find . -type f -printf '%m ' -exec sha256sum {} \;) | sort
	stat -L -c '%n %s %Y' "${paths[@]}"
}
inputs=$(list_inputs)
if [ -z "$force" ] && [ -s "$output" ] && [ -r "$output.inputs" ] &&
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
mkdir -p "$root"/usr/{bin,sbin,lib,lib64,libexec/busybox}
for dir in bin sbin lib lib64; do
	ln -s "usr/$dir" "$root/$dir"
done
ln -s /run "$root/var/run"
ln -s /tmp "$root/var/tmp"
ln -s /proc/self/mounts "$root/etc/mtab"
echo 'root:x:0:0:root:/tmp:/bin/bash' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"

# Put one file of the host where the host has it, once.
copy_file()
{
	[ ! -e "$root$1" ] || return 0
	mkdir -p "$root$(dirname "$1")"
	cp -L "$1" "$root$1"
}

copy_libraries()
{
	local libraries library

	# Scripts and static programs have none, ldd fails for them.
	libraries=$(ldd "$1" 2> /dev/null) || return 0
	case $libraries in
	*"not found"*)
		die "$1 lacks libraries on this machine: $(grep 'not found' <<< "$libraries")" ;;
	esac
	grep -oE '/[^ ]+' <<< "$libraries" | while read -r library; do
		copy_file "$library"
	done
}

for path in "${paths[@]}"; do
	copy_file "$path"
	copy_libraries "$path"
done
# glibc loads this one only when a thread ends, so ldd does not show it.
libgcc=$(gcc -print-file-name=libgcc_s.so.1 2> /dev/null || true)
if [ -e "$libgcc" ]; then
	cp -L "$libgcc" "$root$(dirname "$(ldd "$(type -P bash)" |
		grep -oE '/[^ ]*libc\.so[^ ]*' | head -n 1)")/libgcc_s.so.1"
fi
# stdbuf works by preloading a library of its own.
for path in /usr/libexec/coreutils/libstdbuf.so /usr/lib/coreutils/libstdbuf.so; do
	[ ! -e "$path" ] || copy_file "$path"
done
[ ! -e /etc/mke2fs.conf ] || copy_file /etc/mke2fs.conf

busybox=$(type -P busybox)
for applet in $(busybox --list); do
	ln -s "$busybox" "$root/usr/libexec/busybox/$applet"
done
# Not busybox: its shell prefers its own applets to the programs in PATH.
[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
[ -e "$root/usr/sbin/mkfs.ext4" ] || ln -s "$(type -P mke2fs)" "$root/usr/sbin/mkfs.ext4"
[ -e "$root/usr/sbin/fsck.ext4" ] || ln -s "$(type -P e2fsck)" "$root/usr/sbin/fsck.ext4"

cp "$here/init.sh" "$root/sbin/init"
cp "$here"/jobs/* "$root/jobs/"
cp -r "$selftests/." "$root/kselftest/"
chmod 755 "$root/sbin/init" "$root"/jobs/*
find "$root/kselftest" -type f -perm /111 | while read -r path; do
	copy_libraries "$path"
done

# A tenth and 16 MiB for the file system's own structures.
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
