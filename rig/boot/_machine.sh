# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # of and for boot.sh
#
# How a machine is started, in QEMU or User-mode Linux.  boot.sh sources this, and calls
# machine_command when its options have been checked.

# Set what depends on the architecture.
describe_machine()
{
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
}

kernel_command_line()
{
	local letters=bcdefghijklmnopqrstuvwxyz

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
		cmdline+=" mdu.modules=$disks${letters:${#disk[@]}:1}"
	fi
	# The kernel warns when a cipher fails its self-test.
	[ -z "$accelerator" ] || cmdline+=" panic_on_warn=0"
	[ -z "$report_tty" ] || cmdline+=" mdu.report=/dev/$report_tty"
	[ -z "$args" ] || cmdline+=" mdu.args=\"$args\""
	[ -z "$append" ] || cmdline+=" $append"
}

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
	local boot answer cache

	cache=$(cache_dir)
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

# Sets the array command.
machine_command()
{
	describe_machine
	kernel_command_line
	if [ "$arch" = um ]; then
		uml_command
	else
		qemu_command
	fi
}
