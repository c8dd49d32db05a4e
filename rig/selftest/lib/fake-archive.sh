# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # much of this is for the tests
#
# A Debian archive of a few packages in a temporary directory, and an apt that uses
# it as the mirror of the host. Tests source this after fake-base.sh.

if ! command -v apt-get > /dev/null || ! command -v dpkg-deb > /dev/null; then
	echo '1..0 # SKIP there is no apt here: these scripts are for Debian'
	exit 4
fi

# The path has spaces on purpose. In a URI apt wants them encoded.
ARCHIVE="$WORK/an archive"
export DM_CRYPT_MDU_CACHE="$WORK/a cache"
CODENAME=$(. /etc/os-release && echo "$VERSION_CODENAME")
NATIVE=$(dpkg --print-architecture)
FOREIGN=arm64
[ "$NATIVE" != arm64 ] || FOREIGN=amd64
SUITES=$ARCHIVE/dists

# use_mirror URI: makes URI the mirror in the sources of the host
use_mirror() {
	cat > "$WORK/machine.sources" <<-END
	# The disabled one counts as a stanza, too.
	Types: deb
	Enabled: no
	URIs: file:/nowhere
	Suites: $CODENAME
	Components: main
	Signed-By: /nowhere

	Types: deb deb-src
	URIs: $1
	Suites: $CODENAME $CODENAME-updates
	Components: main
	Trusted: yes
	END
}

# The apt.conf of the host has a hook that must not run, and a default release that
# would break every other suite.
make_machine() {
	use_mirror "file:${ARCHIVE// /%20}"
	mkdir -p "$WORK/machine"/{lists,cache,empty}
	cat > "$WORK/machine/apt.conf" <<-END
	Dir::Etc::sourcelist "$WORK/machine.sources";
	Dir::Etc::sourceparts "$WORK/machine/empty";
	Dir::State::lists "$WORK/machine/lists";
	Dir::Cache "$WORK/machine/cache";
	APT::Default-Release "$CODENAME";
	Acquire::Retries::Delay "false";
	APT::Update::Post-Invoke { "touch $WORK/machine/hook-ran"; };
	END
	export APT_CONFIG=$WORK/machine/apt.conf
}

hash_of() {
	sha256sum "$1" | cut -d ' ' -f 1
}

# add_package SUITE NAME VERSION ARCH [DEPENDS [DIRECTORY]]: adds a package with the
# files of DIRECTORY in it
add_package() {
	local suite=$1 name=$2 version=$3 arch=$4 depends=${5:-} files=${6:-}
	local deb=pool/${name}_${version#*:}_$arch.deb index path=$WORK/package dir

	rm -rf "$path"
	mkdir -p "$path/DEBIAN" "$ARCHIVE/pool"
	[ -z "$files" ] || cp -r "$files/." "$path"
	cat > "$path/DEBIAN/control" <<-END
	Package: $name
	Version: $version
	Architecture: $arch
	Maintainer: Test <test@example.org>
	Description: a test
	END
	[ -z "$depends" ] || sed -i "1aDepends: $depends" "$path/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$path" "$ARCHIVE/$deb" > /dev/null
	for dir in "$NATIVE" "$FOREIGN"; do
		[ "$arch" = all ] || [ "$arch" = "$dir" ] || continue
		index=$SUITES/$suite/main/binary-$dir
		mkdir -p "$index"
		{
			cat "$path/DEBIAN/control"
			printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$deb" \
				"$(stat -c %s "$ARCHIVE/$deb")" "$(hash_of "$ARCHIVE/$deb")"
		} >> "$index/Packages"
	done
	finish_suite "$suite"
}

# add_source SUITE NAME VERSION: adds a source package: an upstream tarball and a .dsc
add_source() {
	local suite=$1 name=$2 version=$3 file index

	file=${name}_${version%-*}.orig.tar.xz
	index=$SUITES/$suite/main/source
	mkdir -p "$index" "$ARCHIVE/pool"
	echo "tarball of $version" > "$ARCHIVE/pool/$file"
	echo description > "$ARCHIVE/pool/${name}_$version.dsc"
	{
		printf 'Package: %s\nBinary: %s\nVersion: %s\nArchitecture: any\n' \
			"$name" "$name" "$version"
		printf 'Format: 3.0 (quilt)\nDirectory: pool\nChecksums-Sha256:\n'
		for file in "$file" "${name}_$version.dsc"; do
			printf ' %s %s %s\n' "$(hash_of "$ARCHIVE/pool/$file")" \
				"$(stat -c %s "$ARCHIVE/pool/$file")" "$file"
		done
		echo
	} >> "$index/Sources"
	finish_suite "$suite"
}

# finish_suite SUITE: writes the Release file for the indexes that SUITE has now
finish_suite() {
	local dir=$SUITES/$1 index

	mkdir -p "$dir/main"
	for index in main/binary-$NATIVE/Packages main/binary-$FOREIGN/Packages main/source/Sources; do
		mkdir -p "$dir/${index%/*}"
		[ -e "$dir/$index" ] || : > "$dir/$index"
	done
	{
		printf 'Origin: Debian\nLabel: Debian\nSuite: %s\nCodename: %s\n' "$1" "$1"
		# apt refuses a date in the future.
		printf 'Date: %s\nArchitectures: %s %s\nComponents: main\nSHA256:\n' \
			"$(date -u -R -d '1 second ago')" "$NATIVE" "$FOREIGN"
		for index in main/binary-$NATIVE/Packages main/binary-$FOREIGN/Packages \
			main/source/Sources; do
			printf ' %s %s %s\n' "$(hash_of "$dir/$index")" \
				"$(stat -c %s "$dir/$index")" "$index"
		done
	} > "$dir/Release"
}

# remove_package SUITE NAME: as the mirror does when a newer package replaces it
remove_package() {
	local dir

	for dir in "$NATIVE" "$FOREIGN"; do
		sed -i "/^Package: $2\$/,/^\$/d" "$SUITES/$1/main/binary-$dir/Packages"
	done
	set +f
	rm -f "$ARCHIVE/pool/$2"_*
	set -f
	finish_suite "$1"
}

# cut_network: the mirror does not answer, as without a network
cut_network() {
	use_mirror 'http://127.0.0.1:9/debian'
}

# age_index: makes the index so old that it is fetched again
age_index() {
	find "$DM_CRYPT_MDU_CACHE/apt/stamps" -type f -exec touch -d '2 days ago' {} +
}

ends_with() {
	local status=0 wanted=$1
	shift

	"$@" || status=$?
	is_equal "$status" "$wanted"
}
