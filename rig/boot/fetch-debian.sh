#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fetch packages of Debian, of any suite and architecture, with a private apt.  The
# host's sources, indexes and packages stay as they are.  Needs no privileges.  The
# mirror is the one that the host's sources name.
#
# usage: fetch-debian.sh [options] --dir DIR PACKAGE[=VERSION]...
#        fetch-debian.sh [options] --list PATTERN[=VERSION]...
#
#   --suite SUITE   such as sid or trixie-backports; may be given several times, the
#                   newest version counts (default: the host's suite, with updates
#                   and security)
#   --arch ARCH     Debian's name of an architecture (default: the host's)
#   --dir DIR       directory for the files
#   --with-depends  fetch all that the packages depend on, too
#   --source        fetch source packages, and not binary ones
#   --tar-only      fetch only the upstream tarball of a source package
#   --move          do not keep the files in the cache after copying them into DIR
#   --list          fetch no package, print "package version suite", the newest
#                   version of a package first; print nothing if none matches
#   --help
#
# Indexes and packages are kept in the directory apt of $DM_CRYPT_MDU_CACHE
# (default: dm-crypt-mdu in $XDG_CACHE_HOME or ~/.cache).  An index is fetched again
# after a day, or when something cannot be found with it.
#
# Exit status: 3 if Debian does not have the package or suite, 4 if the mirror cannot
# be reached, 1 for wrong usage and all other failures.

# shellcheck disable=SC2128,SC2178 # "list" is an array in lib.sh only

set -eu
set -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/_lib.sh"
# The functions below parse apt's messages.
export LC_ALL=C

suite=()
arch=
dir=
list=
source=
tar_only=
with_depends=
move=
parse_options suite+ arch= dir= list! source! tar-only! with-depends! move! -- "$@"
[ ${#operands[@]} -gt 0 ] || die "need a package, see --help"
[ -n "$dir$list" ] || die "need --dir or --list, see --help"
[ -z "$dir" ] || [ -z "$list" ] || die "--dir and --list do not go together, see --help"
[ -z "$tar_only" ] || [ -n "$source" ] || die "--tar-only needs --source, see --help"
[ -z "$with_depends" ] || [ -z "$source" ] ||
	die "--with-depends and --source do not go together, see --help"
for operand in "${operands[@]}" ${suite[@]+"${suite[@]}"}; do
	# Most other characters have a special meaning for apt.
	[[ $operand =~ ^[a-zA-Z0-9*?][a-zA-Z0-9*?+.:=~/-]*$ ]] ||
		die "'$operand' is no name of a package or suite"
done
for program in apt-get /usr/lib/apt/apt-helper dpkg flock; do
	command -v "$program" > /dev/null ||
		die "$program is not installed: this needs Debian's apt, dpkg and util-linux"
done
[ -n "$arch" ] || arch=$(dpkg --print-architecture)
# stdout is for the list, so messages go to stderr.
say() {
	echo "${0##*/}: $*" >&2
}

# The caller needs to tell these from other failures.
readonly NOT_THERE=3 NOT_REACHED=4

give_up() {
	local status=$1
	shift

	say "$@"
	exit "$status"
}

apt=$(cache_dir apt)
archives=$apt/archives
[ -z "$dir" ] || dir=$(realpath -m "$dir")
if ! mkdir -p "$apt"/{archives,stamps,lists/partial} || ! [ -w "$apt/lists" ]; then
	die "cannot write to the cache $apt, name another with DM_CRYPT_MDU_CACHE="
fi
exec 8> "$apt/lock"
if ! flock -n 8; then
	say "waiting for another one that uses $apt"
	flock 8
fi
# This run holds the lock, so these directories are left over from killed runs.
rm -rf "$apt"/run.*
work=$(mktemp -d "$apt/run.XXXXXX")
part=
trap 'rm -rf "$work" ${part:+"$part"}' EXIT
trap 'exit 1' INT TERM
mkdir -p "$work"/{archives/partial,download}
: > "$work/status"

. "$here/_private-apt.sh"
. "$here/_fetch-files.sh"

# list_packages PATTERN[=VERSION]...: print "package version suite", newest first
list_packages() {
	local release file

	# shellcheck disable=SC2016 # apt's variables
	apt_get indextargets --format '$(RELEASE)|$(FILENAME)' "Created-By: $kind" |
		while IFS='|' read -r release file; do
			[ -e "$file" ] || continue
			# grep, because awk alone takes ten times as long
			apt_helper cat-file "$file" |
				{ grep -E '^(Package|Version): ' || :; } |
				awk -v suite="$release" '
				$1 == "Package:" { package = $2 }
				$1 == "Version:" { print package, $2, suite }'
		done | awk '
			BEGIN {
				for (i = 1; i < ARGC; i++) {
					names[i] = ARGV[i]
					sub(/=.*/, "", names[i])
					gsub(/[.+]/, "[&]", names[i])
					gsub(/[*]/, ".*", names[i])
					gsub(/[?]/, ".", names[i])
					if (ARGV[i] ~ /=/)
						versions[i] = substr(ARGV[i],
								     index(ARGV[i], "=") + 1)
					ARGV[i] = ""
				}
			}
			{
				for (i in names)
					if ($1 ~ "^" names[i] "$" &&
					    (!(i in versions) || versions[i] "" == $2 "")) {
						# sort knows Debian'\''s order, but no epochs
						print $1, ($2 ~ /:/ ? "" : "0:") $2, $2, $3
						break
					}
			}' "$@" | sort -k 1,1V -k 2,2Vr | cut -d ' ' -f 1,3,4 | uniq
}

# choose_versions: set the array "wanted" to PACKAGE=VERSION for each operand that
# the index has, and the array "lacking" to the others; fails if there are others
choose_versions() {
	local known operand name version

	known=$(list_packages "${operands[@]%%=*}")
	wanted=()
	lacking=()
	for operand in "${operands[@]}"; do
		name=${operand%%=*}
		version=$(printf '%s\n' "$known" | awk -v name="$name" -v operand="$operand" '
			$1 == name && (operand == name || operand == name "=" $2) {
				print $2
				exit
			}')
		if [ -n "$version" ]; then
			wanted+=("$name=$version")
		else
			lacking+=("$operand$(printf '%s\n' "$known" |
				awk -v name="$name" '
					$1 == name { printf "%s%s", (n++ ? ", " : " (it has "), $2 }
					END { if (n) printf ")" }')")
		fi
	done
	[ ${#lacking[@]} -eq 0 ]
}

type=deb
kind=Packages
if [ -n "$source" ]; then
	type=deb-src
	kind=Sources
fi
entries=$(machine_entries)
if [ ${#suite[@]} -eq 0 ]; then
	mapfile -t suite < <(own_suites)
	[ ${#suite[@]} -gt 0 ] ||
		die "the apt sources here name no suite of Debian ${codename:-that is known}:" \
			"need --suite"
fi
stamps=()
write_sources
updated=
is_fresh || update_index || :

if [ -n "$list" ]; then
	lines=$(list_packages "${operands[@]}")
	if [ -z "$lines" ] && update_index; then
		lines=$(list_packages "${operands[@]}")
	fi
	[ -z "$lines" ] || printf '%s\n' "$lines"
	exit 0
fi

while :; do
	if ! choose_versions; then
		if update_index; then
			continue
		fi
		what="packages for $arch"
		[ -z "$source" ] || what='source packages'
		give_up $NOT_THERE "there is no ${lacking[*]} in ${suite[*]}" \
			"($what)"
	fi
	list_files
	if download; then
		break
	fi
	was_reached "$work/download.log" ||
		give_up $NOT_REACHED "the mirror cannot be reached, so ${wanted[*]} could not be" \
			"fetched; $(apt_words "$work/download.log")"
	update_index ||
		give_up $NOT_THERE "${suite[*]} names ${wanted[*]}," \
			"but the mirror does not give it; $(apt_words "$work/download.log")"
done
put_files
