# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # the sourcing scripts use these variables
#
# Describes a base kernel and finds its source. _lib.sh sources this file.  In the cache,
# the directory "base" has the tarballs of find-base (PACKAGE_VERSION.tar.xz), and the
# directory "upstream" has those of find-upstream.

# known_bases: prints the bases that have their own series, oldest first.
known_bases() {
	find "$ROOT/patches" -mindepth 2 -maxdepth 2 -name base -printf '%h\n' | sed 's|.*/||' | sort -V
}

# nearest_base X.Y: prints the newest base of the same major version that is not newer
# than X.Y, or else the oldest newer one. Fails if there is none.
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
#	SERIES		directory below patches/ with the series; BASE if BASE has its own
#	BASE_VERSION	version of the kernel that the series was made against
#	MADE_AGAINST	BASE_VERSION and the Debian package of that kernel, for messages
#	BASE_PACKAGE	Debian package with the source of BASE
#	BASE_PACKAGE_VERSION	version of BASE_PACKAGE; empty if any version will do
#	BASE_SUITE	Debian suites; find-base fetches BASE_PACKAGE from the first suite
#			that has it; empty if the host's own apt has BASE_PACKAGE
#	TEST_ARCHES	architectures that check-long builds and boots besides x86_64
#	BENCH_NATIVE	"yes" if the kernel can also be built as User-mode Linux, to test
#			and measure it natively
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
	# Print the notice once, not in each command that this command runs.
	[ "${SERIES_NOTICE:-}" = "$BASE" ] ||
		notice "there is no series for base $BASE, taking the one that was made for $SERIES"
	export SERIES_NOTICE=$BASE
}

# find_source: prints the path of the source of BASE: the tarball that a package
# installed, or else the one that find-base fetched. Fails if the host has neither.
find_source() {
	local file

	for file in "${KSRC_DIR:-/usr/src}/$BASE_PACKAGE.tar.xz" \
		"$(cache_dir base)/${BASE_PACKAGE}_"*.tar.xz; do
		[ -f "$file" ] || continue
		# Skip a tarball that was fetched when the series named another version.
		case $file in
		*/"$BASE_PACKAGE".tar.xz | *"_$BASE_PACKAGE_VERSION.tar.xz") ;;
		*)	[ -z "$BASE_PACKAGE_VERSION" ] ||
				grep -qxF "instead of $BASE_PACKAGE_VERSION" "${file%.tar.xz}.package" ||
				continue ;;
		esac
		printf '%s\n' "$file"
		return
	done
	return 1
}
