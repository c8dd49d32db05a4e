# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs parts that print TAP, and sums up what they said. Sourced, not run. TAP is
# the directory for PART.tap, one for each part; it is made anew by start_parts.

start_parts() {
	START=$SECONDS
	BESIDE=()
	BESIDE_PIDS=()
	rm -rf "$TAP"
	mkdir -p "$TAP"
}

# part NAME COMMAND...: runs a command that prints TAP
part() {
	local name=$1

	shift
	keep "$name" timed "$name" "$@"
}

# keep PART COMMAND...: shows what the command says and puts it where it is counted.
keep() {
	local name=$1 status=0

	shift
	echo "# $name ($(((SECONDS - START) / 60)) min)"
	"$@" 2>&1 | tee "$TAP/$name.tap" || status=$?
	! grep -q '^1\.\.0 # SKIP' "$TAP/$name.tap" || [ "$status" -ne 4 ] || return 0
	# A part that fails without a failed test has failed somewhere else.
	if [ "$status" -ne 0 ] && [ "$(summary "$TAP/$name.tap" | cut -d ' ' -f 2)" -eq 0 ]; then
		echo "not ok $name ended with exit status $status" | tee -a "$TAP/$name.tap"
	fi
}

timed() {
	local name=$1 status=0 since=$SECONDS

	shift
	"$@" || status=$?
	echo "# $name took $((SECONDS - since)) s"
	return "$status"
}

# beside NAME COMMAND...: a part that runs while the parts that follow do, until settle.  In a
# group of processes of its own, as who is interrupted has to take along all that it started.
beside() {
	local name=$1

	shift
	echo "# $name begins"
	set -m
	timed "$name" "$@" >"$TAP/$name.out" 2>&1 &
	BESIDE+=("$name")
	BESIDE_PIDS+=("$!")
	set +m
	trap 'kill -- "${BESIDE_PIDS[@]/#/-}"' EXIT
}

# settle: waits for all of these.
settle() {
	local i status

	for i in "${!BESIDE[@]}"; do
		status=0
		wait "${BESIDE_PIDS[i]}" || status=$?
		keep "${BESIDE[i]}" repeat "$TAP/${BESIDE[i]}.out" "$status"
	done
	BESIDE=()
	BESIDE_PIDS=()
	trap - EXIT
}

repeat() {
	cat "$1"
	return "$2"
}

# step NAME COMMAND...: a command that is one test by itself, and without which
# those that follow make no sense.  Exit status 0 if it passed.
step() {
	local name=$1
	shift

	part "$name" as_test "$name" "$@"
	! grep -q '^not ok' "$TAP/$name.tap"
}

as_test() {
	local name=$1
	shift

	if "$@"; then
		echo "ok 1 $name"
	else
		echo "not ok 1 $name"
	fi
}

# summary FILE...: passed, failed and skipped tests.  Of a test with subtests
# ("# ok", as kselftest's runner prints them) these count, and not the test.  A part
# that was skipped as a whole counts as one.
summary() {
	awk '
		/^# +(not )?ok / || /^(not )?ok / {
			nested = /^#/
			failed = /^(# +)?not ok/
			skipped = / # SKIP/
			if (!nested && subtests && (!failed || subfailed)) {
				subtests = subfailed = 0
				next
			}
			if (skipped) skip++
			else if (failed) fail++
			else pass++
			if (nested) { subtests++; subfailed += failed }
			else subtests = subfailed = 0
		}
		/^Bail out!/ { fail++ }
		/^1\.\.0 # SKIP/ { skip++ }
		END { printf "%d %d %d\n", pass, fail, skip }
	' "$@"
}

# Prints what took longest, what failed, what was skipped and the sum, and ends the
# command.
finish() {
	local passed failed skipped

	settle
	read -r passed failed skipped < <(summary "$TAP"/*.tap)
	sed -n 's/^# \([^ ]*\) took \([0-9]*\) s$/# \2 s: \1/p' "$TAP"/*.tap |
		sort -k 2,2nr | sed -n 1,20p
	echo "# $((SECONDS - START)) s: all of it"
	grep -hE '^(# +)?not ok|^Bail out' "$TAP"/*.tap || true
	grep -hE '^(# +)?ok .*# SKIP|^1\.\.0 # SKIP' "$TAP"/*.tap || true
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}
