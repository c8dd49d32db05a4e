#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that boot.sh fails on a job that fails, a kernel warning, an oops, a panic,
# a failed crypto self-test, a machine that hangs, a machine that ends without a
# verdict and a machine that does not start.  boot.sh passes if none of these
# happens.  boot.sh uses KVM if KVM boots a kernel, and only then.
#
# usage: boot.sh --kernel IMAGE --rootfs IMG [--arch ARCH]

set -u

. "$(dirname "$0")/../../boot/_lib.sh"
. "$(dirname "$0")/_provoke.sh"

ktap_print_header
ktap_set_plan 11

if run pass; then
	ktap_test_pass "a job that passes, passes"
else
	ktap_test_fail "a job that passes, passes"
	sed 's/^/# /' "$work/output"
fi
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

# emulator COMMAND: prints the path of a QEMU that runs COMMAND, then TCG, in place of KVM
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

# expect_accel DESCRIPTION ACCEL COMMAND: boot.sh uses ACCEL if KVM does COMMAND
expect_accel() {
	if [ "$arch" != "$(host_arch)" ] || [ ! -w /dev/kvm ]; then
		ktap_test_skip "$1: this machine has no /dev/kvm for $arch"
	elif DM_CRYPT_MDU_CACHE=$work/cache-${3%% *} run pass --emulator "$(emulator "$3")" &&
	     grep -q -e "-accel $2 " "$work/output"; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
		sed 's/^/# /' "$work/output"
	fi
}

[ "$arch" = um ] || set_arch "$arch"
expect_accel "KVM that hangs is not used" tcg "sleep 60"
expect_accel "KVM that boots is used" kvm true

ktap_finished
