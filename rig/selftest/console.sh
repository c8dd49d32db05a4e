#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that check-console.sh finds signs of trouble.  It ignores a cipher that is known
# to fail its self-test, and nothing else.

set -eu

. "$(dirname "$0")/../boot/_lib.sh"
source_ktap

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quiet='[    1.0] virtio_crypto virtio1: Accelerator device is ready'
test='[    1.1] alg: akcipher: encrypt test failed. err -22'
driver='[    1.2] alg: akcipher: test 1 failed for the-driver, err=-22'
tests='[    1.3] alg: self-tests for rsa using the-driver failed (rc=-22)'
cut='[    1.4] ------------[ cut here ]------------'
warning='[    1.5] WARNING: crypto/testmgr.c:5685 at alg_test.cold+0xfa/0x1b3'
trace='[    1.6] Call Trace:'
other='[    1.7] WARNING: drivers/md/dm-crypt.c:1 at crypt_map+0x1/0x2'
failure=("$test" "$driver" "$tests" "$cut" "$tests" "$warning" "$trace")

# says DESCRIPTION EXPECTED DRIVER LINE...: check-console.sh must print EXPECTED lines of a log
# with these LINEs, if the self-test of DRIVER is known to fail
says() {
	local lines status=0

	printf '%s\n' "${@:4}" > "$work/log"
	lines=$("$BOOT/check-console.sh" --except "$3" "$work/log") || status=1
	if [ "$(grep -c . <<< "$lines")" -eq "$2" ] && [ $(($2 > 0)) -eq $status ]; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
		sed 's/^/# /' "$work/log"
	fi
}

interrupted='** replaying previous printk message **'
ktap_print_header
ktap_set_plan 7
says "a log without a sign of trouble passes" 0 '' "$quiet"
says "a failed self-test is trouble, and so is the warning" 6 '' "${failure[@]}"
says "they are no trouble if the driver is known to fail" 0 the-driver "${failure[@]}" "$quiet"
says "the exception is for this driver only" 3 another "${failure[@]}"
says "a warning about something else is trouble" 2 the-driver "$cut" "$other" "$trace"
says "a warning inside of the known one is trouble" 2 the-driver \
	"$cut" "$tests" "$warning" "$other" "$trace" "$trace"
says "a line that is printed again counts once" 1 '' "${warning% at*}" "$interrupted" "$warning"
ktap_finished
