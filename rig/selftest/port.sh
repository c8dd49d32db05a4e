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

# make_new: makes the source of 6.13. It has two edits near changes of the series, so the
# patches do not apply. git can merge the edit in skcipher.c. The edit in dm-crypt.c is a
# conflict, because the series adds a line at the same place.
make_new() {
	make_source 0
	mv "$WORK/source" "$WORK/source-6.13"
	cd "$WORK/source-6.13"
	sed -i 's/^PATCHLEVEL = 12/PATCHLEVEL = 13/' Makefile
	sed -i 's/^crypto line 23$/another line 23/' crypto/skcipher.c
	sed -i 's/^dm-crypt line 30$/&\nand another/' drivers/md/dm-crypt.c
}

# describes_new: succeeds if the series that refresh wrote composes to the tree in $NEW
describes_new() {
	local head

	head=$(in_new rev-parse 'HEAD^{tree}')
	compose_to "$WORK/anew" &&
		is_equal "$(git -C "$WORK/anew" rev-parse 'HEAD^{tree}')" "$head"
}

ktap_print_header
make_source
pack_source
make_repository

make_new
refuses 'the patches do not apply' 'does not apply' compose_to "$NEW"
refuses 'git merges what it can, and leaves a conflict to the user' 'cherry-pick --continue' port
succeeds_quietly 'the merge has both changes' is_equal \
	"$(grep -xc -e 'another line 23' -e 'crypto line 20 with units' "$NEW/crypto/skcipher.c")" 2
succeeds_quietly 'the conflict is in the file' grep -q '^<<<<<<< ' "$NEW/drivers/md/dm-crypt.c"
refuses 'a second port is refused' 'there is a series for 6.13' port
refuses 'refresh waits for the user' 'not committed' command_of refresh 6.13 "$NEW"
sed -i '/^[<=>]\{7\}/d' "$NEW/drivers/md/dm-crypt.c"
in_new add -A
succeeds 'git goes on after the conflict' in_new -c core.editor=true cherry-pick --continue
succeeds 'refresh makes a series of it' command_of refresh 6.13 "$NEW"
succeeds_quietly 'the version is that of the source' \
	grep -qx 'BASE_VERSION=6.13.0' "$REPOSITORY/patches/6.13/base"
succeeds_quietly 'the new series composes to the same tree' describes_new
succeeds_quietly 'nothing else changed' is_equal \
	"$(git -C "$REPOSITORY" -c core.autocrlf=false status --porcelain -- . ':!build')" \
	'?? patches/6.13/'
finish
