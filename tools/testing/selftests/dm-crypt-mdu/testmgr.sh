#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the AES-XTS driver which dm-crypt uses says in /proc/crypto that it
# takes many data units, that it passed the kernel's self-test, and that the
# KUnit suite for data units passed when the kernel has it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "$0")"/lib.sh

SUITE=/sys/kernel/debug/kunit/skcipher-data-unit

# The drivers that this kernel has been taught to take many data units.
is_taught() {
	case $1 in
	"xts("* | xts-aes-lib | xts-aes-aesni* | xts-aes-vaes-*)
		return 0 ;;
	*)
		return 1 ;;
	esac
}

driver_in_use() {
	local driver units selftest

	read -r driver _ units selftest _ < <(preferred_driver "xts(aes)")
	ktap_print_msg "driver: $driver"
	is_taught "$driver" || skip "$driver takes one data unit a request"
	map "$(make_disk 2048)" aes-xts-plain64 "$(random_key 64)" 0
	expect_on
	[ "$units" = many ] || fail "it does not"
	[ "$selftest" = passed ] || fail "no self-test passed"
}

unit_tests_ran() {
	grep '^ .*ok [0-9]* test_' $SUITE/results > /dev/null
}

unit_tests() {
	mount_debugfs
	[ -r $SUITE/results ] || skip "the kernel has no KUnit suite skcipher-data-unit"
	# A suite that has not run has a result, too, which is "ok".
	unit_tests_ran || echo 1 > $SUITE/run
	sed 's/^/# /' $SUITE/results
	unit_tests_ran || fail "no unit test ran"
	! grep 'not ok' $SUITE/results > /dev/null || fail "a unit test failed"
}

ktap_set_plan 2
run_case "the driver in use takes many data units" driver_in_use
run_case "unit tests" unit_tests
finish
