# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts in this directory share.

# The help text is the comment at the head of the script.
usage()
{
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
}

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# parse_options NAME... -- ARGUMENT...: sets a variable for each --NAME VALUE;
# each of the variables has to have a value in the end.
parse_options()
{
	local names=" " name

	while [ "$1" != -- ]; do
		names+="$1 "
		shift
	done
	shift

	while [ $# -gt 0 ]; do
		name=${1#--}
		case $1 in
		-h | --help)
			usage
			exit 0 ;;
		--*)
			case $names in
			*" $name "*)	;;
			*)		die "unknown option $1, see --help" ;;
			esac
			[ $# -ge 2 ] || die "$1 needs an argument"
			printf -v "$name" %s "$2"
			shift 2 ;;
		*)
			die "unknown argument $1, see --help" ;;
		esac
	done

	for name in $names; do
		[ -n "${!name}" ] || die "need --$name, see --help"
	done
}

# make_disk FILE SIZE: an empty sparse image
make_disk()
{
	rm -f "$1"
	truncate -s "$2" "$1" || die "cannot make the disk image $1"
}
