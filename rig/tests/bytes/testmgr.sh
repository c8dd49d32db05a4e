#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt batches with the AES-XTS driver in use; that each AES-XTS driver
# which was taught data units says so in /proc/crypto, and has passed the kernel's
# self-test; and that the KUnit suite for data units passes if the kernel has it.

. "$(dirname "$0")"/_lib.sh

SUITE=/sys/kernel/debug/kunit/skcipher-data-unit

# is_taught DRIVER: should this driver take many data units?
is_taught() {
	case $1 in
	# xts does not take many data units if the cipher below it is asynchronous.
	"xts(cryptd("*)
		return 1 ;;
	"xts("* | xts-aes-lib | xts-aes-aesni* | xts-aes-vaes-*)
		return 0 ;;
	*)
		return 1 ;;
	esac
}

driver_in_use() {
	local driver

	read -r driver _ < <(preferred_driver "xts(aes)")
	ktap_print_msg "driver: $driver"
	is_taught "$driver" || skip "$driver takes one data unit a request"
	map "$(make_disk 2048)" aes-xts-plain64 "$(random_key 64)" 0
	expect_on
}

each_driver() {
	local driver units selftest number=0

	while read -r driver _ units selftest _; do
		is_taught "$driver" || continue
		number=$((number + 1))
		ktap_print_msg "$driver: data units: $units, self-test: $selftest"
		[ "$units" = many ] || fail "$driver does not"
		[ "$selftest" = passed ] || fail "$driver did not pass its self-test"
	done < <(drivers_of "xts(aes)")
	[ $number -gt 0 ] || skip "the kernel has no such driver"
}

unit_tests_ran() {
	grep '^ .*ok [0-9]* test_' $SUITE/results > /dev/null
}

unit_tests() {
	mount_debugfs
	[ -r $SUITE/results ] || skip "the kernel has no KUnit suite skcipher-data-unit"
	# A suite that has not run also has a result, which is "ok".
	unit_tests_ran || echo 1 > $SUITE/run
	sed 's/^/# /' $SUITE/results
	unit_tests_ran || fail "no unit test ran"
	! grep 'not ok' $SUITE/results > /dev/null || fail "a unit test failed"
}

ktap_set_plan 3
run_case "the driver in use takes many data units" driver_in_use
run_case "so does each one that was taught" each_driver
run_case "unit tests" unit_tests
finish
