# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # shared with boot.sh
#
# Build the command that starts a machine in QEMU or User-mode Linux.  boot.sh sources this
# file, and calls machine_command after it has checked its options.

# Set the variables that depend on the architecture.
describe_machine() {
	# Names of the disks without their last letter.
	disks=/dev/vd
	case $arch in
	x86_64)
		machine=pc
		console=ttyS0
		# On 7.3, virtio ports do not work after a suspend.  Serial lines do.
		report_tty=ttyS1
		# tsc=reliable: all processors share one time stamp counter.  Without this
		# option the kernel does not trust the counter, and each read of the clock
		# accesses an emulated timer.  no_timer_check: on a busy host the emulated
		# timer ticks so late that the kernel's check of it fails, and the kernel
		# panics.
		clock="tsc=reliable no_timer_check"
		# The same processor on every version of QEMU, with the features that AES code
		# needs.  With xsave but without xsaveopt, the kernel hangs when it enables
		# xsave.  With bmi2 but without abm, data compressed with zstd breaks.
		default_cpu=qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq,+avx,+avx2
		default_cpu+=,+abm,+bmi1,+bmi2,+xsave,+xsaveopt,+xgetbv1,+rdrand ;;
	arm64)
		machine=virt
		console=ttyAMA0
		report_tty=
		clock=
		default_cpu=cortex-a72 ;;
	um)
		[ -z "$icount$accelerator${qemu[*]-}" ] || die "um refuses this option, see --help"
		[ "$job" != shell ] || die "there is no shell in User-mode Linux yet"
		disks=/dev/ubd
		console=tty0
		report_tty=ttyS0
		clock= ;;
	esac
}

kernel_command_line() {
	local letters=bcdefghijklmnopqrstuvwxyz

	# panic=-1 reboots at once, and -no-reboot turns the reboot into the end of QEMU.
	cmdline="console=$console root=${disks}a ro rootfstype=ext4 init=/sbin/init"
	cmdline+=" panic=-1 oops=panic panic_on_warn=1 $clock"
	# QEMU reuses the translated code of a program only if the program starts again
	# at the same addresses.
	cmdline+=" norandmaps"
	if [ -n "$icount" ]; then
		# Guest time leaps while the guest waits for a disk, so the watchdogs
		# would report a hang where nothing hangs.
		cmdline+=" nowatchdog sysctl.kernel.hung_task_timeout_secs=0"
		cmdline+=" rcupdate.rcu_cpu_stall_suppress=1 workqueue.watchdog_thresh=0"
	else
		# A busy host sometimes stops the guest's processors for many seconds.
		cmdline+=" softlockup_panic=1 hung_task_panic=1 watchdog_thresh=30"
		cmdline+=" rcupdate.rcu_cpu_stall_timeout=60 workqueue.watchdog_thresh=60"
	fi
	cmdline+=" mdu_job=$job"
	modules=$(dirname "$kernel")/modules.img
	if [ -r "$modules" ]; then
		cmdline+=" mdu_modules=$disks${letters:${#disk[@]}:1}"
	else
		modules=
	fi
	# QEMU's RSA fails its self-test, and the kernel warns: do not panic on warnings.
	[ -z "$accelerator" ] || cmdline+=" panic_on_warn=0"
	[ -z "$report_tty" ] || cmdline+=" mdu_report=/dev/$report_tty"
	[ -z "$args" ] || cmdline+=" mdu_args=\"$args\""
	[ -z "$append" ] || cmdline+=" $append"
}

# User-mode Linux is a program, and prints the console on its standard output.
uml_command() {
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

# kvm_boots: succeeds if KVM boots the kernel up to the panic for lack of a root file
# system.  On some hosts /dev/kvm exists but hangs.  The cache keeps the answer for each
# QEMU until the host boots again.
kvm_boots() {
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

qemu_command() {
	local accel=tcg
	# Guests only read these images, so QEMU needs no lock.  If QEMU locked them, it would
	# conflict with User-mode Linux, which locks the whole of each file that it reads.
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
	[ -z "$modules" ] || command+=(-drive "file=$modules,$shared")
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
		# One socket connects two character devices of QEMU: that of the monitor and
		# that of the guest's port.
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

# machine_command: set the array command
machine_command() {
	describe_machine
	kernel_command_line
	if [ "$arch" = um ]; then
		uml_command
	else
		qemu_command
	fi
}
