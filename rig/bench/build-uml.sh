#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build User-mode Linux with the AES code of x86.  User-mode Linux runs at the
# processor's own speed, without KVM and without root.
#
# usage: build-uml.sh [options] TREE OUTDIR
#
#   TREE    kernel source, a git tree, which is not changed; the build includes
#           uncommitted changes
#   OUTDIR  directory for all output, made if needed; a second run in it is
#           incremental.  The kernel is the program OUTDIR/linux.
#
#   --tests        build for the tests, and not for the benchmarks
#   --allow-missing SYMBOL
#                  as for build-kernel.sh
#   --module DIR   also build the module in DIR; may be given several times
#   --log FILE     full output of make (default OUTDIR/build.log)
#   --jobs N       parallel jobs (default: JOBS, else one a processor)
#   --help
#
# OUTDIR/source is TREE with uml.diff applied, OUTDIR/source/.build the build
# directory.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../boot/_lib.sh"

tests=
module=()
allow_missing=()
log=
jobs=${JOBS:-$(nproc)}
parse_options tests! allow-missing+ module+ log= jobs= -- "$@"
need_operands 2 "TREE and OUTDIR"
# shellcheck disable=SC2154 # parse_options() sets it
set -- "${operands[@]}"
[ "$(uname -m)" = x86_64 ] || die "the AES code is that of x86_64, this is $(uname -m)"

"$BOOT/copy-tree.sh" "$1" "$2" "$here/uml.diff"
outdir=$(cd "$2" && pwd -P)
source=$outdir/source

args=(--arch um --jobs "$jobs" --log "${log:-$outdir/build.log}")
[ -n "$tests" ] || args+=(--config "$here/uml.config")
for symbol in ${allow_missing[@]+"${allow_missing[@]}"}; do
	args+=(--allow-missing "$symbol")
done
for dir in ${module[@]+"${module[@]}"}; do
	args+=(--module "$dir")
done
# ccache can serve all trees if a build directory is right below its tree.
"$BOOT/build-kernel.sh" "${args[@]}" "$source" "$source/.build"
ln -sf source/.build/linux "$outdir/linux"
echo "Kernel: $outdir/linux"
