#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build User-mode Linux with the AES code of x86 in it, which runs at the
# processor's own speed without KVM and without root.
#
# usage: build-uml.sh [options] TREE OUTDIR
#
#   TREE    kernel source, a git tree, left as it is; its changes count whether
#           they are committed or not
#   OUTDIR  directory for all that is made, made if needed; a second run in it is
#           incremental.  The kernel is the program OUTDIR/linux.
#
#   --module DIR   build the module in DIR, too; may be given several times
#   --log FILE     full output of make (default OUTDIR/build.log)
#   --jobs N       parallel jobs (default: JOBS, else one a processor)
#   --help
#
# OUTDIR/source is TREE with uml.diff applied, OUTDIR/source/.build the build
# directory.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
qemu=$here/../qemu
# shellcheck source-path=SCRIPTDIR source=../qemu/lib.sh
. "$qemu/lib.sh"

module=()
log=
jobs=${JOBS:-$(nproc)}
parse_options module+ log= jobs= -- "$@"
need_operands 2 "TREE and OUTDIR"
# shellcheck disable=SC2154 # parse_options() sets it
set -- "${operands[@]}"
[ -f "$1/Kbuild" ] || die "$1 is not a kernel source tree"
[ "$(uname -m)" = x86_64 ] || die "the AES code is that of x86_64, this is $(uname -m)"
tree=$(cd "$1" && pwd -P)
mkdir -p "$2/objects" "$2/source"
outdir=$(cd "$2" && pwd -P)
source=$outdir/source

# git_path NAME: where TREE's git keeps NAME
git_path()
{
	git -C "$tree" rev-parse --path-format=absolute --git-path "$1" ||
		die "$tree is not a git tree"
}

# What git writes goes to OUTDIR, what it reads may be TREE's.
in_outdir()
{
	GIT_OBJECT_DIRECTORY=$outdir/objects GIT_ALTERNATE_OBJECT_DIRECTORIES=$objects \
		GIT_INDEX_FILE=$outdir/$1 git -C "$tree" "${@:2}"
}

# The patch is applied to a copy of TREE's index, and then only those files are
# written that are not in OUTDIR/source already: make does not see the others as
# new.
objects=$(git_path objects)
index=$(git_path index)
cp "$index" "$outdir/index.tree"
in_outdir index.tree add --all
in_outdir index.tree apply --cached "$here/uml.diff" ||
	die "uml.diff does not apply to $tree"
patched=$(in_outdir index.tree write-tree)
in_outdir index.source --work-tree="$source" read-tree --reset -u "$patched"

args=(--arch um --config "$here/uml.config" --jobs "$jobs" --log "${log:-$outdir/build.log}")
for dir in ${module[@]+"${module[@]}"}; do
	args+=(--module "$dir")
done
# A build directory right below its tree lets ccache serve all trees.
"$qemu/build-kernel.sh" "${args[@]}" "$source" "$source/.build"
ln -sf source/.build/linux "$outdir/linux"
echo "Kernel: $outdir/linux"
