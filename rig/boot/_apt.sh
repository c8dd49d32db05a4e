# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A private apt: fetches packages of any suite and architecture of Debian from the host's
# mirrors.  It has its own sources and index, in the directory apt of the cache.  The host's
# sources, index and packages stay as they are.  Needs no privileges.  Scripts source this
# file after a _lib.sh.

# debian_sources [RELEASE]: prints apt's sources for RELEASE of Debian (default: the host's),
# with its updates and its security suite if the host has those, on the host's mirrors.
# Fails if the host's apt has no index: the index says which mirrors are Debian's.
debian_sources() {
	local own mirrors

	own=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's variables
	mirrors=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Origin: Debian' \
		'Component: main' 'Created-By: Packages' |
		grep -E "^$own(-updates|-security)? " | sort -u) || mirrors=
	if [ -z "$mirrors" ]; then
		echo "$PROGRAM: apt does not know which mirrors are Debian's: run apt-get update first" >&2
		return 1
	fi
	sed -E "s|^$own([^ ]*) (.*)|deb \2 ${1:-$own}\1 main|" <<< "$mirrors"
}

# use_debian TYPE [ARCH [SUITE...]]: makes debian_apt and debian_versions use the packages
# (TYPE deb) or the source packages (deb-src) for ARCH (default: the host's) of the SUITEs
# (default: the host's release), and fetches the index.  Fails if a mirror cannot be reached
# or lacks a suite.  Holds a lock until the calling shell or subshell ends.
use_debian() {
	local type=$1 arch=${2:-} suites=("${@:3}") suite sources target=Packages dir
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	[ -n "$arch" ] || arch=$(dpkg --print-architecture)
	[ "$type" = deb ] || target=Sources
	dir=$(cache_dir apt)
	mkdir -p "$dir/lists/partial" ||
		die "cannot write to the cache $dir: name another with DM_CRYPT_MDU_CACHE="
	exec 8> "$dir/lock"
	if ! flock -n 8; then
		echo "$PROGRAM: waiting for another command that uses $dir" >&2
		flock 8
	fi
	: > "$dir/status"
	sources=$(debian_sources) || return
	if [ ${#suites[@]} -gt 0 ]; then
		sources=$(for suite in "${suites[@]}"; do
			debian_sources "$suite" | grep -m 1 " $suite main\$"
		done)
	fi
	printf '%s\n' "$sources" |
		sed "s|^deb|$type [target=$target signed-by=$keyring]|" > "$dir/sources.list"
	# Keep the host's other settings, such as a proxy.
	cat > "$dir/apt.conf" <<-END
	#clear APT::Update::Pre-Invoke;
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	#clear APT::Default-Release;
	#clear APT::Architectures;
	APT::Architecture "$arch";
	APT::Architectures "$arch";
	APT::Get::List-Cleanup "false";
	APT::Sandbox::User "root";
	Debug::NoLocking "true";
	Dir::Cache "$dir";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::Etc::sourcelist "$dir/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::State "$dir";
	Dir::State::lists "$dir/lists";
	Dir::State::status "$dir/status";
	END
	PRIVATE_APT=$dir/apt.conf
	echo "$PROGRAM: fetching the index of Debian's ${suites[*]:-own release}" >&2
	apt-get -c "$PRIVATE_APT" -qq update --error-on=any >&2
}

# debian_apt DIR COMMAND...: runs apt-get COMMAND in DIR, so that the files end up there.
debian_apt() {
	mkdir -p "$1" && (cd "$1" && apt-get -c "$PRIVATE_APT" -q "${@:2}" >&2)
}

# debian_source NAME PACKAGE DIR: unpacks into DIR the upstream source of the source package
# NAME, of the version of PACKAGE that the host has installed.
debian_source() {
	local packages=$3.packages

	(
		use_debian deb-src &&
			debian_apt "$packages" source --download-only --tar-only \
				"$1=$(dpkg-query -W -f '${source:Version}' "$2")"
	) || die "the source of $1 cannot be fetched (see above)"
	mkdir -p "$3"
	tar -xf "$packages/$1"_*.orig.tar.* -C "$3" --strip-components=1
	rm -r "$packages"
}

# debian_versions PACKAGE: prints the versions of a package or, with deb-src, of its source,
# the newest first.
debian_versions() {
	apt-cache -c "$PRIVATE_APT" madison "$1" | awk '{ print $3 }' | sort -Vru
}

# debian_version PACKAGE VERSION: prints VERSION, or the newest if Debian lacks VERSION.
# Prints nothing if Debian lacks the package.
debian_version() {
	local versions

	versions=$(debian_versions "$1")
	grep -xF -e "$2" <<< "$versions" || head -n 1 <<< "$versions"
}

# debian_packages PREFIX: prints the names of packages, in the order of their versions.
debian_packages() {
	apt-cache -c "$PRIVATE_APT" pkgnames "$1" | sort -V
}
