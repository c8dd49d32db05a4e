#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that port moves a series to another base: git merges patches that do not apply.
# port leaves a conflict for the user to resolve. refresh makes a series of the result.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

NEW=$WORK/new

port() {
	KSRC=$WORK/source-6.13 command_of port 6.13 "$NEW"
}

compose_to() {
	KSRC=$WORK/source-6.13 command_of unpack-base 6.13 "$1" && command_of compose 6.13 "$1"
}

in_new() {
	git -C "$NEW" -c core.autocrlf=false "$@"
}

# make_new SED_COMMAND: makes the source of 6.13, edited next to lines that the series changes
make_new() {
	make_source 0
	rm -rf "$WORK/source-6.13" "$NEW"
	mv "$WORK/source" "$WORK/source-6.13"
	sed -i 's/^PATCHLEVEL = 12/PATCHLEVEL = 13/' "$WORK/source-6.13/Makefile"
	sed -i "$1" "$WORK/source-6.13/drivers/md/dm-crypt.c"
}

# describes_new: the series that refresh wrote composes to the tree in $NEW
describes_new() {
	local head

	head=$(in_new rev-parse 'HEAD^{tree}')
	compose_to "$WORK/anew" &&
		is_equal "$(git -C "$WORK/anew" rev-parse 'HEAD^{tree}')" "$head"
}

ktap_print_header
ktap_set_plan 16
make_source
pack_source
make_repository

make_new 's/^dm-crypt line 33$/another line 33/'
refuses 'the patches do not apply' 'does not apply' compose_to "$NEW"
succeeds 'git merges what it can' port
succeeds_quietly 'with all commits' is_equal "$(in_new rev-list --count base..HEAD)" 4
succeeds_quietly 'what the base changed is there' grep -qx 'another line 33' "$NEW/drivers/md/dm-crypt.c"
succeeds_quietly 'and what the series changes' grep -qx 'dm-crypt uses units' "$NEW/drivers/md/dm-crypt.c"
refuses 'a second time is refused' 'there is a series for 6.13' port
succeeds 'refresh makes a series of it' command_of refresh 6.13 "$NEW"
succeeds_quietly 'the version is that of the source' \
	grep -qx 'BASE_VERSION=6.13.0' "$REPOSITORY/patches/6.13/base"
succeeds_quietly 'which composes to the same' describes_new
succeeds_quietly 'nothing else changed' is_equal \
	"$(git -C "$REPOSITORY" -c core.autocrlf=false status --porcelain -- . ':!build')" '?? patches/6.13/'

rm -rf "$REPOSITORY/patches/6.13" "$WORK/anew"
make_new 's/^dm-crypt line 30$/&\nand another/'
refuses 'a conflict is not resolved by itself' 'cherry-pick --continue' port
succeeds_quietly 'git has left it in the file' grep -q '^<<<<<<< ' "$NEW/drivers/md/dm-crypt.c"
refuses 'refresh waits for that' 'not committed' command_of refresh 6.13 "$NEW"
sed -i '/^[<=>]\{7\}/d' "$NEW/drivers/md/dm-crypt.c"
in_new add -A
succeeds 'resolved, it goes on' in_new -c core.editor=true cherry-pick --continue
succeeds 'refresh makes a series of that' command_of refresh 6.13 "$NEW"
succeeds_quietly 'which composes to the same' describes_new

ktap_finished
