#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves what the topic virtio-crypto-fixes mends in the driver of virtio crypto devices: no
# user of a tfm waits for ever, crashes the kernel or gets a wrong result, if the device goes,
# comes again, breaks, does not answer, has a full virtqueue or forgets its keys.
#
# A case that fails may leave threads that wait for ever.  If so, the test skips all later cases.

. "$(dirname "$0")"/_fixes.sh
. "$TEST_DIR"/_accelerator_module.sh

# Prints 512 if the kernel has printed a warning, or else 0.
warnings() {
	echo $(($(< /proc/sys/kernel/tainted) & 512))
}

# untested COMMAND...: runs COMMAND, which makes the driver register its ciphers, without their
# self-tests, which a device with few entries cannot pass.
untested() {
	echo Y > $NO_TESTS_PARAMETER
	"$@"
	wait_for 10 has_driver cbc
	echo N > $NO_TESTS_PARAMETER
}

# fixed DESCRIPTION COMMAND...: runs a case, and then makes a new device for the next case.
FAILED='' WARNINGS=$(warnings)
fixed() {
	if ! next_case || [ -n "$FAILED" ]; then
		ktap_test_skip "$1"
		return
	fi
	outcome_of clean_case "${@:2}"
	print_result $OUTCOME "$1"
	[ $OUTCOME -ne 0 ] && [ $OUTCOME -ne "$KSFT_SKIP" ] || return 0
	WARNINGS=$(warnings)
	# If no new device can be made, the EXIT trap must not remove the module.
	[ -z "${ONLY-}" ] && (begins_anew) || FAILED=yes LOADED=''
}

# clean_case COMMAND...: fails, too, if the kernel has warned, or makes no new device.
clean_case() {
	"$@"
	[ "$(warnings)" = "$WARNINGS" ] || fail "the kernel has warned"
	set_device cbc_users=0
	untested reload_device
}

# After a case has failed: makes a new device, unless threads that wait for ever prevent it.
begins_anew() {
	trap - EXIT
	ends 20 set_device cbc_users=0 rsa_user=N
	ends 60 untested reload_device
	[ $STATUS -eq 0 ]
}

# ends SECONDS COMMAND...: fails the case if COMMAND does not end within this time.  Sets STATUS
# to its exit status.  With a fallback on the CPU, COMMAND may succeed without the device.
ends() {
	local command

	"${@:2}" 2> /dev/null &
	command=$!
	wait_for "$1" is_over $command
	STATUS=0
	wait $command || STATUS=$?
}

is_over() {
	! kill -0 "$1" 2> /dev/null
}

# meanwhile COMMAND... -- COMMAND...: runs the second command while the first one waits for the
# device.  Both must end.
meanwhile() {
	local command waiting=()

	while [ "$1" != -- ]; do
		waiting+=("$1")
		shift
	done
	"${waiting[@]}" 2> /dev/null &
	command=$!
	sleep 1
	! is_over $command || fail "does not wait for the device: ${waiting[*]}"
	ends 60 "${@:2}"
	wait_for 60 is_over $command
}

# A new tfm uses the device, and gets the CPU's results.
works() {
	set_device cbc_users=1 requests=0
	ends 30 set_device decrypts=2
	[ $STATUS -eq 0 ] || fail "a new tfm does not work"
	expect_device requests -ge 2
}

# prefers_cpu ALGORITHM: C code has priority 100.
prefers_cpu() {
	local driver priority

	read -r driver priority _ < <(drivers_of "$1" | grep '^virtio')
	[ "$priority" -lt 100 ] || fail "$driver has priority $priority"
	drivers_of "$1" | grep -v '^virtio' > /dev/null || fail "no other driver of $1"
}

rsa_prefers_cpu() {
	register_rsa reload_device rsa=Y
	prefers_cpu rsa
	prefers_cpu "pkcs1pad(rsa)"
}

rsa_without_key() {
	register_rsa reload_device rsa=Y
	set_device rsa_user=Y
	set_device rsa_user=N
}

# The device goes, and comes again, while there are tfms.  Afterwards, nothing is registered.
goes_and_comes() {
	register_rsa reload_device rsa=Y
	set_device cbc_users=2 decrypts=2 rsa_user=Y
	unbind
	ends 10 set_device decrypts=2
	register_rsa bind
	ends 10 set_device decrypts=2
	works
	set_device cbc_users=0 rsa_user=N
	unbind
	! has_rsa || fail "RSA is registered without a device and a user"
	[ -e /sys/module/virtio_crypto/initstate ] || return 0
	rmmod virtio_crypto
	[ -z "$(device_drivers)" ] || fail "registered without the module: $(device_drivers)"
	register_rsa modprobe virtio_crypto
}

goes_without_answer() {
	set_device cbc_users=1 requests=0 silent_at=1
	meanwhile set_device decrypts=4 -- unbind
}

goes_without_session() {
	set_device deaf=Y
	meanwhile set_device cbc_users=1 -- unbind
}

breaks() {
	set_device cbc_users=1 requests=0 break_at=1
	ends 30 set_device decrypts=4
}

never_answers() {
	set_device deaf=Y
	ends 60 set_device cbc_users=1
}

# 64 pieces need at most 131 entries.
pieces_fit() {
	untested reload_device indirect=N
	ends 10 set_device pieces=64
	[ $STATUS -eq 0 ] || fail "the request fails, or its result is wrong"
}

pieces_do_not_fit() {
	untested reload_device indirect=N ring_size=16
	ends 10 set_device pieces=64
	works
}

# There is room for three or four requests.
retries() {
	untested reload_device indirect=N ring_size=16
	set_device delay_us=50000 cbc_users=2 decrypts=16
}

# refuses NAME=VALUE...: with these parameters, the device does not process a request.  The
# module returns EBADMSG if the request succeeds with a wrong result.
refuses() {
	local message

	set_device cbc_users=1 requests=0 "$@"
	message=$(set_device decrypts=1 2>&1) && fail "the request succeeds"
	[[ $message != *"Bad message"* ]] || fail "the request succeeds with a wrong result"
	set_device ignore_at=0 fail_at=0
	works
}

# forgets WHEN OFF ON: the device forgets its sessions between OFF and ON
forgets() {
	[ -e "$TEST_DEVICE/${2%=*}" ] || exit "$KSFT_SKIP"
	set_device forgets="$1" cbc_users=2 decrypts=2
	set_device "$2"
	sleep 0.5
	set_device "$3"
	sleep 0.5
	set_device requests=0 decrypts=2
	expect_device requests -ge 4
	works
}

ktap_set_plan 15
fixed "cbc(aes) is rather done by the CPU" prefers_cpu "cbc(aes)"
fixed "RSA is rather done by the CPU" rsa_prefers_cpu
fixed "RSA without a key" rsa_without_key
fixed "goes and comes again while there are tfms" goes_and_comes
fixed "goes without an answer to requests" goes_without_answer
fixed "goes without an answer to a setkey" goes_without_session
fixed "returns a wrong ID" breaks
fixed "never answers a setkey" never_answers
fixed "a request of many pieces that fits" pieces_fit
fixed "a request of many pieces that does not fit" pieces_do_not_fit
fixed "a full virtqueue, and the right IV" retries
fixed "returns a request untouched" refuses ignore_at=1
fixed "reports too few bytes" refuses fail_at=1 status=0 written=8
fixed "forgets its keys while it is not ready" forgets unready ready=N ready=Y
fixed "forgets its keys while it sleeps" forgets reset asleep=Y asleep=N
ktap_finished
