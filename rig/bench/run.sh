#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the kernels for the benchmark, with and without the series, and measure.
#
# usage: run.sh --base NAME --unpatched TREE --patched TREE --rootfs IMG
#               --results DIR [options] [-- BENCH_OPTION...]
#
#   --base NAME        what to call the two in the results
#   --unpatched TREE   git tree of the kernel without requests of many data units
#   --patched TREE     the same with them
#   --rootfs IMG       made by ../boot/build-rootfs.sh
#   --results DIR      for bench.json, tables, plots and logs
#   --native DIR       build User-mode Linux in there, too, and take times with it
#   --help
#
# BENCH_OPTIONs are those of bench.py: --quick, --check, --keep, --document ...

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

# build_exact NAME TREE: a build directory right below its tree lets ccache serve
# both
build_exact()
{
	"$BOOT/build-kernel.sh" --arch x86_64 --config "$here/kernel.config" \
		--allow-missing DM_INLINECRYPT --allow-missing CRYPTO_MANAGER_DISABLE_TESTS \
		--module "$here/module" --log "$results/logs/kernel-$base-$1.log" \
		"$2" "$2/.build-bench"
}

# build_native NAME TREE
build_native()
{
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
