#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that find-upstream finds the orig tarball of the source package that
# Debian's package was built from, and fetches it once. If that tarball is gone,
# find-upstream takes another point release. If there is none, it prints what it
# tried. apt-cache and fetch-debian.sh are stand-ins.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

export DM_CRYPT_MDU_CACHE="$WORK/a cache" ARCHIVE=$WORK/archive
KEPT=$DM_CRYPT_MDU_CACHE/upstream
FETCH=$REPOSITORY/rig/boot/fetch-debian.sh

# $ARCHIVE has the tarballs, $ARCHIVE/list the content of the index.
make_stand_ins() {
	mkdir -p "$WORK/bin" "$ARCHIVE" "$(dirname "$FETCH")"
	cat > "$WORK/bin/apt-cache" <<-'END'
	#!/bin/sh
	cat "$ARCHIVE/show" 2> /dev/null
	END
	cat > "$FETCH" <<-'END'
	#!/bin/sh
	echo "$*" >> "$ARCHIVE/asked"
	echo 'fetching'
	dir=.
	while [ $# -gt 0 ]; do
		case $1 in
		--list) exec cat "$ARCHIVE/list" ;;
		--dir) dir=$2; shift ;;
		*=*) package=$1 ;;
		esac
		shift
	done
	[ ! -e "$ARCHIVE/offline" ] || exit 4
	version=${package#*=}
	cp "$ARCHIVE/${package%%=*}_${version%-*}.orig.tar.xz" "$dir"
	END
	chmod +x "$WORK/bin/apt-cache" "$FETCH"
	PATH=$WORK/bin:$PATH
	: > "$ARCHIVE/list"
	: > "$ARCHIVE/asked"
}

find_upstream() {
	command_of find-upstream 6.12 2> "$WORK/words"
}

printed() {
	is_equal "$(cat "$OUTPUT")" "$1"
}

asked() {
	grep -qxF -e "--source --tar-only --move --dir $1" \
		<(sed 's|--dir .*/\.part\.[^ ]*|--dir|' "$ARCHIVE/asked")
}

gives_up() {
	local status=0

	find_upstream || status=$?
	is_equal "$status" 3 >&2
}

# with_suite: another suite has the package, and the host's own apt does not know it
with_suite() {
	echo 'BASE_SUITE=newer-suite' >> "$REPOSITORY/patches/6.12/base"
	rm "$ARCHIVE/show"
}

ktap_print_header
ktap_set_plan 26
make_repository
make_stand_ins

printf 'Package: linux-source-6.12\nSource: linux-6.12\nVersion: 6.12.117-1\n' > "$ARCHIVE/show"
succeeds 'what the archive does not have is not found' gives_up
succeeds_quietly 'what was tried is printed, and nothing else' printed 'linux-6.12 6.12.117-1'
succeeds_quietly 'nothing is left of it' is_equal "$(ls -A "$KEPT")" ''

echo orig > "$ARCHIVE/linux-6.12_6.12.117.orig.tar.xz"
succeeds 'the tarball of the source package that apt names is fetched' find_upstream
succeeds_quietly 'its path is all that is printed' printed "$KEPT/linux-6.12_6.12.117.orig.tar.xz"
succeeds_quietly 'it was asked for by its exact version' asked 'linux-6.12=6.12.117-1'
succeeds_quietly 'it is whole, and all that is kept' \
	is_equal "$(cd "$KEPT" && grep . -r .)" './linux-6.12_6.12.117.orig.tar.xz:orig'
rm "$ARCHIVE/linux-6.12_6.12.117.orig.tar.xz"
: > "$ARCHIVE/asked"
succeeds 'it is found again' find_upstream
succeeds_quietly 'nothing is fetched for that' is_equal "$(cat "$ARCHIVE/asked")" ''
rm -r "$KEPT"

printf 'linux-6.12 %s newer-suite\n' 6.12.99-1 6.12.118-1 6.12.120-2 6.12.119-1 6.12.117-1 \
	> "$ARCHIVE/list"
printf 'linux-6.12 6.13.9-1 s\nlinux-6.12-x 6.12.130-1 s\n' >> "$ARCHIVE/list"
echo orig > "$ARCHIVE/linux-6.12_6.12.99.orig.tar.xz"
echo orig > "$ARCHIVE/linux-6.12_6.12.119.orig.tar.xz"
succeeds 'another point release is found when that one is gone' find_upstream
succeeds_quietly 'it is the newest that there is' printed "$KEPT/linux-6.12_6.12.119.orig.tar.xz"
succeeds_quietly 'another series of the kernel is not asked for' \
	fails grep -qE '=6\.13\.9|6\.12\.130' "$ARCHIVE/asked"
rm "$ARCHIVE/linux-6.12_6.12.99.orig.tar.xz" "$ARCHIVE/linux-6.12_6.12.119.orig.tar.xz"
: > "$ARCHIVE/list"
succeeds 'without the archive, what was fetched before is found' find_upstream
succeeds_quietly 'it is that' printed "$KEPT/linux-6.12_6.12.119.orig.tar.xz"
rm -r "$KEPT"

with_suite
echo orig > "$ARCHIVE/linux_6.12.117.orig.tar.xz"
succeeds 'a package that only another suite has is fetched' find_upstream
succeeds_quietly 'the suite is named' grep -qF -e '--suite newer-suite --source' "$ARCHIVE/asked"
succeeds_quietly 'the source is linux there' printed "$KEPT/linux_6.12.117.orig.tar.xz"
rm -r "$KEPT"
touch "$ARCHIVE/offline"
: > "$ARCHIVE/asked"
succeeds 'without a network nothing is found' gives_up
succeeds_quietly 'what was printed says so' printed 'linux 6.12.117-1; no mirror was reached'
succeeds_quietly 'it is tried once' is_equal "$(grep -c . "$ARCHIVE/asked")" 1
rm "$FETCH"
succeeds 'without fetch-debian.sh nothing is found' gives_up

: > "$ARCHIVE/asked"
mkdir "$WORK/a tree"
succeeds 'UPSTREAM names another source' env UPSTREAM="$WORK/a tree" \
	"$REPOSITORY/rig/bin/find-upstream" 6.12
succeeds_quietly 'UPSTREAM is what is printed' printed "$(realpath "$WORK/a tree")"
succeeds 'KSRC does as well' env KSRC="$WORK/a tree" "$REPOSITORY/rig/bin/find-upstream" 6.12
succeeds_quietly 'nothing is fetched for these' is_equal "$(cat "$ARCHIVE/asked")" ''
refuses 'an UPSTREAM that does not exist is refused' 'UPSTREAM names' \
	env UPSTREAM="$WORK/nowhere" "$REPOSITORY/rig/bin/find-upstream" 6.12
ktap_finished
