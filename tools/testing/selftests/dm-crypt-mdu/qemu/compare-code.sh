#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prove that who does not use data units does not pay for them: compare the
# machine code of what every request passes through, and the size of a request,
# between builds with and without the series.  TAP on stdout.
#
# usage: compare-code.sh --patched OUTDIR --unpatched OUTDIR --ktap FILE
#
#   --patched OUTDIR     build directory of a tree with the series
#   --unpatched OUTDIR   of the same tree without it, by the same compiler and with
#                        the same configuration
#   --ktap FILE          the kernel tree's ktap_helpers.sh
#   --help

set -eu
set -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

patched=
unpatched=
ktap=$here/../../kselftest/ktap_helpers.sh
parse_options patched unpatched ktap -- "$@"
need_operands 0 "options only"
# shellcheck source=/dev/null
. "$ktap"
object=crypto/skcipher.o
for dir in "$patched" "$unpatched"; do
	[ -r "$dir/$object" ] || die "$dir has no $object, is it a build directory?"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# instructions OUTDIR FUNCTION: bytes, mnemonics, operands and relocations.
# Addresses are where the function happens to lie.
instructions()
{
	objdump -dr "$1/$object" |
		awk -v heading="<$2>:" '$2 == heading { found = 1; next }
			!NF { found = 0 }
			found' |
		sed -E 's/^[[:space:]]*[0-9a-f]+:[[:space:]]*//; s/[0-9a-f]+ (<[^>]*>)/\1/'
}

# request_size OUTDIR: sizeof(struct skcipher_request), as the compiler computes it
# when it is called as it was for the object.
request_size()
{
	local command

	command=$(sed -n 's/^savedcmd_[^ ]* := //p' "$1/crypto/.skcipher.o.cmd")
	# Without what comes after the compiler, and without the list of headers.
	command=${command%%;*}
	command=$(sed -E 's/ -Wp,-MM?D,[^ ]+//; s/ -c -o .*//' <<< "$command")
	cat > "$work/size.c" <<-END
	#include <crypto/skcipher.h>
	int main(void);
	int main(void)
	{
		asm volatile("size-of-request %c0" : : "i" (sizeof(struct skcipher_request)));
		return 0;
	}
	END
	(cd "$1" && CCACHE_DISABLE=1 eval "$command -S -o - \"$work/size.c\"") |
		awk '$1 == "size-of-request" { print $2 }'
}

same_code()
{
	instructions "$unpatched" "$1" > "$work/old"
	instructions "$patched" "$1" > "$work/new"
	# An empty list would be equal to another one.
	if [ "$(wc -l < "$work/old")" -gt 8 ] &&
	   diff -u "$work/old" "$work/new" > "$work/diff"; then
		ktap_print_msg "$1: $(wc -l < "$work/new") lines of objdump"
		ktap_test_pass "$1() is the same machine code"
	else
		sed 's/^/# /' "$work/diff" || true
		ktap_test_fail "$1() is the same machine code"
	fi
}

same_size()
{
	local old new

	old=$(request_size "$unpatched") || old=
	new=$(request_size "$patched") || new=
	ktap_print_msg "sizeof(struct skcipher_request): $old bytes before, $new now"
	if [ "${old:-0}" -gt 0 ] && [ "$old" = "$new" ]; then
		ktap_test_pass "struct skcipher_request has the same size"
	else
		ktap_test_fail "struct skcipher_request has the same size"
	fi
}

ktap_print_header
ktap_set_plan 3
same_code crypto_skcipher_encrypt
same_code crypto_skcipher_decrypt
same_size
ktap_finished
