#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that dm-crypt batches with the AES-XTS driver in use.  Each AES-XTS driver that
# computes on the processor must show "many" data units in /proc/crypto, and must have passed
# its self-test.  If the kernel has the KUnit suite for data units, the suite must pass.

. "$(dirname "$0")"/_lib.sh

SUITE=/sys/kernel/debug/kunit/skcipher-data-unit

# must_take_many DRIVER: succeeds if this driver must take many data units.  Drivers that compute
# on the processor and complete at once must.
must_take_many() {
	case $1 in
	"xts(cryptd("* | cryptd* | *-mdu-test | virtio* | *paes*)
		return 1 ;;
	esac
}

driver_in_use() {
	local driver

	read -r driver _ < <(preferred_driver "xts(aes)")
	ktap_print_msg "driver: $driver"
	must_take_many "$driver" || skip "$driver takes one data unit a request"
	map "$(make_disk 2048)" aes-xts-plain64 "$(random_key 64)" 0
	expect_on
}

each_driver() {
	local driver units selftest number=0

	while read -r driver _ units selftest _; do
		must_take_many "$driver" || continue
		number=$((number + 1))
		ktap_print_msg "$driver: data units: $units, self-test: $selftest"
		[ "$units" = many ] || fail "$driver takes one data unit a request"
		[ "$selftest" = passed ] || fail "$driver did not pass its self-test"
	done < <(drivers_of "xts(aes)")
	[ $number -gt 0 ] || skip "the kernel has no AES-XTS driver that computes on the processor"
}

unit_tests_ran() {
	grep '^ .*ok [0-9]* test_' $SUITE/results > /dev/null
}

unit_tests() {
	mount_debugfs
	[ -r $SUITE/results ] || skip "the kernel has no KUnit suite skcipher-data-unit"
	# If the suite has not run, its result is "ok", too.
	unit_tests_ran || echo 1 > $SUITE/run
	sed 's/^/# /' $SUITE/results
	unit_tests_ran || fail "no unit test ran"
	! grep 'not ok' $SUITE/results > /dev/null || fail "a unit test failed"
}

ktap_set_plan 3
run_case "the driver in use takes many data units" driver_in_use
run_case "each driver that computes on the processor does so, too" each_driver
run_case "KUnit tests" unit_tests
finish
