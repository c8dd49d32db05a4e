#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# See that the AES-XTS drivers for this machine's processor take many data units
# and pass the kernel's self-tests.  QEMU does not know all instructions that they
# use; User-mode Linux has what the processor has.  TAP on stdout.
#
# usage: test-ciphers.sh --kernel LINUX --rootfs IMG --log CONSOLE.log
#
#   --kernel LINUX   made by build-uml.sh, of a tree with the series
#   --rootfs IMG     made by ../qemu/build-rootfs.sh
#   --log FILE       what the kernel prints
#   --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
qemu=$here/../qemu
# shellcheck source-path=SCRIPTDIR source=../qemu/lib.sh
. "$qemu/lib.sh"

kernel=
rootfs=
log=
parse_options kernel rootfs log -- "$@"
need_operands 0 "options only"
[ -x "$kernel" ] || die "cannot run the kernel $kernel"
[ -r "$rootfs" ] || die "cannot read the root file system $rootfs"

report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
timeout --kill-after=10 300 "$kernel" mem=512M "ubd0r=$rootfs" root=/dev/ubda ro \
	rootfstype=ext4 init=/sbin/init panic=-1 panic_on_warn=1 con=null con0=null,fd:1 \
	console=tty0 ssl=null ssl0=null,fd:3 mdu.job=ciphers mdu.report=/dev/ttyS0 \
	3> "$report" > "$log" 2>&1 < /dev/null || status=$?
tr -d '\r' < "$report" | sed '/^verdict: /d'
if [ "$status" -ne 0 ] || ! grep '^verdict: exit 0' "$report" > /dev/null; then
	echo "# exit status $status, last lines of $log:"
	tail -n 20 "$log" | sed 's/^/# /'
	echo "not ok User-mode Linux ended well"
	exit 1
fi
