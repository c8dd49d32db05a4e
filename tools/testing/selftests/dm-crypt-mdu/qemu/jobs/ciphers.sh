#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Waits for the self-tests of the kernel's own AES-XTS drivers, and tells how they
# ended for each of those that take many data units.

set -u
# shellcheck source=/dev/null
. /kselftest/kselftest/ktap_helpers.sh
# shellcheck source=../../drivers.sh disable=SC1091 # where it is in the machine
. /kselftest/dm-crypt-mdu/drivers.sh

# Without instances of templates.
drivers()
{
	drivers_of "xts(aes)" | awk '$1 !~ /\(/'
}

# A second is long for a processor, and a minute for an emulated one.
for _ in $(seq 120); do
	drivers | grep ' unknown ' > /dev/null || break
	sleep 1
done

ktap_print_header
if dmesg | grep 'cryptomgr.notests' > /dev/null; then
	ktap_exit_fail_msg "self-tests are switched off"
fi
ktap_set_plan "$(drivers | wc -l)"
while read -r driver _ units selftest _; do
	if [ "$units $selftest" = "many passed" ]; then
		ktap_test_pass "$driver takes many data units and passed its self-test"
	else
		ktap_test_fail "$driver takes many data units and passed its self-test"
		ktap_print_msg "data units: $units, self-test: $selftest"
	fi
done < <(drivers)
dmesg | grep -E 'alg: .*(failed|data units:)' | sed 's/^/# /'
ktap_finished
