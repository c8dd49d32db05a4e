#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Check that every option of a config fragment took effect.
#
# usage: check-config.sh [--allow-missing SYMBOL]... TREE CONFIG FRAGMENT
#
#   TREE      kernel source that the configuration was made in
#   CONFIG    the resulting .config
#   FRAGMENT  the wanted options: CONFIG_X=value and "# CONFIG_X is not set"
#
#   --allow-missing SYMBOL   accept that TREE has no such option at all (write
#                            it without CONFIG_).  If TREE has the option, the
#                            option must take effect like any other.
#
# Prints every option that did not take effect.  Exit status 1 if there is one.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/_lib.sh"

allow_missing=()
parse_options allow-missing+ -- "$@"
need_operands 3 "TREE CONFIG FRAGMENT"
set -- "${operands[@]}"
allowed=" ${allow_missing[*]/#CONFIG_/} "
tree=$1
config=$2
fragment=$3
[ -d "$tree" ] || die "no such directory: $tree"
[ -r "$config" ] || die "cannot read $config"
[ -r "$fragment" ] || die "cannot read $fragment"

# is_defined SYMBOL: succeeds if any Kconfig file of the tree defines SYMBOL
is_defined() {
	grep -rqsE --include='Kconfig*' \
		"^[[:space:]]*(menu)?config[[:space:]]+$1([[:space:]]|\$)" "$tree"
}

failures=0
while read -r line; do
	case $line in
	CONFIG_*=*)
		symbol=${line%%=*} ;;
	"# CONFIG_"*" is not set")
		symbol=${line#"# "}
		symbol=${symbol%" is not set"} ;;
	*)
		continue ;;
	esac

	case $line in
	CONFIG_*=n | "# "*)
		# .config does not list an option whose dependencies are off.
		grep -qE "^$symbol=" "$config" || continue ;;
	*)
		if grep -qxF -- "$line" "$config"; then
			continue
		fi ;;
	esac

	now=$(grep -E "^(# )?${symbol}[= ]" "$config" || true)
	if [ -z "$now" ]; then
		if ! is_defined "${symbol#CONFIG_}"; then
			case $allowed in
			*" ${symbol#CONFIG_} "*)
				continue ;;
			esac
			now="this kernel has no such option"
		else
			now="not visible, something it depends on is missing"
		fi
	fi
	echo "$line: did not take effect ($now)"
	failures=$((failures + 1))
done < "$fragment"

[ "$failures" -eq 0 ]
