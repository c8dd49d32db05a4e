#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that check-console.sh finds signs of trouble.  It ignores a cipher that is known
# to fail its self-test, and nothing else.
#
# usage: console.sh

set -eu

. "$(dirname "$0")/../boot/_lib.sh"
parse_options -- "$@"
need_operands 0 "options only"
source_ktap

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quiet='[    1.0] virtio_crypto virtio1: Accelerator device is ready'
test='[    1.1] alg: akcipher: encrypt test failed. err -22'
driver='[    1.2] alg: akcipher: test 1 failed for the-driver, err=-22'
tests='[    1.3] alg: self-tests for rsa using the-driver failed (rc=-22)'
cut='[    1.4] ------------[ cut here ]------------'
warning='[    1.5] WARNING: crypto/testmgr.c:5685 at alg_test+0x26c/0x580'
end='[    1.6] ---[ end trace 0000000000000000 ]---'

# found EXPECTED OPTION... -- LINE...: succeeds if check-console.sh prints EXPECTED lines of a
# log with these LINEs
found() {
	local expected=$1 options=() lines status=0

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	printf '%s\n' "$@" > "$work/log"
	lines=$("$BOOT/check-console.sh" ${options[@]+"${options[@]}"} "$work/log") || status=1
	[ "$(grep -c . <<< "$lines")" -eq "$expected" ] && [ $((expected > 0)) -eq $status ]
}

# says DESCRIPTION ARGUMENT...: runs found ARGUMENT... as one test
says() {
	if found "${@:2}"; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
		sed 's/^/# /' "$work/log"
	fi
}

known=(--except the-driver --)
interrupted='** replaying previous printk message **'
ktap_print_header
ktap_set_plan 9
says "a log without a sign of trouble passes" 0 -- "$quiet"
says "a failed self-test is trouble, and so is the warning" 5 \
	-- "$test" "$driver" "$tests" "$cut" "$tests" "$warning" "$end"
says "they are no trouble if the driver is known to fail" 0 "${known[@]}" \
	"$test" "$driver" "$tests" "$cut" "$tests" "$warning" "$end" "$quiet"
says "the exception is for this driver only" 4 --except another -- \
	"$test" "$driver" "$tests" "$cut" "$tests" "$warning" "$end"
says "a warning about something else is trouble" 1 "${known[@]}" "$cut" "$warning" "$end"
says "a warning inside of the known one is trouble" 3 "${known[@]}" \
	"$cut" "$tests" "$warning" "$warning" "$end"
says "a warning that does not end is trouble" 2 "${known[@]}" "$cut" "$warning" "$warning"
says "a line that is printed again counts once" 1 -- "${warning% at*}" "$interrupted" "$warning"
says "a known failure that the kernel prints again is no trouble" 0 "${known[@]}" \
	"$test" "${driver% failed*}" "$interrupted" "$driver" "$cut" "$tests" "$warning" "$end"
ktap_finished
