# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # the sourcing scripts use these variables
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

	for option; do
		shift
		[ "$option" != -- ] || break
		name=${option%[=+!]}
		kinds[--$name]=${option#"$name"}
	done

	operands=()
	while [ $# -gt 0 ]; do
		option=$1
		shift
		case $option in
		-h | --help)
			print_help
			exit 0 ;;
		-*)
			[ -n "${kinds[$option]+known}" ] || die "unknown option $option, see --help" ;;
		*)
			operands+=("$option")
			continue ;;
		esac
		name=${option#--}
		name=${name//-/_}
		if [ "${kinds[$option]}" = ! ]; then
			declare -g "$name=1"
			continue
		fi
		[ $# -gt 0 ] || die "$option needs an argument"
		if [ "${kinds[$option]}" = + ]; then
			declare -n values=$name
			values+=("$1")
			unset -n values
		else
			declare -g "$name=$1"
		fi
		shift
	done

	for option in "${!kinds[@]}"; do
		name=${option#--}
		name=${name//-/_}
		[ -n "${kinds[$option]}" ] || [ -n "${!name-}" ] || die "need $option, see --help"
	done
}

# need_operands NUMBER WHAT
need_operands() {
	[ ${#operands[@]} -eq "$1" ] || die "need $2, see --help"
}

# need_tools TOOL:PACKAGE...
need_tools() {
	local pair

	for pair; do
		command -v "${pair%:*}" > /dev/null ||
			die "${pair%:*} is not installed (Debian package ${pair##*:})"
	done
}

# set_arch ARCH: set the variables that depend on the architecture.  ARCH is its
# name in the kernel's make.
#
#	IMAGE		bootable kernel, below the build directory
#	TARGET		make's target for IMAGE
#	CROSS		prefix of the compiler's programs, empty for the host's architecture
#	QEMU		the emulator
#	QEMU_PACKAGE	Debian package of the emulator
#	TRIPLET		Debian's directory of the libraries
set_arch() {
	local machine

	case $1 in
	x86_64)
		machine=x86_64
		IMAGE=arch/x86/boot/bzImage
		QEMU_PACKAGE=qemu-system-x86 ;;
	arm64)
		machine=aarch64
		IMAGE=arch/arm64/boot/Image
		QEMU_PACKAGE=qemu-system-arm ;;
	um)
		# User-mode Linux is a program of the host.
		machine=$(uname -m)
		IMAGE=linux ;;
	*)
		die "no such architecture here: $1 (there are x86_64, arm64 and um)" ;;
	esac
	TARGET=${IMAGE##*/}
	QEMU=qemu-system-$machine
	TRIPLET=$machine-linux-gnu
	CROSS=$TRIPLET-
	[ "$(uname -m)" != "$machine" ] || CROSS=
}

# host_arch: print the host's architecture
host_arch() {
	case $(uname -m) in
	aarch64)	echo arm64 ;;
	*)		uname -m ;;
	esac
}

# build_alike TREE: exports variables that make a kernel independent of the user, the host,
# the directory and the time of the build.  ccache needs the same to share compiled files
# between trees.
build_alike() {
	export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'
	export KBUILD_BUILD_USER=dm-crypt-mdu KBUILD_BUILD_HOST=dm-crypt-mdu
	export CCACHE_BASEDIR=$1 CCACHE_NOHASHDIR=1
}

# make_disk FILE SIZE: make an empty sparse image
make_disk() {
	rm -f "$1"
	truncate -s "$2" "$1" || die "cannot make the disk image $1"
}

# is_made_of IMAGE INPUTS: succeeds if make_image made IMAGE of INPUTS
is_made_of() {
	[ -s "$1" ] && [ "$(cat "$1.inputs" 2> /dev/null)" = "$2" ]
}

# make_image DIR IMAGE INPUTS: make an ext4 image of the files in DIR.  INPUTS is a text
# that describes everything that the files are made of.
make_image() {
	local size said

	# Add a tenth and 16 MiB for the file system's own structures.
	size=$(du -s --block-size=1M "$1" | cut -f 1)
	size=$((size + size / 10 + 16))
	rm -f "$2.tmp" "$2.inputs"
	said=$(mke2fs -q -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 -d "$1" \
		"$2.tmp" "${size}M" 2>&1) ||
		die "mke2fs failed to make an image of $size MiB from $1: $said"
	mv "$2.tmp" "$2"
	printf '%s\n' "$3" > "$2.inputs"
}
