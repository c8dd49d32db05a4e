# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Options, architectures and messages, for the scripts in this directory and others that
# start machines.

RIG=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BOOT=$RIG/boot
KSELFTEST=$RIG/../tools/testing/selftests/dm-crypt-mdu

PROGRAM=${0##*/}

# The help text is the comment at the head of the script.
print_help() {
	awk 'NR == 1 || /SPDX/ { next }
		!/^#/ { exit }
		{ sub(/^# ?/, "") }
		$0 != "" || text { print; text = 1 }' "$0"
}

die() {
	printf '%s: error: %s\n' "$PROGRAM" "$*" >&2
	exit 1
}

# source_ktap: source the kernel's KTAP helpers: the file $KTAP, or that of a composed tree
source_ktap() {
	local file

	for file in "${KTAP-}" \
		"$RIG"/../build/*/linux/tools/testing/selftests/kselftest/ktap_helpers.sh; do
		if [ -f "$file" ]; then
			# shellcheck source=/dev/null
			. "$file"
			return
		fi
	done
	die "there is no composed tree with ktap_helpers.sh: run make tree"
}

# cache_dir [NAME]: prints the path of the cache, which all checkouts share, or of the
# directory NAME in it.
cache_dir() {
	local cache=${DM_CRYPT_MDU_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/dm-crypt-mdu}

	printf '%s\n' "$(realpath -m "$cache")${1:+/$1}"
}

# parse_options OPTION... -- ARGUMENT...: for each option among the arguments, sets
# the variable of that name ("_" replaces "-").  Sets the array "operands" to the
# other arguments.
#
#	name	--name VALUE, required unless the variable is already set
#	name=	--name VALUE, optional
#	name+	--name VALUE, any number of times, appended to an array
#	name!	--name, sets the variable to 1
parse_options() {
	local -A kinds=()
	local option name

	while [ "$1" != -- ]; do
		name=${1%[=+!]}
		kinds[$name]=${1#"$name"}
		shift
	done
	shift

	operands=()
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help)
			print_help
			exit 0 ;;
		-*)
			option=${1#--}
			[ -n "$option" ] || die "unknown option $1, see --help" ;;
		*)
			operands+=("$1")
			shift
			continue ;;
		esac
		[ -n "${kinds[$option]+known}" ] || die "unknown option $1, see --help"
		name=${option//-/_}
		case ${kinds[$option]} in
		!)
			declare -g "$name=1"
			shift
			continue ;;
		esac
		[ $# -ge 2 ] || die "$1 needs an argument"
		case ${kinds[$option]} in
		+)	declare -n values=$name
			values+=("$2")
			unset -n values ;;
		*)	declare -g "$name=$2" ;;
		esac
		shift 2
	done

	for option in "${!kinds[@]}"; do
		name=${option//-/_}
		[ -n "${kinds[$option]}" ] || [ -n "${!name-}" ] ||
			die "need --$option, see --help"
	done
}

# need_operands NUMBER WHAT
need_operands() {
	[ ${#operands[@]} -eq "$1" ] || die "need $2, see --help"
}

# set_arch ARCH: set the variables that depend on the architecture.  ARCH is its
# name in the kernel's make.
#
#	IMAGE		bootable kernel, below the build directory
#	TARGET		make's target for IMAGE
#	CROSS		prefix of the compiler's programs, empty for the host's architecture
#	CROSS_PACKAGE	Debian package of the compiler
#	QEMU		the emulator
#	QEMU_PACKAGE	Debian package of the emulator
#	TRIPLET		Debian's directory of the libraries
#	LOADER		dynamic loader of ELF programs
# shellcheck disable=SC2034 # for the scripts that source this
set_arch() {
	local machine

	case $1 in
	x86_64)
		machine=x86_64
		IMAGE=arch/x86/boot/bzImage
		CROSS=x86_64-linux-gnu-
		CROSS_PACKAGE=gcc-x86-64-linux-gnu
		QEMU_PACKAGE=qemu-system-x86
		LOADER=/lib64/ld-linux-x86-64.so.2 ;;
	arm64)
		machine=aarch64
		IMAGE=arch/arm64/boot/Image
		CROSS=aarch64-linux-gnu-
		CROSS_PACKAGE=gcc-aarch64-linux-gnu
		QEMU_PACKAGE=qemu-system-arm
		LOADER=/lib/ld-linux-aarch64.so.1 ;;
	um)
		# User-mode Linux is a program of the host.
		machine=$(uname -m)
		IMAGE=linux
		CROSS_PACKAGE=gcc ;;
	*)
		die "no such architecture here: $1 (there are x86_64, arm64 and um)" ;;
	esac
	TARGET=${IMAGE##*/}
	QEMU=qemu-system-$machine
	TRIPLET=$machine-linux-gnu
	[ "$(uname -m)" != "$machine" ] || CROSS=
}

# host_arch: print the host's architecture
host_arch() {
	case $(uname -m) in
	aarch64)	echo arm64 ;;
	*)		uname -m ;;
	esac
}

# make_disk FILE SIZE: make an empty sparse image
make_disk() {
	rm -f "$1"
	truncate -s "$2" "$1" || die "cannot make the disk image $1"
}
