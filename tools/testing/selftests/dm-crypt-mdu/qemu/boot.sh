#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot a kernel in QEMU, or User-mode Linux, run one job in it and say whether all
# went well.
#
# usage: boot.sh --kernel IMAGE --rootfs IMG --job NAME [options]
#                --log CONSOLE.log --report REPORT
#        boot.sh --kernel IMAGE --rootfs IMG --job shell [options]
#
#   --kernel IMAGE     kernel to boot
#   --arch ARCH        x86_64, arm64 or um (default: this machine's); um is User-mode
#                      Linux, without QEMU: --cpu, --icount, --accelerator,
#                      --emulator and --qemu mean nothing to it
#   --rootfs IMG       image made by build-rootfs.sh, /dev/vda, never written to
#   --job NAME         qemu/jobs/NAME.sh, or "shell" for an interactive shell
#   --args STRING      arguments for the job
#   --disk FILE        raw image, writable: /dev/vdb, the next one /dev/vdc ...
#   --modules IMG      image made by build-modules.sh (default: modules.img beside
#                      IMAGE, if there is one), the last disk, never written to
#   --mem MB           memory (default 1024)
#   --smp N            processors (default 2)
#   --cpu MODEL        QEMU's name of the processor, with its features
#   --append STRING    more words for the kernel command line
#   --icount           count instructions: 1 ns of guest time is 1 instruction,
#                      one processor; time leaps while the machine waits for
#                      anything, so measure on a disk in its memory
#   --accelerator      a virtio crypto device, and QEMU's monitor at the virtio port
#                      "monitor", through which the device, "accelerator", can be
#                      unplugged.  QEMU's RSA is known to fail its self-test.
#   --emulator FILE    QEMU itself (default: the one that is installed)
#   --qemu ARG         more for QEMU, as it is; once for each word
#   --timeout SECONDS  a machine that runs longer has failed (default 600)
#   --log FILE         what the kernel prints
#   --report FILE      what the job prints, then "verdict: exit N"
#   --quiet            do not show the test results while they come in
#   --help
#
# QEMU uses KVM where that boots a kernel, and emulates the processor elsewhere, and with
# --icount.
#
# Exit status 0 only if QEMU ended by itself, the job's verdict is 0 and the
# kernel had nothing to complain about (see check-console.sh).

set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

arch=$(host_arch)
kernel=
rootfs=
job=
args=
disk=()
modules=
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
parse_options arch kernel rootfs job args= disk+ modules= mem smp cpu= append= icount! \
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
[ "$arch" = um ] || command -v "$emulator" > /dev/null ||
	die "$emulator is not installed (Debian package $QEMU_PACKAGE)"

# The names of the disks, all but their last letter.
disks=/dev/vd
case $arch in
x86_64)
	machine=pc
	console=ttyS0
	# A second serial line, which works after a suspend; virtio ports do not on 7.3.
	report_tty=ttyS1
	# The processors' time stamp counters are one and the same here, which the
	# kernel does not believe without being told; without it every look at the
	# clock is an access to an emulated timer.  On a busy host that timer ticks too
	# late for the kernel, which looks whether it works, and gives up.
	clock="tsc=reliable no_timer_check"
	# The same processor on every version of QEMU, with what AES code asks for.
	# xsave without xsaveopt hangs the kernel when it enables it, and bmi2 without
	# abm breaks what is compressed with zstd.
	default_cpu=qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq,+avx,+avx2
	default_cpu+=,+abm,+bmi1,+bmi2,+xsave,+xsaveopt,+xgetbv1,+rdrand ;;
arm64)
	machine=virt
	console=ttyAMA0
	report_tty=
	clock=
	default_cpu=cortex-a72 ;;
um)
	[ -z "$icount$accelerator${qemu[*]-}" ] || die "User-mode Linux has no such thing"
	[ "$job" != shell ] || die "there is no shell in User-mode Linux yet"
	disks=/dev/ubd
	console=tty0
	report_tty=ttyS0
	clock= ;;
esac

# panic=-1 reboots at once and -no-reboot makes that the end of QEMU.
cmdline="console=$console root=${disks}a ro rootfstype=ext4 init=/sbin/init"
cmdline+=" panic=-1 oops=panic panic_on_warn=1 $clock"
# QEMU uses what it translated for a program again the next time the program is
# started only if it lies at the same addresses then.
cmdline+=" norandmaps"
if [ -n "$icount" ]; then
	# Time leaps while the machine waits for a disk, which is no sign of
	# anything being stuck.
	cmdline+=" nowatchdog sysctl.kernel.hung_task_timeout_secs=0"
	cmdline+=" rcupdate.rcu_cpu_stall_suppress=1 workqueue.watchdog_thresh=0"
else
	# A busy host stops the machine's processors for many seconds at times.
	cmdline+=" softlockup_panic=1 hung_task_panic=1 watchdog_thresh=30"
	cmdline+=" rcupdate.rcu_cpu_stall_timeout=60 workqueue.watchdog_thresh=60"
fi
cmdline+=" mdu.job=$job"
[ -n "$modules" ] || [ ! -r "$(dirname "$kernel")/modules.img" ] ||
	modules=$(dirname "$kernel")/modules.img
if [ -n "$modules" ]; then
	letters=bcdefghijklmnopqrstuvwxyz
	cmdline+=" mdu.modules=$disks${letters:${#disk[@]}:1}"
fi
# The kernel warns when a cipher fails its self-test.
expected=()
if [ -n "$accelerator" ]; then
	cmdline+=" panic_on_warn=0"
	expected=(--except virtio-crypto-rsa)
fi
[ -z "$report_tty" ] || cmdline+=" mdu.report=/dev/$report_tty"
[ -z "$args" ] || cmdline+=" mdu.args=\"$args\""
[ -z "$append" ] || cmdline+=" $append"

# The kernel is the program, and what it prints the program's output.
uml_command()
{
	local image number=1

	command=("$kernel" "mem=${mem}M" "ncpus=$smp" seccomp=on "ubd0r=$rootfs")
	for image in ${disk[@]+"${disk[@]}"}; do
		command+=("ubd$((number++))=$image")
	done
	[ -z "$modules" ] || command+=("ubd${number}r=$modules")
	command+=(con=null "con0=null,fd:1" ssl=null "ssl0=null,fd:3")
	# shellcheck disable=SC2206 # words of a kernel command line
	command+=("$cmdline")
}

# Does KVM boot this kernel, up to the panic for want of a root file system?  There are
# machines on which /dev/kvm exists and hangs.  The answer for each QEMU is kept until
# this machine starts again.
kvm_boots()
{
	local cache=${DM_CRYPT_MDU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dm-crypt-mdu} boot answer

	[ "$arch" = "$(host_arch)" ] && [ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
	read -r boot < /proc/sys/kernel/random/boot_id
	answer=$cache/kvm-$boot${emulator//\//-}
	if [ ! -s "$answer" ]; then
		mkdir -p "$cache"
		find "$cache" -maxdepth 1 -name "kvm-*" ! -name "kvm-$boot*" -delete
		if timeout --kill-after=1 8 "$emulator" -accel kvm -machine "$machine" \
			-cpu "$default_cpu" -m 512 -nodefaults -no-user-config -no-reboot \
			-display none -serial stdio -kernel "$kernel" \
			-append "console=$console panic=-1 cryptomgr.notests" \
			< /dev/null 2>&1 | grep -aq "Kernel panic - not syncing: VFS"; then
			echo yes
		else
			echo no
		fi > "$answer.$$"
		mv "$answer.$$" "$answer"
	fi
	[ "$(cat "$answer")" = yes ]
}

qemu_command()
{
	local accel=tcg
	# Nobody writes to these, and User-mode Linux locks all of a file that it reads.
	local shared=if=virtio,format=raw,readonly=on,file.locking=off

	command=("$emulator" -nodefaults -no-user-config -no-reboot -display none)
	if [ -n "$icount" ]; then
		smp=1
		command+=(-icount "shift=0,sleep=off")
		accel=tcg,thread=single
	elif kvm_boots; then
		accel=kvm
	fi
	command+=(-accel "$accel")
	command+=(-machine "$machine" -cpu "${cpu:-$default_cpu}" -smp "$smp" -m "$mem")
	command+=(-kernel "$kernel" -append "$cmdline")
	command+=(-drive "file=$rootfs,$shared")
	for image in ${disk[@]+"${disk[@]}"}; do
		command+=(-drive "file=$image,if=virtio,format=raw,cache=unsafe,discard=unmap")
	done
	[ -z "$modules" ] ||
		command+=(-drive "file=$modules,$shared")
	command+=(-device virtio-serial-pci)
	if [ "$job" = shell ]; then
		command+=(-serial mon:stdio)
	else
		command+=(-serial "file:$log")
		if [ -n "$report_tty" ]; then
			command+=(-serial "file:$report")
		else
			command+=(-chardev "file,id=report,path=$report")
			command+=(-device "virtserialport,chardev=report,name=report")
		fi
	fi
	if [ -n "$accelerator" ]; then
		# The two ends of a socket: the monitor is one of QEMU's character devices, and
		# the port of the machine another.
		socket=abstract=on,path=dm-crypt-mdu-monitor-$$
		command+=(-chardev "socket,id=monitor,server=on,wait=off,$socket")
		command+=(-mon "chardev=monitor,mode=readline")
		command+=(-chardev "socket,id=port,$socket")
		command+=(-device "virtserialport,chardev=port,name=monitor")
		command+=(-object "cryptodev-backend-builtin,id=cryptodev")
		command+=(-device "virtio-crypto-pci,cryptodev=cryptodev,id=accelerator")
	fi
	command+=(${qemu[@]+"${qemu[@]}"})
}

if [ "$arch" = um ]; then
	uml_command
else
	qemu_command
fi
printf '%q ' "${command[@]}"
echo

if [ "$job" = shell ]; then
	echo "To kill the machine: Ctrl-A X"
	exec "${command[@]}"
fi

mkdir -p "$(dirname "$log")" "$(dirname "$report")"
: > "$log"
: > "$report"

# last_lines NUMBER FILE: quoted, or who counts results would count these twice.
last_lines()
{
	echo "boot.sh: last lines of $2:"
	tail -n "$1" "$2" | sed 's/^/> /'
}

fail()
{
	echo "boot.sh: job $job: $*" >&2
	last_lines 60 "$log" >&2
	last_lines 10 "$report" >&2
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
# A kernel that panics takes User-mode Linux with it.
trouble=$("$here/check-console.sh" ${expected[@]+"${expected[@]}"} "$log") ||
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
