# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # variables for the tests
#
# For tests of the mails of fixes, instead of the kselftest's _lib.sh, which skips a test if
# dm-crypt does not batch.  These tests need no data units, so they also run on kernels with
# such a mail alone, and on unpatched ones, where they fail.

set -eEu -o pipefail
shopt -s inherit_errexit

TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$TEST_DIR"/../kselftest/ktap_helpers.sh
. "$TEST_DIR"/_drivers.sh

skip_all() {
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

fail() {
	ktap_print_msg "$*" >&3
	exit "$KSFT_FAIL"
}

clean_all() {
	:
}

# next_case: counts the cases.  Succeeds if this one is to run: ONLY=NUMBER in the environment
# runs one case.
NUMBER=0
next_case() {
	NUMBER=$((NUMBER + 1))
	[ "${ONLY-$NUMBER}" = $NUMBER ]
}

# outcome_of COMMAND...: runs COMMAND in a subshell, which stops at the first failing command.
# Sets OUTCOME to the exit status.  In a condition, the shell would ignore failing commands.
outcome_of() {
	set +e
	(
		set -e
		trap - EXIT
		"$@"
	)
	OUTCOME=$?
	set -e
}

# print_result RESULT DESCRIPTION
print_result() {
	case $1 in
	0)		ktap_test_pass "$2" ;;
	"$KSFT_SKIP")	ktap_test_skip "$2" ;;
	*)		ktap_test_fail "$2" ;;
	esac
}

exec 3>&1
ktap_print_header
[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
