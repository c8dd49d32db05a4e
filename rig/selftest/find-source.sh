#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that find-base finds the source of a base, and fetches one that the host's own
# Debian does not have, and that find-upstream fetches the orig tarball of the source package
# that Debian's package was built from. Both fetch the exact version, once, or else the newest
# with a notice. They leave nothing half-fetched, and leave the host's apt alone. A base
# without a series gets the series of the nearest base.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-archive.sh"

CACHE=$DM_CRYPT_MDU_CACHE/base
ORIGS=$DM_CRYPT_MDU_CACHE/upstream

# make_series X.Y: copies the series of 6.12 for X.Y
make_series() {
	local dir=$REPOSITORY/patches/$1

	cp -r "$REPOSITORY/patches/6.12" "$dir"
	cat > "$dir/base" <<-END
	BASE_VERSION=$1.4
	BASE_PACKAGE=linux-source-$1
	BASE_PACKAGE_VERSION=$1.4-1~bpo13+1
	BASE_SUITE=trixie-backports
	END
}

# add_kernel SUITE X.Y VERSION: adds a package with the fake kernel in it
add_kernel() {
	local files=$WORK/files

	rm -rf "$files"
	mkdir -p "$files/usr/src"
	make_source
	sed -i -e "s/^VERSION = .*/VERSION = ${2%.*}/" -e "s/^PATCHLEVEL = .*/PATCHLEVEL = ${2#*.}/" \
		-e "s/^SUBLEVEL = .*/SUBLEVEL = ${3%%-*}/" -e 's/\(SUBLEVEL = \)[0-9]*\.[0-9]*\./\1/' \
		"$WORK/source/Makefile"
	tar -cJf "$files/usr/src/linux-source-$2.tar.xz" -C "$WORK" \
		--transform "s|^source|linux-source-$2|S" source
	add_package "$1" "linux-source-$2" "$3" "$files"
}

# cached: prints the names of all files in the cache of sources
cached() {
	[ ! -d "$CACHE" ] || (cd "$CACHE" && find . -mindepth 1 -printf '%P\n' | sort | tr '\n' ' ')
}

forget() {
	rm -rf "$CACHE" "$TREE"
}

# series_of BASE: prints the directory below patches/ that load_base chooses for it
series_of() {
	# shellcheck disable=SC2016 # the other shell expands it
	bash -euc '. "$0"; load_base "$1"; echo "$SERIES"' \
		"$REPOSITORY/rig/bin/_lib.sh" "$1" 2> /dev/null
}

make_and_compose() {
	command_of unpack-base "$1" "$TREE" && command_of compose "$1" "$TREE"
}

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

# add_release NUMBER: adds this point release of 6.12
add_release() {
	add_source "$CODENAME-updates" linux-6.12 "6.12.$1-1" linux-source-6.12
}

ktap_print_header
make_source
make_repository
refuses 'a base that is not installed is refused with the command that installs it' \
	'apt-get install linux-source-6.12' command_of find-base 6.12
pack_source
succeeds 'an installed base is found' command_of find-base 6.12
succeeds_quietly 'its path is all that is printed' \
	is_equal "$(cat "$OUTPUT")" "$KSRC_DIR/linux-source-6.12.tar.xz"
refuses 'a KSRC that does not exist is refused' 'does not exist' \
	env KSRC="$WORK/nowhere" "$REPOSITORY/rig/bin/find-base" 6.12

make_machine
make_series 7.3
commit_repository 'another base'
add_kernel trixie-backports 7.3 7.3.4-1~bpo13+1
add_kernel trixie-backports 7.3 7.3.5-1~bpo13+1
add_kernel sid 7.2 7.2.13-1
add_kernel sid 7.5 7.5-1

succeeds 'a base that is not here is fetched' command_of find-base 7.3
succeeds 'the exact version, and only the tarball, is kept' is_equal "$(cached)" \
	'linux-source-7.3_7.3.4-1~bpo13+1.package linux-source-7.3_7.3.4-1~bpo13+1.tar.xz '
succeeds "the host's apt is as it was, and its hook has not run" machine_untouched
mv "$ARCHIVE" "$WORK/gone"
succeeds 'a second time there is nothing to fetch' command_of find-base 7.3
succeeds 'the tree is made of it' make_and_compose 7.3
says 'it is complete' '4 commits on Linux 7.3.4'
mv "$CACHE" "$WORK/cache"
succeeds 'a tree that is there needs no source' make_and_compose 7.3
mv "$WORK/cache" "$CACHE"
mv "$WORK/gone" "$ARCHIVE"

sed -i 's/^BASE_PACKAGE_VERSION=7.3.4/BASE_PACKAGE_VERSION=7.3.5/' "$REPOSITORY/patches/7.3/base"
succeeds 'if the series names a later version, that is fetched' command_of find-base 7.3
succeeds 'the earlier one is not kept' is_equal "$(cached)" \
	'linux-source-7.3_7.3.5-1~bpo13+1.package linux-source-7.3_7.3.5-1~bpo13+1.tar.xz '
sed -i 's/^BASE_PACKAGE_VERSION=7.3.5/BASE_PACKAGE_VERSION=7.3.4/' "$REPOSITORY/patches/7.3/base"

forget
head -c 300 "$ARCHIVE/pool/linux-source-7.3_7.3.4-1~bpo13+1_all.deb" > "$WORK/cut"
mv "$WORK/cut" "$ARCHIVE/pool/linux-source-7.3_7.3.4-1~bpo13+1_all.deb"
refuses 'a package that is cut short is refused' 'could not be had' command_of find-base 7.3
succeeds 'nothing is left of it' is_equal "$(cached)" ''
rm -r "$ARCHIVE/dists/trixie-backports"
add_kernel trixie-backports 7.3 7.3.5-1~bpo13+1
succeeds 'when the exact version is gone the newest is taken' make_and_compose 7.3
says 'a notice says so' 'no longer has linux-source-7.3 7.3.4-1~bpo13+1, taking 7.3.5-1~bpo13+1'
says 'the tree is the newest' '4 commits on Linux 7.3.5'
rm "$ARCHIVE/pool/linux-source-7.3_7.3.5-1~bpo13+1_all.deb"
succeeds 'the next run finds it in the cache' command_of find-base 7.3

forget
rm -r "$ARCHIVE/dists/trixie-backports"
add_kernel trixie-backports 7.2 7.2.6-1~bpo13+1
add_kernel trixie-backports 7.2 7.2.12-1~bpo13+1
refuses 'a package that Debian no longer has is refused' 'could not be had' command_of find-base 7.3
says 'the message names what there is' 'it has: linux-source-7.2'

succeeds 'a base without a series is made with the nearest one' make_and_compose 7.2
says 'a notice says so' 'there is no series for base 7.2, taking the one that was made for 7.3'
says 'the source is the newest of the first suite that has it' '4 commits on Linux 7.2.12'
STATE=repository_state
refuses 'refresh refuses to mix them' 'refreshed with BASE=7.3' command_of refresh 7.2 "$TREE"
STATE=true
succeeds 'the second suite is asked when the first does not have it' command_of find-base 7.5
succeeds_quietly 'the cache has its source' test -f "$CACHE/linux-source-7.5_7.5-1.tar.xz"
forget
rm -r "$ARCHIVE/dists/trixie-backports"
succeeds 'the second suite is asked when the mirror lacks the first' command_of find-base 7.5

make_series 7.6
nearest=$(for base in 7.1 7.3 7.4 7.5 7.6 7.20 6.13; do
	echo -n "$base:$(series_of "$base") "
done)
succeeds 'the nearest is the newest that is not newer, or else the oldest' is_equal "$nearest" \
	'7.1:7.3 7.3:7.3 7.4:7.3 7.5:7.3 7.6:7.6 7.20:7.6 6.13:6.12 '
for base in 5.10 7 7.03 ../patches/7.3x ''; do
	refuses "'$base' is refused" 'BASE can be 6.12 7.3 7.6' command_of find-base "$base"
done

# The upstream source.
succeeds 'a source that the archive does not have is not found' gives_up
succeeds_quietly 'only its name is printed' printed 'linux-source-6.12 6.12.117-1'

add_release 117
add_release 120
succeeds 'the tarball of the source package is fetched' find_upstream
succeeds_quietly 'its path is all that is printed' printed "$ORIGS/linux-6.12_6.12.117.orig.tar.xz"
succeeds_quietly 'the cache has the whole tarball only' is_equal "$(cd "$ORIGS" && grep . -r .)" \
	'./linux-6.12_6.12.117.orig.tar.xz:6.12.117-1'
succeeds_quietly "the host's apt is as it was" machine_untouched
mv "$ARCHIVE" "$WORK/gone"
succeeds 'it is found again, without the archive' find_upstream
mv "$WORK/gone" "$ARCHIVE"

rm -r "$ORIGS"
echo damage >> "$ARCHIVE/pool/linux-6.12_6.12.117.orig.tar.xz"
succeeds 'a tarball that is damaged is not taken' gives_up
succeeds_quietly 'nothing is left of it' is_equal "$(ls -A "$ORIGS")" ''
rm -r "$ARCHIVE/dists/$CODENAME-updates"
add_release 120
add_release 99
succeeds 'the newest point release is found when that one is gone' find_upstream
succeeds_quietly 'its path is printed' printed "$ORIGS/linux-6.12_6.12.120.orig.tar.xz"
succeeds_quietly 'a notice says so' \
	grep -q 'cannot be had, taking linux-6.12_6.12.120' "$WORK/words"
add_release 121
succeeds 'later runs take the same tarball' find_upstream
succeeds_quietly 'its path is printed again' printed "$ORIGS/linux-6.12_6.12.120.orig.tar.xz"

rm -r "$ORIGS"
echo 'BASE_SUITE=newer-suite' >> "$REPOSITORY/patches/6.12/base"
add_source newer-suite linux 6.12.117-1 linux-source-6.12
succeeds 'a package that only another suite has is fetched' find_upstream
succeeds_quietly 'the source package is linux there' printed "$ORIGS/linux_6.12.117.orig.tar.xz"
rm -r "$ORIGS"

# Without a network.
forget
cut_network
succeeds 'without a network no upstream source is found' gives_up
refuses 'without a network fetching is refused' 'could not be had' command_of find-base 7.3
succeeds 'KSRC needs no network, and no known base' \
	env KSRC="$WORK/source" "$REPOSITORY/rig/bin/unpack-base" 7.9 "$TREE"
find "$MACHINE/lists" -name "*_dists_*" -delete
succeeds 'UPSTREAM needs none either' env UPSTREAM="$WORK" "$REPOSITORY/rig/bin/find-upstream" 6.12
succeeds_quietly 'UPSTREAM is what is printed' printed "$(realpath "$WORK")"
refuses 'a host that has no index is refused' 'run apt-get update first' command_of find-base 7.3
finish
