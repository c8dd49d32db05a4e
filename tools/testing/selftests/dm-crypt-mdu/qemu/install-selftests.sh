#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the dm-crypt-mdu selftests of a kernel tree and install them, as
# build-rootfs.sh wants them.
#
# usage: install-selftests.sh [--log FILE] TREE DIR
#
#   TREE         kernel source tree
#   DIR          made anew if anything that goes into it changed
#   --log FILE   output of make (default DIR.log)
#   --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

log=
case ${1-} in
-h | --help)
	usage
	exit 0 ;;
--log)
	log=${2-}
	shift 2 || die "--log needs an argument" ;;
esac
[ $# -eq 2 ] || die "need TREE and DIR, see --help"
tree=$1
dir=$(realpath -m "$2")
log=$(realpath -m "${log:-$dir.log}")
[ -d "$tree/tools/testing/selftests/dm-crypt-mdu" ] ||
	die "$tree has no tools/testing/selftests/dm-crypt-mdu"
command -v rsync > /dev/null ||
	die "rsync is not installed (Debian package rsync)"

mkdir -p "$(dirname "$log")"
rm -rf "$dir.tmp"
make -C "$tree/tools/testing/selftests" TARGETS=dm-crypt-mdu FORCE_TARGETS=1 \
	INSTALL_PATH="$dir.tmp" install > "$log" 2>&1 ||
	die "make install of the selftests failed, see $log"

# The image is made anew when a file in DIR is younger.
if [ -d "$dir" ] && diff -rq "$dir" "$dir.tmp" > /dev/null; then
	rm -rf "$dir.tmp"
else
	rm -rf "$dir"
	mv "$dir.tmp" "$dir"
fi
