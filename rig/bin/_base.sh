# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # much of this is for those who source it
#
# What is known of a base kernel, and where its source is. Sourced by lib.sh.

# cache_dir NAME: "base" has the tarballs that fetch-base got, PACKAGE_VERSION.tar.xz,
# "upstream" those of find-upstream.
cache_dir() {
	local cache=${DM_CRYPT_MDU_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/dm-crypt-mdu}

	printf '%s/%s\n' "$(realpath -m "$cache")" "$1"
}

# The bases that have a series of their own, oldest first.
known_bases() {
	local dir

	for dir in "$ROOT"/patches/*/base; do
		[ -f "$dir" ] || continue
		dir=${dir%/base}
		printf '%s\n' "${dir##*/}"
	done | sort -V
}

# nearest_base X.Y: the newest of the same major version that is not newer,
# or else the oldest that is newer. Fails if there is none.
nearest_base() {
	local number='(0|[1-9][0-9]{0,5})'

	[[ $1 =~ ^$number\.$number$ ]] || return 1
	known_bases | awk -F . -v major="${1%.*}" -v minor="${1#*.}" '
		$1 != major { next }
		$2 + 0 <= minor + 0 { older = $0 }
		$2 + 0 > minor + 0 && newer == "" { newer = $0 }
		END {
			if (older newer == "")
				exit 1
			print (older != "" ? older : newer)
		}'
}

# load_base BASE: sets
#
#	SERIES		directory below patches/ with the series, BASE if it has one
#	BASE_VERSION	of the kernel that the series was made against
#	MADE_AGAINST	the same, with its package, for messages
#	BASE_PACKAGE	Debian's package of the source of BASE
#	BASE_PACKAGE_VERSION	its version; empty if any will do
#	BASE_SUITE	suites of Debian to fetch it from, the first that has it;
#			empty if the machine's own apt has it
#	TEST_ARCHES	what check-long builds and boots for besides x86_64
#	BENCH_NATIVE	"yes" if it can be built as a program, and be measured natively
load_base() {
	local file

	BASE=$1
	SERIES=$BASE
	if [ -z "$BASE" ] || [ ! -f "$ROOT/patches/$BASE/base" ]; then
		SERIES=$(nearest_base "$BASE") || die "there is no series for base '$BASE': BASE can be $(
			known_bases | tr '\n' ' ')or another of the same major version"
	fi
	file=patches/$SERIES/base
	BASE_VERSION='' BASE_PACKAGE='' BASE_PACKAGE_VERSION='' BASE_SUITE='' TEST_ARCHES=''
	BENCH_NATIVE=''
	# shellcheck disable=SC1090 # one such file for each series
	. "$ROOT/$file"
	: "${BASE_VERSION:?is not set in $file}"
	: "${BASE_PACKAGE:?is not set in $file}"
	: "${BASE_PACKAGE_VERSION:?is not set in $file}"
	MADE_AGAINST="$BASE_VERSION ($BASE_PACKAGE $BASE_PACKAGE_VERSION)"
	[ "$SERIES" != "$BASE" ] || return 0

	BASE_PACKAGE=linux-source-$BASE
	BASE_PACKAGE_VERSION=''
	BASE_SUITE='trixie-backports sid'
	# Once, and not again by each command that this one runs.
	[ "${SERIES_NOTICE:-}" = "$BASE" ] ||
		notice "there is no series for base $BASE, taking the one that was made for $SERIES"
	export SERIES_NOTICE=$BASE
}

# find_source: prints the path of the source that load_base told of, if it is on
# this machine: what a package installed, or else what fetch-base fetched.
find_source() {
	local installed=${KSRC_DIR:-/usr/src}/$BASE_PACKAGE.tar.xz
	local cached newest='' file

	if [ -f "$installed" ]; then
		printf '%s\n' "$installed"
		return
	fi
	cached=$(cache_dir base)/$BASE_PACKAGE
	file=${cached}_$BASE_PACKAGE_VERSION.tar.xz
	if [ -n "$BASE_PACKAGE_VERSION" ] && [ -f "$file" ]; then
		printf '%s\n' "$file"
		return
	fi
	for file in "$cached"_*.tar.xz; do
		[ -f "$file" ] || continue
		# What was fetched for an earlier state of the series is not asked for.
		[ -z "$BASE_PACKAGE_VERSION" ] ||
			grep -qxF "instead of $BASE_PACKAGE_VERSION" "${file%.tar.xz}.package" ||
			continue
		newest=$(printf '%s\n' "$newest" "$file" | sort -V | tail -n 1)
	done
	[ -n "$newest" ] && printf '%s\n' "$newest"
}
