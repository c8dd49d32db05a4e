# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the tests that boot a machine which ends badly (jobs/provoke.sh).  Tests
# source this after rig/boot/_lib.sh, with their arguments:
#
#   --kernel IMAGE
#   --rootfs IMG
#   --arch ARCH     of the kernel, as boot.sh takes it

kernel=
rootfs=
arch=$(host_arch)
parse_options kernel rootfs arch -- "$@"
for file in "$kernel" "$rootfs"; do
	[ -r "$file" ] || die "cannot read $file"
done

source_ktap

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run HOW [boot.sh option...]: boots with a job that ends in the way HOW
run() {
	local how=$1
	shift

	"$BOOT/boot.sh" --arch "$arch" --kernel "$kernel" --rootfs "$rootfs" --quiet \
		--job provoke --args "$how" --log "$work/log" \
		--report "$work/report" --timeout 120 "$@" > "$work/output" 2>&1
}

# expect_failure DESCRIPTION WORDS HOW...: boot.sh must fail and say WORDS, and print no
# line that looks like the result of a test
expect_failure() {
	local description=$1 words=$2
	shift 2

	if ! run "$@" && grep -q -- "$words" "$work/output" &&
	   ! grep -Eq '^(# +)?(not )?ok ' "$work/output"; then
		ktap_test_pass "$description"
	else
		ktap_test_fail "$description"
		sed 's/^/# /' "$work/output"
	fi
}
