#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Copy a kernel tree and apply patches to the copy.
#
# usage: copy-tree.sh TREE OUTDIR PATCH...
#
#   TREE    kernel source, a git tree, left as it is; uncommitted changes are copied,
#           too
#   OUTDIR  OUTDIR/source is the copy, made if needed; a second run writes only the
#           files that differ, so that make does not take the others for new
#   PATCH   for git apply; patches are applied in this order
#
# Exit status 3 if a patch does not apply.  OUTDIR/source then stays as it was.

set -eu

. "$(dirname "$0")/_lib.sh"

parse_options -- "$@"
# shellcheck disable=SC2154 # parse_options() sets it
[ ${#operands[@]} -ge 2 ] || die "need TREE and OUTDIR, see --help"
set -- "${operands[@]}"
[ -f "$1/Kbuild" ] || die "$1 is not a kernel source tree"
tree=$(cd "$1" && pwd -P)
mkdir -p "$2/objects" "$2/source"
outdir=$(cd "$2" && pwd -P)
shift 2

paths=$(git -C "$tree" rev-parse --path-format=absolute --git-path objects --git-path index) ||
	die "$tree is not a git tree"
{ read -r objects; read -r index; } <<< "$paths"

# in_outdir INDEX ARGUMENT...: run git on TREE.  Git writes objects and INDEX to OUTDIR,
# and reads objects from TREE, too.
in_outdir() {
	GIT_OBJECT_DIRECTORY=$outdir/objects GIT_ALTERNATE_OBJECT_DIRECTORIES=$objects \
		GIT_INDEX_FILE=$outdir/$1 git -C "$tree" "${@:2}"
}

# The patches are applied to a copy of TREE's index.
cp "$index" "$outdir/index.tree"
in_outdir index.tree add --all
for file; do
	if ! in_outdir index.tree apply --cached "$(realpath "$file")"; then
		echo "copy-tree.sh: $file does not apply to $tree" >&2
		exit 3
	fi
done
patched=$(in_outdir index.tree write-tree)
in_outdir index.source --work-tree="$outdir/source" read-tree --reset -u "$patched"
