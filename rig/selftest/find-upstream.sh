#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that find-upstream finds the orig tarball of the source package that
# Debian's package was built from, and fetches it once. If that tarball is gone,
# find-upstream takes another point release. If there is none, it prints what it
# tried.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-archive.sh"

CACHE=$DM_CRYPT_MDU_CACHE/upstream

find_upstream() {
	command_of find-upstream 6.12 2> "$WORK/words"
}

printed() {
	is_equal "$(cat "$OUTPUT")" "$1"
}

gives_up() {
	local status=0

	find_upstream || status=$?
	is_equal "$status" 3 >&2
}

ktap_print_header
ktap_set_plan 24
make_repository
make_machine

succeeds 'a source that the archive does not have is not found' gives_up
succeeds_quietly 'only the versions that were tried are printed' \
	printed 'linux-source-6.12 6.12.117-1'
succeeds_quietly 'nothing is left of it' is_equal "$(ls -A "$CACHE")" ''

for version in 99 117 120 119; do
	add_source "$CODENAME-updates" linux-6.12 "6.12.$version-1" linux-source-6.12
done
add_source "$CODENAME-updates" linux 6.13.9-1 linux-source-6.13
succeeds 'the tarball of the source package is fetched' find_upstream
succeeds_quietly 'its path is all that is printed' printed "$CACHE/linux-6.12_6.12.117.orig.tar.xz"
succeeds_quietly 'the cache has the whole tarball only' is_equal "$(cd "$CACHE" && grep . -r .)" \
	'./linux-6.12_6.12.117.orig.tar.xz:6.12.117-1'
succeeds_quietly "the host's apt is as it was" machine_untouched
mv "$ARCHIVE" "$WORK/gone"
succeeds 'it is found again, without the archive' find_upstream
mv "$WORK/gone" "$ARCHIVE"

rm -r "$CACHE"
rm "$ARCHIVE/pool/linux-6.12_6.12.120.orig.tar.xz"
echo damage >> "$ARCHIVE/pool/linux-6.12_6.12.117.orig.tar.xz"
succeeds 'another point release is found when that one is damaged' find_upstream
succeeds_quietly 'it is the newest that there is' printed "$CACHE/linux-6.12_6.12.119.orig.tar.xz"
succeeds_quietly 'a notice says so' \
	grep -q 'cannot be had, taking linux-6.12_6.12.119' "$WORK/words"
succeeds_quietly 'the cache has nothing else' \
	is_equal "$(ls -A "$CACHE")" linux-6.12_6.12.119.orig.tar.xz
add_source "$CODENAME-updates" linux-6.12 6.12.121-1 linux-source-6.12
succeeds 'later runs take the same tarball' find_upstream
succeeds_quietly 'its path is printed' printed "$CACHE/linux-6.12_6.12.119.orig.tar.xz"

rm -r "$CACHE"
echo 'BASE_SUITE=newer-suite' >> "$REPOSITORY/patches/6.12/base"
add_source newer-suite linux 6.12.117-1 linux-source-6.12
succeeds 'a package that only another suite has is fetched' find_upstream
succeeds_quietly 'the source package is linux there' printed "$CACHE/linux_6.12.117.orig.tar.xz"
rm -r "$CACHE"
cut_network
succeeds 'without a network nothing is found' gives_up
succeeds_quietly 'the printed text says that there was no index' \
	printed "linux-source-6.12 6.12.117-1; Debian's index could not be fetched"

mkdir "$WORK/a tree"
succeeds 'UPSTREAM names another source' env UPSTREAM="$WORK/a tree" \
	"$REPOSITORY/rig/bin/find-upstream" 6.12
succeeds_quietly 'UPSTREAM is what is printed' printed "$(realpath "$WORK/a tree")"
succeeds 'KSRC names one, too' env KSRC="$WORK/a tree" "$REPOSITORY/rig/bin/find-upstream" 6.12
succeeds_quietly 'KSRC is what is printed' printed "$(realpath "$WORK/a tree")"
refuses 'an UPSTREAM that does not exist is refused' 'UPSTREAM names' \
	env UPSTREAM="$WORK/nowhere" "$REPOSITORY/rig/bin/find-upstream" 6.12
succeeds 'nothing was fetched for these' is_equal "$(ls -A "$CACHE")" ''
ktap_finished
