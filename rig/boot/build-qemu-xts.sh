#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a QEMU whose virtio crypto device offers XTS.  Debian's QEMU has XTS, but does
# not offer it to the guest.  The script builds Debian's source with one more bit set.
#
# usage: build-qemu-xts.sh --log FILE DIR
#
#   --log FILE   output of the build
#   DIR          gets qemu-system-x86_64; left alone if it was made from the same
#                source

set -eu
set -o pipefail

. "$(dirname "$0")/_lib.sh"
. "$BOOT/_apt.sh"

log=
parse_options log -- "$@"
need_operands 1 "one DIR"
dir=$(realpath -m "${operands[0]}")
mkdir -p "$(dirname "$log")"
log=$(realpath "$log")

# QEMU's version, without the revision of Debian's package.
version=$(dpkg-query -W -f '${source:Upstream-Version}' qemu-system-x86) ||
	die "qemu-system-x86 is not installed, which has the firmware"
if [ "$(cat "$dir/source" 2> /dev/null)" = "$version" ]; then
	echo "QEMU with XTS: $dir (unchanged)"
	exit 0
fi

mkdir -p "$(dirname "$dir")"
stage=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' INT TERM
debian_source qemu qemu-system-x86 "$stage/source.d"

# Newer versions of QEMU have names with _ALG_ or _ALGO_.
backend=$stage/source.d/backends/cryptodev-builtin.c
sed -i 's/\(cipher_algo_l = 1u << \(VIRTIO_CRYPTO_CIPHER_\)AES_CBC\);/\1 |\n\t1u << \2AES_XTS;/' \
	"$backend"
[ "$(grep -c '1u << VIRTIO_CRYPTO_CIPHER_AES_XTS;' "$backend")" -eq 1 ] ||
	die "cannot find the place where QEMU $version lists its ciphers"

echo "Building QEMU $version, which takes some ten minutes, full output in $log"
(
	cd "$stage/source.d"
	# Debian's source package leaves out firmware that is not built from that source.
	sed -i 's/^if unpack_edk2_blobs$/if false/' pc-bios/meson.build
	./configure --target-list=x86_64-softmmu --without-default-features --enable-tcg \
		--enable-nettle --disable-install-blobs --with-git-submodules=ignore \
		--firmwarepath=/usr/share/qemu:/usr/share/seabios
	ninja -C build -j "${JOBS:-$(nproc)}" qemu-system-x86_64
) > "$log" 2>&1 || {
	tail -n 20 "$log" >&2
	die "QEMU cannot be built, see $log"
}
rm -rf "$dir"
mkdir "$dir"
mv "$stage/source.d/build/qemu-system-x86_64" "$dir"
echo "$version" > "$dir/source"
echo "QEMU with XTS: $dir"
