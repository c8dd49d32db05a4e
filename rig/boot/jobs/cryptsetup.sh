#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run cryptsetup's own tests, with the programs of the host, in User-mode Linux.
#
# usage: cryptsetup DIRECTORY SECONDS TEST...
#
#   DIRECTORY  directory of the tests on the host
#   SECONDS    time limit of each test
#
# The guest sees the host's files.  The guest's writes stay in the guest's memory.

set -eu

directory=$1
seconds=$2
shift 2
# shellcheck source=/dev/null
. /kselftest/kselftest/ktap_helpers.sh

mkdir /run/host /run/changes
mount -t hostfs -o ro none /run/host
mount -t tmpfs -o size=80% none /run/changes
mkdir /run/changes/upper /run/changes/work /run/root
mount -t overlay -o lowerdir=/run/host,upperdir=/run/changes/upper,workdir=/run/changes/work \
	none /run/root
mkdir -p /run/root/lib/modules
for dir in /dev /proc /sys /lib/modules; do
	mount --bind $dir /run/root$dir
done
for dir in /dev/shm /run /tmp; do
	mount -t tmpfs -o mode=1777 none /run/root$dir
done
mount -t devpts none /run/root/dev/pts
mkdir /run/root/run/cryptsetup /run/root/run/lock
# Let programs use all ciphers of the kernel through AF_ALG.
restrict=/proc/sys/crypto/af_alg_restrict
[ ! -e $restrict ] || echo 0 > $restrict

# Print the result of a test and how many steps it reported.  If the test did not pass, print its
# last lines, too.
run_test() {
	local log=/run/root/tmp/log status=0 steps

	timeout --kill-after=10 "$seconds" chroot /run/root env CRYPTSETUP_PATH=/sbin \
		sh -c "cd '$directory' && exec ./$1" > $log 2>&1 < /dev/null || status=$?
	steps=$(grep -cE '\[[A-Z ]*OK\]|PASSED|\<OK$|^\[[0-9]+\]|^CASE: ' $log || true)
	case $status in
	0)
		ktap_test_pass "$1: $steps steps reported" ;;
	77)
		ktap_test_skip "$1: $(tail -n 1 $log)" ;;
	*)
		ktap_test_fail "$1: $steps steps reported, exit status $status" ;;
	esac
	[ $status -eq 0 ] || tail -n 30 $log | sed 's/^/# /'
}

ktap_print_header
ktap_set_plan $#
for test; do
	run_test "$test"
done
ktap_finished
