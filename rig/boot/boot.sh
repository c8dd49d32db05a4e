#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot a kernel in QEMU or User-mode Linux, run one job in it and say whether all
# went well.
#
# usage: boot.sh --kernel IMAGE --rootfs IMG --job NAME [options]
#                --log CONSOLE.log --report REPORT
#        boot.sh --kernel IMAGE --rootfs IMG --job shell [options]
#
#   --kernel IMAGE     kernel to boot; modules.img beside IMAGE, if there is one, is
#                      the last disk, read-only
#   --arch ARCH        x86_64, arm64 or um (default: the host's).  um is User-mode
#                      Linux, without QEMU: it ignores --cpu and --emulator, and
#                      refuses --icount, --accelerator, --qemu and the job "shell"
#   --rootfs IMG       image made by build-rootfs.sh: /dev/vda, read-only
#   --job NAME         jobs/NAME.sh, or "shell" for an interactive shell
#   --args STRING      arguments for the job
#   --disk FILE        raw image, writable: /dev/vdb, the next one /dev/vdc ...
#   --mem MB           memory (default 1024)
#   --smp N            processors (default 2)
#   --cpu MODEL        QEMU's name of the processor, with its features
#   --append STRING    more words for the kernel command line
#   --icount           count instructions: 1 ns of guest time is 1 instruction, on
#                      one processor.  Guest time leaps while the guest waits for
#                      anything, so measure on a disk in its memory.
#   --accelerator      add a virtio crypto device, "accelerator".  QEMU's monitor is
#                      at the virtio port "monitor", and can unplug the device.
#                      QEMU's RSA is known to fail its self-test.
#   --emulator FILE    QEMU itself (default: the installed one)
#   --qemu ARG         one more word for QEMU's command line; may be given several
#                      times
#   --timeout SECONDS  fail if the machine runs longer (default 600)
#   --log FILE         output of the kernel
#   --report FILE      output of the job, then "verdict: exit N"
#   --quiet            do not show the test results while they come in
#   --help
#
# QEMU uses KVM if KVM boots a kernel on this host.  Otherwise, and with --icount, QEMU
# emulates the processor.
#
# Exit status 0 only if the machine ended by itself, the job's verdict is 0 and the
# kernel did not complain (see check-console.sh).

set -eu

. "$(dirname "$0")/_lib.sh"
. "$BOOT/_machine.sh"

arch=$(host_arch)
kernel=
rootfs=
job=
args=
disk=()
mem=1024
smp=2
cpu=
append=
icount=
accelerator=
emulator=
qemu=()
timeout=600
log=
report=
quiet=
parse_options arch kernel rootfs job args= disk+ mem smp cpu= append= icount! \
	accelerator! emulator= qemu+ timeout log= report= quiet! -- "$@"
need_operands 0 "options only"
set_arch "$arch"
if [ "$job" != shell ] && { [ -z "$log" ] || [ -z "$report" ]; }; then
	die "need --log and --report, see --help"
fi
case $args in
*\"*)
	die "--args cannot contain quotation marks: $args" ;;
esac
[ -r "$kernel" ] || die "cannot read the kernel $kernel"
[ -r "$rootfs" ] || die "cannot read the root file system $rootfs"
for image in ${disk[@]+"${disk[@]}"}; do
	[ -w "$image" ] || die "cannot write the disk image $image"
done
emulator=${emulator:-$QEMU}
[ "$arch" = um ] || need_tools "$emulator:$QEMU_PACKAGE"

machine_command
printf '%q ' "${command[@]}"
echo

if [ "$job" = shell ]; then
	echo "To kill the machine: Ctrl-A X"
	exec "${command[@]}"
fi

mkdir -p "$(dirname "$log")" "$(dirname "$report")"
: > "$log"
: > "$report"

fail() {
	local file

	echo "boot.sh: job $job: $*" >&2
	for file in "$log" "$report"; do
		echo "boot.sh: last lines of $file:"
		# Quote the lines, so that no reader counts a result twice.
		tail -n 60 "$file" | sed 's/^/> /'
	done >&2
	exit 1
}

watcher=
if [ "$arch" = um ]; then
	timeout --kill-after=10 "$timeout" "${command[@]}" < /dev/null > "$log" 2>&1 3> "$report" &
else
	timeout --foreground --kill-after=10 "$timeout" "${command[@]}" < /dev/null &
fi
machine=$!
trap 'kill $machine $watcher 2> /dev/null || true' EXIT
trap 'exit 1' INT TERM
if [ -z "$quiet" ]; then
	tail -n +1 -f -s 0.2 --pid="$machine" "$report" |
		grep --line-buffered -aE '^(1\.\.|ok |not ok |Bail out!)' &
	watcher=$!
fi
status=0
wait "$machine" || status=$?
[ -z "$watcher" ] || wait "$watcher" || true
trap - EXIT

case $status in
124 | 137)
	fail "the machine did not end within $timeout s and was killed" ;;
esac
# User-mode Linux ends with an error if its kernel panics, so look at the log first.
trouble=$("$BOOT/check-console.sh" ${accelerator:+--except virtio-crypto-rsa} "$log") ||
	fail "the kernel complained: $(head -n 5 <<< "$trouble")"
[ "$status" -eq 0 ] || fail "the machine failed with exit status $status"
verdict=$(tail -n 1 "$report")
case $verdict in
"verdict: exit 0")
	;;
"verdict: exit "*)
	fail "the job failed (${verdict#verdict: })" ;;
*)
	fail "the machine ended before the job did, there is no verdict" ;;
esac
echo "boot.sh: job $job passed, report in $report, console in $log"
