#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that boot.sh fails when it has to: a job that fails, a kernel warning,
# an oops, a panic, a machine that hangs, one that ends without a verdict, a
# failed crypto self-test, a QEMU that does not start; and that it passes when
# nothing of this happened.
#
# usage: test-boot.sh [--ktap FILE] --kernel BZIMAGE --rootfs IMG
#
#   --ktap FILE   ktap_helpers.sh (default: the one of the tree this is in)

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

ktap=$here/../../kselftest/ktap_helpers.sh
kernel=
rootfs=
parse_options ktap kernel rootfs -- "$@"
for file in "$ktap" "$kernel" "$rootfs"; do
	[ -r "$file" ] || die "cannot read $file"
done

# shellcheck source=/dev/null
. "$ktap"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run HOW [boot.sh option...]: boot with a job that ends like this.
run()
{
	local how=$1
	shift

	"$here/boot.sh" --kernel "$kernel" --rootfs "$rootfs" --quiet \
		--job provoke --args "$how" --log "$work/log" \
		--report "$work/report" --timeout 120 "$@" > "$work/output" 2>&1
}

# expect_failure DESCRIPTION WORDS HOW...: boot.sh must fail and say WORDS.
expect_failure()
{
	local description=$1 words=$2
	shift 2

	if ! run "$@" && grep -q -- "$words" "$work/output"; then
		ktap_test_pass "$description"
	else
		ktap_test_fail "$description"
		sed 's/^/# /' "$work/output"
	fi
}

ktap_print_header
ktap_set_plan 9

if run pass; then
	ktap_test_pass "a job that passes, passes"
else
	ktap_test_fail "a job that passes, passes"
	sed 's/^/# /' "$work/output"
fi
expect_failure "a job that fails" "the job failed (exit 3)" fail
expect_failure "a kernel warning" "the kernel complained: .*WARNING:" warning
expect_failure "an oops" "the kernel complained: .*BUG:" oops
expect_failure "a panic" "the kernel complained: .*Kernel panic" panic
expect_failure "a failed crypto self-test" "the kernel complained: .*alg: " selftest
expect_failure "a machine that hangs" "did not end within 20 s" hang --timeout 20
expect_failure "an end without a verdict" "there is no verdict" silent
expect_failure "a QEMU that does not start" "QEMU failed" pass --qemu -no-such-option

ktap_finished
