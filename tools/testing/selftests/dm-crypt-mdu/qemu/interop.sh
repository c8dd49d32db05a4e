#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prove that kernels with and without the series read what the other wrote:
# boot one after the other on the same disks.  TAP on stdout.
#
# usage: interop.sh --kernel IMAGE --unpatched IMAGE --rootfs IMG --dir DIR
#
#   --unpatched IMAGE   kernel built without the series
#   --arch ARCH         of both, as boot.sh takes it (default: this machine's)
#   --dir DIR           for disk images, console logs and reports
#   --seed N            decides about the options of some volumes (default: any)
#   --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

kernel=
unpatched=
rootfs=
arch=$(host_arch)
dir=
seed=$RANDOM
parse_options kernel unpatched rootfs arch dir seed -- "$@"
# shellcheck source=/dev/null
. "$here/../../kselftest/ktap_helpers.sh"

mkdir -p "$dir"
make_disk "$dir/areas.img" 32M
make_disk "$dir/luks.img" 32M
head -c 1M /dev/urandom > "$dir/first.img"
head -c 1M /dev/urandom > "$dir/second.img"

# boot NAME KERNEL ARGUMENTS: one TAP line for each of the job's, and one for
# the machine.
boot()
{
	local name=$1 line

	if "$here/boot.sh" --arch "$arch" --kernel "$2" --rootfs "$rootfs" --job interop \
		--args "$3" --quiet --disk "$dir/areas.img" --disk "$dir/luks.img" \
		--disk "$dir/first.img" --disk "$dir/second.img" --timeout 300 \
		--log "$dir/interop-$name.console" \
		--report "$dir/interop-$name.tap" > "$dir/interop-$name.boot" 2>&1; then
		ktap_test_pass "$name"
	else
		sed 's/^/# /' "$dir/interop-$name.boot"
		ktap_test_fail "$name"
	fi
	while read -r line; do
		case $line in
		"ok "*)		ktap_test_pass "$name: ${line#ok }" ;;
		"not ok "*)	ktap_test_fail "$name: ${line#not ok }" ;;
		esac
	done < "$dir/interop-$name.tap"
}

ktap_print_header
ktap_print_msg "seed $seed"
boot patched-writes "$kernel" "patched $seed write first"
boot unpatched-reads-then-writes "$unpatched" "unpatched $seed verify first write second"
boot patched-reads "$kernel" "patched $seed verify second"
rm -f "$dir/areas.img" "$dir/luks.img" "$dir/first.img" "$dir/second.img"
ktap_set_plan $((KTAP_TESTNO - 1))
ktap_finished
