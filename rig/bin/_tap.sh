# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs parts that print TAP, and sums up their results. Sourced, not run. The variable
# TAP names the directory for the files PART.tap, one for each part. start_parts makes
# the directory anew.

start_parts() {
	START=$SECONDS
	BESIDE=()
	BESIDE_PIDS=()
	rm -rf "$TAP"
	mkdir -p "$TAP"
}

# part NAME COMMAND...: runs a command that prints TAP.
part() {
	local name=$1

	shift
	keep "$name" timed "$name" "$@"
}

# keep PART COMMAND...: shows the output of COMMAND and stores it in PART.tap.
keep() {
	local name=$1 status=0

	shift
	echo "# $name ($(((SECONDS - START) / 60)) min)"
	"$@" 2>&1 | tee "$TAP/$name.tap" || status=$?
	! grep -q '^1\.\.0 # SKIP' "$TAP/$name.tap" || [ "$status" -ne 4 ] || return 0
	# If the part failed but none of its tests did, add a failure for the part.
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

# beside NAME COMMAND...: starts a part in the background, until settle waits for it.  Other
# parts can run at the same time.  The part has its own process group, so that Ctrl-C kills
# all processes of the part.
beside() {
	local name=$1

	shift
	echo "# $name begins"
	set -m
	timed "$name" "$@" > "$TAP/$name.out" 2>&1 &
	BESIDE+=("$name")
	BESIDE_PIDS+=("$!")
	set +m
	trap 'kill -- "${BESIDE_PIDS[@]/#/-}"' EXIT
}

# settle: waits for the parts that beside started, and shows their output.
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

# step NAME COMMAND...: runs a command as one test, which the tests after it need.
# Exit status 0 if the test passed.
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

# summary FILE...: prints the numbers of passed, failed and skipped tests.  Subtests
# ("# ok", as kselftest's runner prints them) count in place of their test.  If the
# test failed but none of its subtests did, the test counts, too.  A part that was
# skipped as a whole counts as one skipped test.
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

# finish: prints the slowest parts, the failed tests, the skipped tests and the sum,
# and ends the command.
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
