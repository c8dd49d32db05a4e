#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that a script without one of its tools says so at once, names the Debian
# package of the tool and leaves no files behind.
#
# usage: missing-tools.sh --kernel BZIMAGE --rootfs IMG
#                              --selftests DIR --tree TREE
#
#   --kernel BZIMAGE   only looked at, not booted
#   --rootfs IMG       the same
#   --selftests DIR    output of install-selftests.sh
#   --tree TREE        a kernel source tree

set -eu

. "$(dirname "$0")/../../boot/_lib.sh"

kernel=
rootfs=
selftests=
tree=
parse_options kernel rootfs selftests tree -- "$@"
source_ktap

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# path_without TOOL: prints a directory with all programs of the host but TOOL
path_without() {
	local dir program

	rm -rf "${work:?}/bin"
	mkdir "$work/bin"
	for dir in /usr/sbin /usr/bin /sbin /bin; do
		for program in "$dir"/*; do
			[ -e "$work/bin/${program##*/}" ] ||
				ln -s "$program" "$work/bin/"
		done
	done
	rm -f "$work/bin/$1"
	echo "$work/bin"
}

# needs TOOL:PACKAGE SCRIPT ARGUMENT...: SCRIPT must fail without TOOL and name PACKAGE
needs() {
	local tool=${1%:*} package=${1#*:} script=$2 path result=0
	shift 2

	path=$(path_without "$tool")
	rm -rf "$work/out"
	mkdir "$work/out"
	PATH=$path "$BOOT/$script" "$@" > "$work/said" 2>&1 || result=$?
	if [ $result -ne 0 ] && grep -Eq "Debian packages?:? $package" "$work/said" &&
	   [ -z "$(find "$work/out" -type f)" ]; then
		ktap_test_pass "$script without $tool"
	else
		ktap_print_msg "exit status $result, it said:"
		sed 's/^/# /' "$work/said"
		ktap_test_fail "$script without $tool"
	fi
}

ktap_print_header
ktap_set_plan 6
needs bison:bison build-kernel.sh "$tree" "$work/out/build"
needs gcc:gcc build-kernel.sh "$tree" "$work/out/build"
needs rsync:rsync install-selftests.sh "$tree" "$work/out/selftests"
needs fio:fio build-rootfs.sh --selftests "$selftests" "$work/out/rootfs.img"
needs busybox:busybox-static build-rootfs.sh --selftests "$selftests" "$work/out/rootfs.img"
needs qemu-system-x86_64:qemu-system-x86 boot.sh --kernel "$kernel" --rootfs "$rootfs" \
	--job none --log "$work/out/log" --report "$work/out/report"
ktap_finished
