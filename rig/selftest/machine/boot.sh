#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that boot.sh fails on a job that fails, a kernel warning, an oops, a panic,
# a failed crypto self-test, a machine that hangs, a machine that ends without a
# verdict and a machine that does not start.  boot.sh passes if none of these
# happens.  boot.sh uses KVM if KVM boots a kernel, and only then.
#
# usage: boot.sh [options] --kernel IMAGE --rootfs IMG
#
#   --arch ARCH     of the kernel, as boot.sh takes it
#   --sanitizers    the kernel was built with kasan.config.  Proves instead that it finds
#                   faults, and that boot.sh then fails.  KASAN finds accesses after free
#                   and out of bounds on the heap, UBSAN an index out of bounds.  A write
#                   beyond vmalloc() memory hits a page that is not mapped.  Either KASAN or
#                   the processor reports it, which depends on how the compiler copies.

set -u

. "$(dirname "$0")/../../boot/_lib.sh"

kernel=
rootfs=
arch=$(host_arch)
sanitizers=
parse_options kernel rootfs arch sanitizers! -- "$@"
source_ktap
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run HOW [boot.sh option...]: boots with a job that ends in the way HOW
run() {
	"$BOOT/boot.sh" --arch "$arch" --kernel "$kernel" --rootfs "$rootfs" --quiet \
		--job provoke --args "$1" --log "$work/log" \
		--report "$work/report" --timeout 120 "${@:2}" > "$work/output" 2>&1
}

# report STATUS DESCRIPTION
report() {
	if [ "$1" -eq 0 ]; then
		ktap_test_pass "$2"
	else
		ktap_test_fail "$2"
		sed 's/^/# /' "$work/output"
	fi
}

# expect_failure DESCRIPTION WORDS HOW...: boot.sh must fail and say WORDS, and print no
# line that looks like the result of a test
expect_failure() {
	! run "${@:3}" && grep -q -- "$2" "$work/output" &&
		! grep -Eq '^(# +)?(not )?ok ' "$work/output"
	report $? "$1"
}

# expect_report DESCRIPTION WORDS CRASHTYPE: the kernel must report WORDS
expect_report() {
	expect_failure "$1" "the kernel complained: .*$2" "$3" --mem 2048 --timeout 600 \
		--append cryptomgr.fuzz_iterations=10
}

# emulator COMMAND: prints the path of a script in place of QEMU.  If it is asked for KVM, the
# script runs COMMAND, and then QEMU with TCG instead of KVM
emulator() {
	cat > "$work/qemu-${1%% *}" <<-EOF
		#!/bin/bash
		args=("\$@")
		for i in "\${!args[@]}"; do
			[ "\${args[i]}" != kvm ] || { $1; args[i]=tcg; }
		done
		exec $QEMU "\${args[@]}"
	EOF
	chmod +x "$work/qemu-${1%% *}"
	echo "$work/qemu-${1%% *}"
}

# expect_accel DESCRIPTION ACCEL COMMAND: boot.sh must use ACCEL if KVM behaves as COMMAND
expect_accel() {
	if [ "$arch" != "$(host_arch)" ] || [ ! -w /dev/kvm ]; then
		ktap_test_skip "$1: this machine has no /dev/kvm for $arch"
		return
	fi
	set_arch "$arch"
	DM_CRYPT_MDU_CACHE=$work/cache-${3%% *} run pass --emulator "$(emulator "$3")" &&
		grep -q -e "-accel $2 " "$work/output"
	report $? "$1"
}

ktap_print_header
if [ -n "$sanitizers" ]; then
	ktap_set_plan 4
	expect_report "KASAN: read after free" "BUG: KASAN: .*use-after-free" READ_AFTER_FREE
	expect_report "KASAN: write beyond the heap" "BUG: KASAN: slab-out-of-bounds" \
		SLAB_LINEAR_OVERFLOW
	expect_report "write beyond vmalloc() memory" \
		"BUG: \\(KASAN: vmalloc-out-of-bounds\\|unable to handle page fault\\)" \
		VMALLOC_LINEAR_OVERFLOW
	expect_report "UBSAN: index out of bounds" "UBSAN: array-index-out-of-bounds" ARRAY_BOUNDS
	ktap_finished
fi
ktap_set_plan 11
run pass
report $? "a job that passes, passes"
expect_failure "a job that fails" "the job failed (exit 3)" fail
expect_failure "a kernel warning" "the kernel complained: .*WARNING:" WARNING
# In User-mode Linux an oops is a panic at once.
expect_failure "an oops" "the kernel complained: .*\(BUG:\|mode fault at\)" EXCEPTION
expect_failure "a panic" "the kernel complained: .*Kernel panic" PANIC
expect_failure "a failed crypto self-test" "the kernel complained: .*alg: " selftest
expect_failure "a machine that hangs" "did not end within 20 s" hang --timeout 20
expect_failure "an end without a verdict" "there is no verdict" silent
expect_failure "a machine that does not start" "the machine failed" pass \
	--kernel /bin/false --emulator /bin/false
expect_accel "KVM that hangs is not used" tcg "sleep 60"
expect_accel "KVM that boots is used" kvm true
ktap_finished
