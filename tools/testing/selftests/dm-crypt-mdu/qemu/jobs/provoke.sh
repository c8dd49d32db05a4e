#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ends badly in one of the ways that boot.sh must notice, see test-boot.sh.
#
# usage: provoke pass|fail|warning|oops|panic|hang|silent|selftest|CRASHTYPE
#
# CRASHTYPE is a name that LKDTM has, READ_AFTER_FREE for one.

set -u

crash()
{
	echo "$1" > /sys/kernel/debug/provoke-crash/DIRECT
}

echo "TAP version 13"
echo "1..1"
case ${1-} in
pass)
	;;
fail)
	echo "not ok 1 provoke"
	exit 3 ;;
warning)
	crash WARNING ;;
oops)
	crash EXCEPTION ;;
panic)
	crash PANIC ;;
hang)
	sleep 100000 ;;
silent)
	poweroff -f ;;
selftest)
	# As crypto/testmgr.c words it.
	echo "alg: skcipher: none encryption test failed (wrong result)" > /dev/kmsg ;;
[A-Z]*)
	crash "$1" ;;
*)
	echo "Bail out! provoke does not know how to: ${1-}"
	exit 2 ;;
esac
echo "ok 1 provoke"
