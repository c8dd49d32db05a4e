#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that find-base finds the source of a base, and fetches one that the host's own
# Debian does not have: once, in the exact version, or else the newest version with a
# notice. find-base leaves nothing half-fetched, and leaves the host's apt alone. A base
# without a series gets the series of the nearest base.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-archive.sh"

CACHE=$DM_CRYPT_MDU_CACHE/base

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
	add_package "$1" "linux-source-$2" "$3" all '' "$files"
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

ktap_print_header
ktap_set_plan 53
make_source
make_repository
refuses 'a base that is not installed is refused with the command that installs it' \
	'apt-get install linux-source-6.12' command_of find-base 6.12
pack_source
succeeds 'an installed base is found' command_of find-base 6.12
succeeds_quietly 'its path is all that is printed' \
	is_equal "$(cat "$OUTPUT")" "$KSRC_DIR/linux-source-6.12.tar.xz"
succeeds 'KSRC names another source' env KSRC="$WORK/source" "$REPOSITORY/rig/bin/find-base" 6.12
succeeds_quietly 'KSRC is what is printed' is_equal "$(cat "$OUTPUT")" "$(realpath "$WORK/source")"
refuses 'a KSRC that does not exist is refused' 'does not exist' \
	env KSRC="$WORK/nowhere" "$REPOSITORY/rig/bin/find-base" 6.12

make_machine
make_series 7.3
commit_repository 'another base'
KEPT=$CACHE/linux-source-7.3_7.3.4-1~bpo13+1.tar.xz
add_kernel trixie-backports 7.3 7.3.4-1~bpo13+1
add_kernel trixie-backports 7.3 7.3.5-1~bpo13+1
add_kernel sid 7.2 7.2.13-1
add_kernel sid 7.5 7.5-1

succeeds 'a base that is not here is fetched' command_of find-base 7.3
succeeds_quietly 'without a notice' fails grep notice "$OUTPUT"
succeeds 'the exact version, and only the tarball, is kept' is_equal "$(cached)" \
	'linux-source-7.3_7.3.4-1~bpo13+1.package linux-source-7.3_7.3.4-1~bpo13+1.tar.xz '
succeeds "the host's apt is as it was, and its hook has not run" machine_untouched
mv "$ARCHIVE" "$WORK/gone"
succeeds 'a second time there is nothing to fetch' command_of find-base 7.3
succeeds_quietly 'the path is all that is printed' is_equal "$(cat "$OUTPUT")" "$KEPT"
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
touch "$KSRC_DIR/linux-source-7.3.tar.xz"
succeeds 'an installed package comes first' command_of find-base 7.3
succeeds_quietly 'its path is shown' is_equal "$(cat "$OUTPUT")" "$KSRC_DIR/linux-source-7.3.tar.xz"
rm "$KSRC_DIR/linux-source-7.3.tar.xz"

forget
head -c 300 "$ARCHIVE/pool/linux-source-7.3_7.3.4-1~bpo13+1_all.deb" > "$WORK/cut"
mv "$WORK/cut" "$ARCHIVE/pool/linux-source-7.3_7.3.4-1~bpo13+1_all.deb"
refuses 'a package that is cut short is refused' 'could not be had' command_of find-base 7.3
succeeds 'nothing is left of it' is_equal "$(cached)" ''
rm "$ARCHIVE/pool/linux-source-7.3_7.3.4-1~bpo13+1_all.deb"
refuses 'if the mirror lost the file, no other version is taken silently' \
	'could not be had' command_of find-base 7.3
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
says 'the message says how to take it' 'BASE=7.x'
says 'the message says what else can be done' 'KSRC=path'
succeeds 'nothing is left of it' is_equal "$(cached)" ''

succeeds 'a base without a series is made with the nearest one' make_and_compose 7.2
says 'a notice says so' 'there is no series for base 7.2, taking the one that was made for 7.3'
says 'the source is the newest of the first suite that has it' '4 commits on Linux 7.2.12'
refuses 'refresh refuses to mix them' 'refreshed with BASE=7.3' command_of refresh 7.2 "$TREE"
succeeds 'the repository is as it was' same_repository
rm -rf "$TREE"
sed -i 's/^dm-crypt line 29$/other line/' "$WORK/source/drivers/md/dm-crypt.c"
refuses 'a patch that does not apply is named with the series it is of' \
	'patches/7.3/0002-dm-crypt-use-units.patch does not apply. It was made against 7.3.4' \
	eval "KSRC='$WORK/source' make_and_compose 7.9"
rm -rf "$TREE"
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
for base in 5.10 7 7.x 7.03 ../patches/7.3x '' 'a b'; do
	refuses "'$base' is refused" 'BASE can be 6.12 7.3 7.6' command_of find-base "$base"
done

forget
cut_network
refuses 'without a network fetching is refused' 'could not be had' command_of find-base 7.3
succeeds 'KSRC needs no network, and no known base' \
	env KSRC="$WORK/source" "$REPOSITORY/rig/bin/unpack-base" 7.9 "$TREE"
find "$MACHINE/lists" -name "*_dists_*" -delete
refuses 'a host that has no index is refused' 'could not be had' command_of find-base 7.3
says 'the message says how to update the index' 'run apt-get update first'
succeeds 'nothing was fetched' is_equal "$(cached)" ''
ktap_finished
