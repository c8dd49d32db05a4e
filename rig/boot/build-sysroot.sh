#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack Debian packages of another architecture into a directory: the programs that
# the guest needs, and the headers and libraries that compiling its selftests needs.
# Needs no privileges; the host's packages stay as they are.
#
# usage: build-sysroot.sh --arch ARCH DIR
#
#   --arch ARCH   arm64
#   DIR           left alone if it was made from the same packages
#   --help

set -eu

. "$(dirname "$0")/_lib.sh"
. "$BOOT/_apt.sh"

arch=
parse_options arch -- "$@"
need_operands 1 "one DIR"
set_arch "$arch"
dir=$(realpath -m "${operands[0]}")
packages=(libc6-dev libssl-dev)
while IFS=: read -r package _; do
	packages+=("$package")
done < <(grep -v '^#' "$BOOT/programs" | sort -u -t : -k 1,1)

made_of="$arch ${packages[*]}"
if [ "$(cat "$dir/packages" 2> /dev/null)" = "$made_of" ]; then
	echo "Programs of $arch: $dir (unchanged)"
	exit 0
fi

mkdir -p "$(dirname "$dir")"
stage=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' INT TERM
debs=$stage/packages.d
mkdir -p "$debs/partial"
(
	use_debian deb "$arch" &&
		debian_apt "$debs" install -y --no-install-recommends --download-only \
			-o "Dir::Cache::archives=$debs" "${packages[@]}"
) || die "the packages of $arch cannot be fetched (see above)"

# Packages of some suites install into /bin, and packages of others into /usr/bin: make both
# the same directory.
root=$stage/root
mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
for name in bin sbin lib lib64; do
	ln -s "usr/$name" "$root/$name"
done
for package in "$debs"/*.deb; do
	dpkg-deb --fsys-tarfile "$package" |
		tar -xf - -C "$root" --no-same-owner --keep-directory-symlink
done
echo "$made_of" > "$root/packages"
rm -rf "$dir"
mv "$root" "$dir"
echo "Programs of $arch: $dir"
