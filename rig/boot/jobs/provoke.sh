#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fails in one of the ways that boot.sh must notice, or passes, for rig/selftest/machine/boot.sh.
#
# usage: provoke pass|fail|hang|silent|selftest|CRASHTYPE
#
# CRASHTYPE is a crash type of LKDTM, such as PANIC.

set -u

echo "TAP version 13"
echo "1..1"
case ${1-} in
pass)
	;;
fail)
	echo "not ok 1 provoke"
	exit 3 ;;
hang)
	sleep 100000 ;;
silent)
	poweroff -f ;;
selftest)
	# The words are those of crypto/testmgr.c.
	echo "alg: skcipher: none encryption test failed (wrong result)" > /dev/kmsg ;;
[A-Z]*)
	echo "$1" > /sys/kernel/debug/provoke-crash/DIRECT ;;
*)
	echo "Bail out! provoke does not know how to: ${1-}"
	exit 2 ;;
esac
echo "ok 1 provoke"
