# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A Debian archive of a few packages in a temporary directory, and an apt that uses
# it as the mirror of the host. Tests source this after fake-base.sh.

if ! command -v apt-get > /dev/null || ! command -v dpkg-deb > /dev/null; then
	echo '1..0 # SKIP there is no apt here: these scripts are for Debian'
	exit 4
fi

ARCHIVE=$WORK/archive
export DM_CRYPT_MDU_CACHE="$WORK/a cache"
CODENAME=$(. /etc/os-release && echo "$VERSION_CODENAME")
NATIVE=$(dpkg --print-architecture)
INDEXES=("main/binary-$NATIVE/Packages" main/binary-arm64/Packages main/source/Sources)
MACHINE=$WORK/machine

# make_machine: makes the host's apt, which follows the release and its updates. Its
# apt.conf has a hook that must not run again, and a default release that would break
# every other suite. The archive has no signature.
make_machine() {
	local suite

	mkdir -p "$MACHINE"/{lists/partial,cache,empty}
	for suite in "$CODENAME" "$CODENAME-updates"; do
		add_package "$suite" any 1 all
		echo "deb copy:$ARCHIVE $suite main" >> "$MACHINE/sources.list"
	done
	cat > "$MACHINE/apt.conf" <<-END
	Dir::Etc::sourcelist "$MACHINE/sources.list";
	Dir::Etc::sourceparts "$MACHINE/empty";
	Dir::State::lists "$MACHINE/lists";
	Dir::Cache "$MACHINE/cache";
	APT::Default-Release "$CODENAME";
	APT::Get::AllowUnauthenticated "true";
	APT::Sandbox::User "root";
	APT::Update::Post-Invoke { "echo hook >> $MACHINE/hook"; };
	Acquire::AllowInsecureRepositories "true";
	Acquire::Retries::Delay "false";
	END
	export APT_CONFIG=$MACHINE/apt.conf
	apt-get -qq update 2> /dev/null
	machine_state > "$WORK/machine-state"
}

machine_state() {
	find "$MACHINE" -type f -exec sha256sum {} + | sort
}

# machine_untouched: succeeds if the files of the host's apt are as they were, and no hook has
# run
machine_untouched() {
	machine_state | diff "$WORK/machine-state" -
}

# add_package SUITE NAME VERSION ARCH [DEPENDS [DIRECTORY]]: adds a package with the
# files of DIRECTORY in it
add_package() {
	local deb=pool/$2_${3#*:}_$4.deb path=$WORK/package arch

	rm -rf "$path"
	mkdir -p "$path/DEBIAN" "$ARCHIVE/pool"
	[ -z "${6:-}" ] || cp -r "$6/." "$path"
	printf '%s\n' "Package: $2" "Version: $3" "Architecture: $4" ${5:+"Depends: $5"} \
		'Maintainer: Test <test@example.org>' 'Description: a test' > "$path/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$path" "$ARCHIVE/$deb" > /dev/null
	for arch in "$NATIVE" arm64; do
		if [ "$4" = all ] || [ "$4" = "$arch" ]; then
			{
				cat "$path/DEBIAN/control"
				printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$deb" \
					"$(stat -c %s "$ARCHIVE/$deb")" "$(hash_of "$ARCHIVE/$deb")"
			} | add_to_index "$1" "main/binary-$arch/Packages"
		fi
	done
}

# add_source SUITE NAME VERSION BINARY: adds a source package, of which BINARY is made. Its
# upstream tarball has the text VERSION.
add_source() {
	local file=pool/$2_${3%-*}.orig.tar.xz

	mkdir -p "$ARCHIVE/pool"
	echo "$3" > "$ARCHIVE/$file"
	printf '%s\n' "Package: $2" "Binary: other," " $4" "Version: $3" 'Architecture: any' \
		'Format: 3.0 (quilt)' 'Directory: pool' 'Checksums-Sha256:' \
		" $(hash_of "$ARCHIVE/$file") $(stat -c %s "$ARCHIVE/$file") ${file#pool/}" '' |
		add_to_index "$1" main/source/Sources
}

# add_to_index SUITE FILE: adds stdin to FILE of SUITE, and writes the Release file anew
add_to_index() {
	local dir=$ARCHIVE/dists/$1 index

	for index in "${INDEXES[@]}"; do
		mkdir -p "$dir/${index%/*}"
		touch "$dir/$index"
	done
	cat >> "$dir/$2"
	{
		# apt refuses a date in the future.
		printf '%s\n' 'Origin: Debian' "Suite: $1" "Codename: $1" \
			"Date: $(date -u -R -d '1 second ago')" "Architectures: $NATIVE arm64" \
			'Components: main' 'SHA256:'
		for index in "${INDEXES[@]}"; do
			echo " $(hash_of "$dir/$index") $(stat -c %s "$dir/$index") $index"
		done
	} > "$dir/Release"
}

hash_of() {
	sha256sum "$1" | cut -d ' ' -f 1
}

# cut_network: replaces the mirror by one that does not answer, as without a network. The
# host's apt still has the mirror's index, which says that the mirror is Debian's.
cut_network() {
	local index

	sed -i 's|copy:[^ ]*|http://127.0.0.1:9/debian|' "$MACHINE/sources.list"
	while IFS= read -r index; do
		mv "$index" "$MACHINE/lists/127.0.0.1:9_debian_dists_${index##*_dists_}"
	done < <(find "$MACHINE/lists" -name '*_dists_*')
}
