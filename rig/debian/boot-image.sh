#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot a disk made by build-image.sh, unlock its volume, and check that the volume
# batches.  Debian then switches batching off and boots again.  After that, the volume must
# not batch.
#
# usage: boot-image.sh DISK
#
# The machine has only the disk: GRUB, the initramfs and Debian's kernel are on it.  When
# the initramfs asks for the passphrase on the first serial line, this script types it.
# In Debian, report.sh prints the results of its tests on the second serial line, which
# QEMU writes to DISK.report.  boot-image.sh prints the results as TAP.

set -eu
set -o pipefail

. "$(dirname "$0")/../boot/_lib.sh"

parse_options -- "$@"
need_operands 1 "one DISK"
# shellcheck disable=SC2154 # parse_options() sets it
disk=${operands[0]}
passphrase=$(< "$disk.passphrase")
command=(qemu-system-x86_64 -nodefaults -no-user-config -display none -accel tcg
	-machine pc -smp 2 -m 1024 -cpu max -snapshot
	-drive "file=$disk,if=virtio,format=raw,cache=unsafe"
	-smbios "type=11,value=io.systemd.credential:dm-crypt-mdu.report=yes"
	-serial stdio -serial "file:$disk.report")
echo "# ${command[*]}"
: > "$disk.report"

keyboard=$disk.keyboard
rm -f "$keyboard"
mkfifo "$keyboard"
exec 3<> "$keyboard"
rm "$keyboard"
status=0
timeout --foreground --kill-after=10 900 "${command[@]}" <&3 |
	tee "$disk.console" |
	while IFS= read -r -d : text; do
		case $text in
		*"unlock disk root_crypt")
			# The initramfs prints the prompt a moment before it reads.
			sleep 2
			echo "$passphrase" >&3 ;;
		esac
	done || status=$?

report=$(tr -d '\r' < "$disk.report")
echo "TAP version 13"
echo "1..12"
printf '%s\n' "$report"
if [ $status -eq 0 ] && grep -qx end <<< "$report"; then
	echo "ok the machine ends by itself, and Debian reports to the end"
else
	echo "not ok the machine ends by itself, and Debian reports to the end"
	status=1
fi
! grep -q '^not ok' <<< "$report" || status=1
[ $status -eq 0 ] || echo "# see $disk.console and $disk.report"
exit $status
