#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the benchmark's kernels with and without the series, and measure.
#
# usage: run.sh --base NAME --unpatched TREE --patched TREE --rootfs IMG
#               --results DIR [options] [-- BENCH_OPTION...]
#
#   --base NAME        name of the two kernels in the results
#   --unpatched TREE   git tree of the kernel without requests of many data units
#   --patched TREE     git tree of the kernel with such requests
#   --rootfs IMG       made by ../boot/build-rootfs.sh
#   --results DIR      for bench.json, tables, plots and logs
#   --native DIR       also build User-mode Linux in DIR, and measure time with it
#   --help
#
# A BENCH_OPTION is an option of bench.py: --quick, --check, --keep, --document ...

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../boot/_lib.sh"

own=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	own+=("$1")
	shift
done
[ $# -eq 0 ] || shift
base=
unpatched=
patched=
rootfs=
results=
native=
parse_options base unpatched patched rootfs results native= -- ${own[@]+"${own[@]}"}
need_operands 0 "options only"
mkdir -p "$results/logs"

# build_exact NAME TREE: builds right below TREE, so that ccache serves both trees
build_exact() {
	"$BOOT/build-kernel.sh" --arch x86_64 --config "$here/kernel.config" \
		--allow-missing DM_INLINECRYPT --allow-missing CRYPTO_MANAGER_DISABLE_TESTS \
		--module "$here/module" --log "$results/logs/kernel-$base-$1.log" \
		"$2" "$2/.build-bench"
}

# build_native NAME TREE
build_native() {
	"$here/build-uml.sh" --module "$here/module" \
		--log "$results/logs/uml-$base-$1.log" "$2" "$native/$1"
}

build_exact unpatched "$unpatched"
build_exact patched "$patched"
args=(--exact "$base" "$unpatched/.build-bench" "$patched/.build-bench")
if [ -n "$native" ]; then
	build_native unpatched "$unpatched"
	build_native patched "$patched"
	args+=(--native "$base" "$native/unpatched/source/.build" "$native/patched/source/.build")
fi
exec "$here/bench.py" "${args[@]}" --rootfs "$rootfs" --results "$results" "$@"
