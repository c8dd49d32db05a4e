#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that boot.sh fails when it has to: a job that fails, a kernel warning,
# an oops, a panic, a machine that hangs, one that ends without a verdict, a
# failed crypto self-test, a machine that does not start; and that it passes when
# nothing of this happened.
#
# usage: test-boot.sh --kernel IMAGE --rootfs IMG [--arch ARCH]

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=provoke.sh
. "$here/provoke.sh"

ktap_print_header
ktap_set_plan 9

if run pass; then
	ktap_test_pass "a job that passes, passes"
else
	ktap_test_fail "a job that passes, passes"
	sed 's/^/# /' "$work/output"
fi
expect_failure "a job that fails" "the job failed (exit 3)" fail
expect_failure "a kernel warning" "the kernel complained: .*WARNING:" WARNING
# In User-mode Linux that is a panic at once.
expect_failure "an oops" "the kernel complained: .*\(BUG:\|mode fault at\)" EXCEPTION
expect_failure "a panic" "the kernel complained: .*Kernel panic" PANIC
expect_failure "a failed crypto self-test" "the kernel complained: .*alg: " selftest
expect_failure "a machine that hangs" "did not end within 20 s" hang --timeout 20
expect_failure "an end without a verdict" "there is no verdict" silent
expect_failure "a machine that does not start" "the machine failed" pass \
	--kernel /bin/false --emulator /bin/false

ktap_finished
