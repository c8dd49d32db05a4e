#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that wrong tables and messages do no harm.  The kernel must refuse them and log the
# reason, or the volume must work.
#
# The environment can set SEED and COUNT.

. "$(dirname "$0")"/_lib.sh
. "$TEST_DIR"/_random_options.sh
. "$TEST_DIR"/_compare.sh
require_tools dmesg

SIZE=$((256 * 1024))
# Words that damage() puts into a table, in the wrong place.
WORDS=(0 1 -1 2 7 512 18446744073709551615 18446744073709551616 4294967296 x "" - : ::
	:64:logon: :64:nothing:mdu :-1:logon:mdu :64:logon:none-there
	aes aes-xts aes:3-xts-plain64 aes:64-cbc-lmk capi: capi:- "capi:xts(aes)"
	"capi:authenc(hmac(sha256),xts(aes))-random" "capi:gcm(aes)-random" cipher_null-ecb
	aes-cbc-essiv: aes-cbc-essiv:sha256 aes-cbc-tcw aes-xts-plain aes-xts-null
	sector_size: sector_size:0 sector_size:513 sector_size:4096 sector_size:8192
	integrity:16 integrity:16: integrity:0:none integrity:16:none integrity:28:aead
	integrity_key_size:16 integrity_key_size:0 iv_large_sectors allow_discards
	no_read_workqueue no_write_workqueue same_cpu_crypt submit_from_crypt_cpus)

# Writes a mark to the kernel log.  log_since_mark() prints the log after the mark.
mark_log() {
	MARK=$NAME-$RANDOM-$RANDOM
	echo "$MARK" > /dev/kmsg
}

log_since_mark() {
	dmesg | sed "1,/$MARK/d"
}

# load WORD...: loads a table of the crypt target.
load() {
	dmsetup create "$NAME" --table "0 $((SIZE / 512)) crypt $*" 2> "$WORK/message"
}

# refused MESSAGE WORD...: the kernel refuses the table, and its log has MESSAGE.
refused() {
	mark_log
	! load "${@:2}" || fail "the kernel takes the table ${*:2}"
	log_since_mark | grep -F "$1" > /dev/null ||
		fail "the log has no '$1' about the table ${*:2}"
}

wrong_options() {
	local disk xts cipher

	disk=$(make_disk $((SIZE / 512)))
	xts="aes-xts-plain64 $KEY 0 $disk 0"
	refused "Invalid integrity arguments" "$xts 1 integrity:16"
	refused "Invalid integrity arguments" "$xts 2 integrity:16:none integrity:16:none"
	refused "Unknown integrity profile" "$xts 1 integrity:16:some"
	refused "The cipher takes no integrity_key_size" "capi:gcm(aes)-random" \
		"$(random_key 32) 0 $disk 0 2 integrity:28:aead integrity_key_size:16"
	refused "Invalid feature value for sector_size" "$xts 1 sector_size:1000"
	refused "Invalid feature value for sector_size" "$xts 1 sector_size:8192"
	refused "Invalid number of feature args" "$xts 2 allow_discards"
	refused "Invalid feature arguments" "$xts 1 batch_sectors"
	refused "Invalid iv_offset sector" "aes-xts-plain64 $KEY x $disk 0"
	refused "Error decoding and setting key" "aes-xts-plain64 ${KEY}00 0 $disk 0"
	refused "Not enough arguments" "aes-xts-plain64 $KEY 0"
	# Without an IV mode, the IV buffer would hold stale data.
	for cipher in "capi:xts(aes)" "capi:cbc(aes)" aes-xts; do
		refused "IV mechanism required" "$cipher $(random_key 32) 0 $disk 0"
	done
}

# use_volume: writes data and reads it back.  Then loads the table that the kernel shows, and
# reads the data again.
use_volume() {
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	expect_read "$WORK/plain"
	dmsetup table --showkeys "$NAME" > "$WORK/table"
	dmsetup load "$NAME" "$WORK/table"
	dmsetup resume "$NAME"
	dmsetup table --showkeys "$NAME" | cmp - "$WORK/table" ||
		fail "the kernel shows another table"
	expect_read "$WORK/plain"
}

# damage ARRAY: replaces, removes or inserts a word.
damage() {
	local -n words=$1
	local at=$((RANDOM % (${#words[@]} + 1))) word=${WORDS[RANDOM % ${#WORDS[@]}]}

	case $((RANDOM % 3)) in
	0)	words=("${words[@]:0:at}" "${words[@]:at + 1}") ;;
	1)	words=("${words[@]:0:at}" "$word" "${words[@]:at}") ;;
	2)	words[at]=$word ;;
	esac
}

# choose_table DISK: sets TABLE.  Damages the options of a right table, and less often the
# other words.
choose_table() {
	choose_options
	TABLE=("aes-xts-$IV" "$KEY" "$IV_OFFSET" "$1" 0)
	damage OPTIONS
	[ $((RANDOM % 2)) -eq 0 ] || damage OPTIONS
	[ $((RANDOM % 4)) -ne 0 ] || damage TABLE
	TABLE+=("${#OPTIONS[@]}" ${OPTIONS[@]+"${OPTIONS[@]}"})
	[ $((RANDOM % 8)) -ne 0 ] || damage TABLE
}

# Must a volume with TABLE read the data that was written?  The IV modes lmk and tcw also
# change the data, and only CBC undoes this change.
reads_back() {
	case ${TABLE[0]-} in
	*-cbc-*)	return 0 ;;
	*-lmk | *-tcw)	return 1 ;;
	esac
}

# The kernel must refuse a damaged table, or a volume with this table must work.
damaged_tables() {
	local disk i taken=0 refused=0

	# The disk is larger than the volume, as a table may begin at a later sector of the disk.
	disk=$(make_disk $((SIZE / 256)))
	RANDOM=$SEED
	for ((i = 0; i < COUNT; i++)); do
		choose_table "$disk"
		if load "${TABLE[@]}"; then
			taken=$((taken + 1))
			ktap_print_msg "taken: ${TABLE[*]}" >&3
			! reads_back || use_volume
			unmap
		else
			refused=$((refused + 1))
			! dmsetup info "$NAME" > "$WORK/info" 2>&1 || unmap
		fi
	done
	ktap_print_msg "$taken tables are taken, $refused are refused" >&3
	[ "$taken" -ge $((COUNT / 10)) ] || fail "hardly any table is taken"
	[ "$refused" -ge $((COUNT / 10)) ] || fail "hardly any table is refused"
}

# A volume refuses wrong messages, and works with its own key afterwards.
wrong_messages() {
	local message

	map "$(make_disk $((SIZE / 512)))" aes-xts-plain64 "$KEY" 0
	random_file "$WORK/plain" $SIZE
	block_io write "$VOLUME" < "$WORK/plain"
	! dmsetup message "$NAME" 0 key wipe 2> "$WORK/message" ||
		fail "the kernel wipes the key of a volume in use"
	dmsetup suspend "$NAME"
	for message in key "key set" "key wipe now" "key set -" "key set :" "key set ::" \
		"key set :64:" "key set :64:logon:" "key set :64:nothing:mdu:x" "key set zz" \
		"key set 0" "key get" set "key set :4294967295:logon:x" "key set :-1:logon:x" \
		"key set :64:logon:none-there" "key set 00 00" "batch_sectors off"; do
		# shellcheck disable=SC2086 # words
		! dmsetup message "$NAME" 0 $message 2> "$WORK/message" ||
			fail "the kernel takes the message $message"
	done
	dmsetup message "$NAME" 0 key wipe
	dmsetup message "$NAME" 0 key set "$KEY"
	dmsetup resume "$NAME"
	expect_read "$WORK/plain"
}

users() {
	cat /sys/module/dm_crypt/refcnt
}

# The tables must leave no references to the module: each mapping holds one.
nothing_is_left() {
	[ "$(users)" -eq "$USERS_BEFORE" ] ||
		fail "dm-crypt has $(users) users, and had $USERS_BEFORE"
}

: "${SEED:=$RANDOM}" "${COUNT:=60}"
ktap_print_msg "to repeat this run: SEED=$SEED COUNT=$COUNT"
USERS_BEFORE=$(users)

ktap_set_plan 4
run_case "the kernel refuses wrong options, and says why" wrong_options
run_case "the kernel refuses damaged tables, or they work" damaged_tables
run_case "a volume refuses wrong messages" wrong_messages
run_case "no references to the module are left" nothing_is_left
finish
