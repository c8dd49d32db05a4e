#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that the commands of the administrator's page do what the page says.  The test reads
# the commands from the page, section by section, and runs them.  The test replaces only the
# names of volumes and disks, and the command dm-crypt-measure.

. "$(dirname "$0")"/_lib.sh
require_tools cryptsetup fio jq
PAGE=$TEST_DIR/dm-crypt-mdu.rst
[ -r "$PAGE" ] || skip_all "the page dm-crypt-mdu.rst is not beside the tests"
dmsetup targets | grep '^zero ' > /dev/null || skip_all "the kernel has no dm-zero"
[ "$AES_XTS" = aes-xts ] || skip_all "the tests use $AES_XTS, which the commands do not take"

PASSPHRASE="as typed"
MEASURE="$TEST_DIR/measure.sh --seconds 1 --rounds 1 --block-size 64k --sector-size 512"

# section HEADING: prints the lines of the section
section() {
	awk -v heading="$1" '
		/^=+$/		{ inside = last == heading }
		inside		{ print last }
				{ last = $0 }' "$PAGE"
}

# commands: prints the commands among the lines on stdin: those with root's prompt "#"
commands() {
	sed -n 's/^\t# //p'
}

# Makes three volumes and opens two of them.  Their names contain the names in the page.
make_volumes() {
	local volume

	for volume in root home closed; do
		DISK=$(make_disk $((20 * 1024 * 1024 / 512)))
		echo "$PASSPHRASE" | luks_format "$DISK" --type luks2 --sector-size 512
		[ "$volume" = closed ] ||
			echo "$PASSPHRASE" | cryptsetup open "$DISK" "$NAME-$volume"
	done
}

# run_section HEADING: runs the commands of the section, and prints their output
run_section() {
	local command

	section "$1" | commands > "$WORK/commands"
	[ -s "$WORK/commands" ] || fail "no commands in the section '$1'"
	sed -i -E -e "s|/dev/(sdX2\|nvme0n1)\b|$DISK|; s|^dm-crypt-measure\b|$MEASURE|" \
		-e "s/\b(root|home|with|without)\b/$NAME-\1/" "$WORK/commands"
	while IFS= read -r command; do
		bash -e -o pipefail -c "$command" <<< "$PASSPHRASE" 2> "$WORK/message" ||
			fail "'$command' failed: $(cat "$WORK/message")"
	done < "$WORK/commands"
}

# Prints the words of a status line, without their values.
words() {
	sed -e 's/.* crypt //; s/:[^ ]*//g'
}

shows_status() {
	local example

	make_volumes
	run_section "Does my volume batch?" > "$WORK/all"
	[ "$(grep -c 'crypt batch_sectors:on ' "$WORK/all")" -eq 3 ] ||
		fail "not one status line and then two: $(cat "$WORK/all")"
	example=$(section "Does my volume batch?" | grep $'^\t0 .* crypt ')
	[ "$(words <<< "$example")" = "$(head -n 1 "$WORK/all" | words)" ] ||
		fail "a status line has other words: $(cat "$WORK/all")"
}

shows_drivers() {
	local line="data units   : many"

	section "Why does it not?" | tr '\n' ' ' | grep -F "a line \"$line\"" > /dev/null ||
		fail "the page has no such line"
	grep -x "$line" /proc/crypto > /dev/null || fail "/proc/crypto has no such line"
}

shows_sector_size() {
	make_volumes
	run_section "What is there to gain?" > "$WORK/all"
	grep -E '^ *sector size: +512( |$)' "$WORK/all" > /dev/null ||
		fail "not 512: $(cat "$WORK/all")"
}

measures() {
	make_volumes
	run_section "How to measure one's own machine" > "$WORK/all"
	[ "$(grep -cE '^512 +(read|write) ' "$WORK/all")" -eq 3 ] ||
		fail "not two rows, and one row of the device: $(cat "$WORK/all")"
}

switches_off() {
	make_volumes
	run_section "How to switch it off" > /dev/null
	[ "$(dmsetup status "$NAME-home" | words)" = "batch_sectors reason" ] ||
		fail "the volume was not switched off: $(dmsetup status "$NAME-home")"
	dmsetup status "$NAME-root" | grep 'batch_sectors:on ' > /dev/null ||
		fail "another volume was switched off: $(dmsetup status "$NAME-root")"
	set_batching Y
	cryptsetup refresh "$NAME-home" <<< "$PASSPHRASE"
	dmsetup status "$NAME-home" | grep 'batch_sectors:on ' > /dev/null ||
		fail "the volume was not switched on again: $(dmsetup status "$NAME-home")"
}

compares() {
	local sum

	make_volumes
	echo "$PASSPHRASE" | cryptsetup open "$DISK" "$NAME-with"
	random_file "$WORK/random" "$(blockdev --getsize64 "$VOLUME-with")"
	block_io write "$VOLUME-with" < "$WORK/random"
	cryptsetup close "$NAME-with"
	sum=$(sha256sum < "$WORK/random")
	run_section "When something looks wrong" > "$WORK/all"
	grep 'batch_sectors:on batches:0 ' "$WORK/all" > /dev/null ||
		fail "not read with batching: $(cat "$WORK/all")"
	grep 'batch_sectors:off reason:disabled' "$WORK/all" > /dev/null ||
		fail "not read without batching: $(cat "$WORK/all")"
	[ "$(grep -cE '^[0-9a-f]{64}  ' "$WORK/all")" -eq 2 ] || fail "not two sums"
	[ "$(grep -c "^${sum%% *}  " "$WORK/all")" -eq 2 ] ||
		fail "the sums are not $sum, of what was written: $(cat "$WORK/all")"
}

# Proves that the cases run all commands of the page.
all_of_them() {
	local heading

	for heading in "Does my volume batch?" "What is there to gain?" \
		"How to measure one's own machine" "How to switch it off" \
		"When something looks wrong"; do
		section "$heading"
	done | commands > "$WORK/run"
	commands < "$PAGE" > "$WORK/all"
	expect_same "$WORK/run" "$WORK/all" "commands of the page"
}

ktap_set_plan 7
run_case "the status of one volume, and of all" shows_status
run_case "the drivers in /proc/crypto" shows_drivers
run_case "the size of the sectors" shows_sector_size
run_case "measuring" measures
run_case "switching batching off and on for one volume" switches_off
run_case "comparing a volume with and without batching" compares
run_case "the cases run all commands of the page" all_of_them
finish
