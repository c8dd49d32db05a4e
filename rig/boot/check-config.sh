#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Check that every option of a config fragment took effect.
#
# usage: check-config.sh [--allow-missing SYMBOLS]... TREE CONFIG FRAGMENT
#
#   TREE      kernel source that the configuration was made in
#   CONFIG    the resulting .config
#   FRAGMENT  the wanted options: CONFIG_X=value and "# CONFIG_X is not set";
#             the last value of an option counts
#
#   --allow-missing SYMBOLS  accept that TREE has no such options at all (write
#                            them without CONFIG_).  If TREE has the option, the
#                            option must take effect like any other.
#
# Prints every option that did not take effect.  Exit status 1 if there is one.

set -eu
set -o pipefail

. "$(dirname "$0")/_lib.sh"

allow_missing=()
parse_options allow-missing+ -- "$@"
need_operands 3 "TREE CONFIG FRAGMENT"
set -- "${operands[@]}"
tree=$1
[ -d "$tree" ] || die "no such directory: $tree"
for file in "$2" "$3"; do
	[ -r "$file" ] || die "cannot read $file"
done

# is_defined SYMBOL: succeeds if any Kconfig file of the tree defines SYMBOL.  A "transitional"
# symbol does not count: the option has a new name, and make reads the old name in old files.
is_defined() {
	grep -rhsE -A 2 --include='Kconfig*' \
		"^[[:space:]]*(menu)?config[[:space:]]+$1([[:space:]]|\$)" "$tree" |
		awk '$1 ~ /^(menu)?config$/ { found++ } $1 == "transitional" { found-- }
			END { exit found < 1 }'
}

# The options that differ: the name, the wanted line and that of CONFIG, after tabs.
# CONFIG does not list an option whose dependencies are off.
differences=$(awk -v OFS='\t' '
	{ symbol = "" }
	/^CONFIG_[A-Za-z0-9_]+=/ { symbol = $0; sub(/=.*/, "", symbol) }
	/^# CONFIG_[A-Za-z0-9_]+ is not set$/ { symbol = $2 }
	symbol == "" { next }
	FILENAME == ARGV[1] { now[symbol] = $0; next }
	{ wanted[symbol] = $0 }
	END {
		for (symbol in wanted) {
			off = wanted[symbol] ~ /^#|=n$/
			if (off ? now[symbol] ~ /=/ : now[symbol] != wanted[symbol])
				print substr(symbol, 8), wanted[symbol], now[symbol]
		}
	}' "$2" "$3" | sort)

status=0
while IFS=$'\t' read -r symbol wanted now; do
	[ -n "$symbol" ] || continue
	if [ -z "$now" ] && is_defined "$symbol"; then
		now="not visible, something it depends on is missing"
	elif [ -z "$now" ]; then
		[[ " ${allow_missing[*]} " != *" $symbol "* ]] || continue
		now="this kernel has no such option"
	fi
	echo "$wanted: did not take effect ($now)"
	status=1
done <<< "$differences"
exit $status
