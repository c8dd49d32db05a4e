#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that fetch-debian.sh fetches packages of any suite and architecture, whole
# or not at all, reuses its cache and leaves the host's own apt alone. If it
# fails, it says what is missing, and its exit status tells why.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-archive.sh"

SCRIPT=$TESTS/../boot/fetch-debian.sh
DIR="$WORK/some where"
NEW="$WORK/new dir"

fetch() {
	"$SCRIPT" "$@"
}

# names DIRECTORY: prints the names of all files in it, on one line
names() {
	(cd "$1" && find . -type f -printf '%P\n' | sort | tr '\n' ' ')
}

# lists WANTED ARGUMENT...: --list prints WANTED, with ";" for each newline
lists() {
	local wanted=$1
	shift

	is_equal "$(fetch --list "$@" 2> /dev/null | tr '\n' ';')" "$wanted"
}

# fails_with STATUS DESCRIPTION WORDS ARGUMENT...: fetch exits with STATUS and says WORDS
fails_with() {
	local status=$1 description=$2 words=$3
	shift 3

	succeeds "$description" ends_with "$status" fetch "$@"
	says 'it says why' "$words"
}

is_quiet() {
	fetch "$@" > "$WORK/quiet" 2>&1 && is_equal "$(cat "$WORK/quiet")" ''
}

machine_untouched() {
	is_equal "$(cd "$WORK/machine" && find . -type f ! -name apt.conf)" ''
}

ordinary_user() {
	local home=$WORK/nobody

	[ "$(id -u)" -eq 0 ] || return 0
	mkdir "$home"
	cp -r "$(dirname "$SCRIPT")" "$home/qemu"
	chmod 755 "$WORK"
	chown -R 65534 "$home"
	setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$home" \
		DM_CRYPT_MDU_CACHE="$home/cache" \
		"$home/qemu/fetch-debian.sh" --suite one --dir "$home/dir" tool &&
		is_equal "$(names "$home/dir")" "tool_1.0-2_$NATIVE.deb "
}

# Two runs at a time both fetch their package, one after the other.
two_at_a_time() {
	rm -rf "$DM_CRYPT_MDU_CACHE" "$WORK/first" "$WORK/second"
	fetch --suite one --dir "$WORK/first" tool > "$WORK/first.log" 2>&1 &
	fetch --suite one --dir "$WORK/second" tool || return
	wait $! || return
	is_equal "$(names "$WORK/first")" "$(names "$WORK/second")"
}

ktap_print_header
ktap_set_plan 57
make_machine
add_package one tool 1.0-1 "$NATIVE" 'library'
add_package one tool 1.0-2 "$NATIVE" 'library'
add_package one tool 1.0-3 "$FOREIGN" 'library, data'
add_package one library 2:1.0 "$NATIVE"
add_package one library 2:1.0 "$FOREIGN"
add_package one library 3.0 "$NATIVE"
add_package one data 5 all
add_package one other 1 "$FOREIGN"
add_package two tool 1.0-2~bpo1 "$NATIVE"
add_package two g++-tool 1 "$NATIVE"
add_package "$CODENAME" own 1 "$NATIVE"
add_package "$CODENAME-updates" own 2 "$NATIVE"
add_source one linux 6.1-1
add_source one linux 6.2-1
mkdir "$DIR"

succeeds 'the versions of a suite are listed, the newest first' \
	lists "tool 1.0-2 one;tool 1.0-1 one;" --suite one tool
succeeds 'those of two suites, in the order of Debian' \
	lists "tool 1.0-2 one;tool 1.0-2~bpo1 two;tool 1.0-1 one;" --suite two --suite one tool
succeeds 'an epoch counts' lists 'library 2:1.0 one;library 3.0 one;' --suite one library
succeeds 'a pattern is a glob, and nothing in it a regular expression' \
	lists 'g++-tool 1 two;tool 1.0-2~bpo1 two;' --suite two 'g++-*' 'to?l' 't..l'
succeeds 'a version can be asked for' lists 'tool 1.0-1 one;' --suite one tool=1.0-1
succeeds 'another architecture has its own list' \
	lists 'tool 1.0-3 one;' --arch "$FOREIGN" --suite one tool
succeeds 'source packages have theirs' \
	lists 'linux 6.2-1 one;linux 6.1-1 one;' --suite one --source linux
succeeds 'without --suite it is the machine and its updates' \
	lists "own 2 $CODENAME-updates;own 1 $CODENAME;" own
succeeds 'to match nothing is an empty list, and no failure' lists '' --suite one nothing

succeeds 'a package is fetched' fetch --suite one --dir "$DIR" tool
says 'it says what it fetches' "fetching tool_1.0-2_$NATIVE.deb (1 MB)"
succeeds_quietly 'the newest, and nothing else, is there' is_equal "$(names "$DIR")" "tool_1.0-2_$NATIVE.deb "
succeeds 'it is a whole package' dpkg-deb -c "$DIR/tool_1.0-2_$NATIVE.deb"
succeeds 'the exact version is fetched' fetch --suite one --dir "$NEW" tool=1.0-1
succeeds 'it is' is_equal "$(names "$NEW")" "tool_1.0-1_$NATIVE.deb "
succeeds 'the newest of two suites is fetched' fetch --suite two --suite one --dir "$WORK/both" tool
succeeds 'it is' is_equal "$(names "$WORK/both")" "tool_1.0-2_$NATIVE.deb "
succeeds 'another architecture is fetched with all that it needs' \
	fetch --arch "$FOREIGN" --suite one --with-depends --dir "$WORK/foreign" tool
succeeds 'it is' is_equal "$(names "$WORK/foreign")" \
	"data_5_all.deb library_2%3a1.0_$FOREIGN.deb tool_1.0-3_$FOREIGN.deb "
succeeds 'without its dependencies as well' \
	fetch --arch "$FOREIGN" --suite one --dir "$WORK/alone" tool
succeeds 'it is' is_equal "$(names "$WORK/alone")" "tool_1.0-3_$FOREIGN.deb "
succeeds 'the tarball of a source package is fetched' \
	fetch --suite one --source --tar-only --dir "$WORK/source" linux=6.1-1
succeeds 'it is, and without the rest' is_equal "$(names "$WORK/source")" 'linux_6.1.orig.tar.xz '
succeeds 'an ordinary user can fetch' ordinary_user
succeeds 'the files of the machine are as they were, and its hook has not run' machine_untouched

# Without the archive, only the cache has packages.
mv "$ARCHIVE" "$WORK/gone"
rm -rf "$NEW"
succeeds 'what is in the cache is not fetched again' fetch --suite one --dir "$NEW" tool=1.0-1
succeeds 'it is there' is_equal "$(names "$NEW")" "tool_1.0-1_$NATIVE.deb "
succeeds 'when nothing is to be done, nothing is said' is_quiet --suite one --dir "$NEW" tool=1.0-1
age_index
succeeds 'an old index is better than none' fetch --suite one --dir "$NEW" tool=1.0-1
echo damage >> "$NEW/tool_1.0-1_$NATIVE.deb"
succeeds 'a damaged file is replaced' fetch --suite one --dir "$NEW" tool=1.0-1
succeeds 'it is whole' cmp "$NEW/tool_1.0-1_$NATIVE.deb" "$WORK/gone/pool/tool_1.0-1_$NATIVE.deb"
mv "$WORK/gone" "$ARCHIVE"

fetch --suite one --list tool > /dev/null 2>&1
add_package one tool 1.0-4 "$NATIVE"
succeeds 'a young index is used again' lists 'tool 1.0-2 one;tool 1.0-1 one;' --suite one tool
age_index
succeeds 'one of an earlier day is not' \
	lists 'tool 1.0-4 one;tool 1.0-2 one;tool 1.0-1 one;' --suite one tool

succeeds 'with --move' fetch --suite one --move --dir "$WORK/moved" data
succeeds 'the file is there' is_equal "$(names "$WORK/moved")" 'data_5_all.deb '
succeeds 'and not in the cache' fails ls "$DM_CRYPT_MDU_CACHE/apt/archives/data_5_all.deb"
rm -rf "$WORK/moved"

add_package one fresh 1 "$NATIVE"
succeeds 'what a young index does not have is looked for once more' \
	fetch --suite one --dir "$NEW" fresh
remove_package one fresh
add_package one fresh 2 "$NATIVE"
rm -rf "$NEW" "$DM_CRYPT_MDU_CACHE/apt/archives"
succeeds 'what a young index has and the mirror has not, too' fetch --suite one --dir "$NEW" fresh
succeeds 'the new one is there' is_equal "$(names "$NEW")" "fresh_2_$NATIVE.deb "

rm -rf "$NEW"
fails_with 3 'a package that is not there' 'there is no nothing in one' \
	--suite one --dir "$NEW" nothing
fails_with 3 'a version that is not there names those that are' 'no tool=9 (it has 1.0-4, 1.0-2, 1.0-1)' \
	--suite one --dir "$NEW" tool=9
fails_with 3 'a suite that is not there' 'the mirror has no suite three' \
	--suite three --dir "$NEW" tool
rm "$ARCHIVE/pool/linux_6.2.orig.tar.xz"
fails_with 3 'a file that the index has and the mirror has not' \
	'one names linux=6.2-1, but the mirror does not give it' \
	--suite one --source --tar-only --dir "$NEW" linux
echo other > "$ARCHIVE/pool/linux_6.2.orig.tar.xz"
fails_with 3 'a file that is not what the index says' \
	'but the mirror does not give it' --suite one --source --tar-only --dir "$NEW" linux
succeeds 'all of these leave nothing behind' fails ls "$NEW"
fails_with 1 'neither --dir nor --list' 'need --dir or --list' --suite one tool
fails_with 1 'a name that apt would take for something else' 'no name of a package' \
	--suite one --dir "$NEW" './tool.deb'
succeeds 'two at a time do not disturb each other' two_at_a_time

cut_network
fails_with 4 'no network' 'the mirror cannot be reached' --suite one --dir "$NEW" tool
ktap_finished
