#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prove that users without data units do not pay for them.  Compare builds with and
# without the series: the machine code that every request passes through, the size of
# a request and of a tfm, where other users look into a tfm, and the memory that
# dm-crypt has with each bio.  TAP on stdout.
#
# usage: compare-code.sh --patched OUTDIR --unpatched OUTDIR
#
#   --patched OUTDIR     build directory of a tree with the series
#   --unpatched OUTDIR   of the same tree without it, by the same compiler and with
#                        the same configuration
#   --help

set -eu
set -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

patched=
unpatched=
parse_options patched unpatched -- "$@"
need_operands 0 "options only"
# shellcheck source=/dev/null
. "$here/../../kselftest/ktap_helpers.sh"
skcipher=crypto/skcipher
dm_crypt=drivers/md/dm-crypt
for dir in "$patched" "$unpatched"; do
	for object in $skcipher $dm_crypt; do
		[ -r "$dir/$object.o" ] || die "$dir has no $object.o, is it a build directory?"
	done
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# instructions OUTDIR FUNCTION: bytes, mnemonics, operands and relocations.
# Addresses are where the function happens to lie.
instructions()
{
	objdump -dr "$1/$skcipher.o" |
		awk -v heading="<$2>:" '$2 == heading { found = 1; next }
			!NF { found = 0 }
			found' |
		sed -E 's/^[[:space:]]*[0-9a-f]+:[[:space:]]*//; s/[0-9a-f]+ (<[^>]*>)/\1/'
}

# size_of OUTDIR OBJECT EXPRESSION: what the compiler computes, when it is called as
# it was for the object and the source is there.
size_of()
{
	local command source

	command=$(sed -n 's/^savedcmd_[^ ]* := //p' "$1/${2%/*}/.${2##*/}.o.cmd")
	# Without what comes after the compiler, and without the list of headers.
	command=${command%%;*}
	source=$(cd "$1" && realpath "$(awk '{ print $NF }' <<< "$command")")
	command=$(sed -E 's/ -Wp,-MM?D,[^ ]+//; s/ -c -o .*//' <<< "$command")
	cat > "$work/size.c" <<-END
	#include "$source"
	int main(void);
	int main(void)
	{
		asm volatile("size-is %c0" : : "i" ($3));
		return 0;
	}
	END
	(cd "$1" && CCACHE_DISABLE=1 eval "$command -S -o - \"$work/size.c\"") |
		awk '$1 == "size-is" { print $2 }'
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

# size_grows BYTES OBJECT EXPRESSION DESCRIPTION: by so many at most
size_grows()
{
	local old new

	old=$(size_of "$unpatched" "$2" "$3") || old=
	new=$(size_of "$patched" "$2" "$3") || new=
	ktap_print_msg "$3: $old bytes before, $new now"
	if [ "${old:-0}" -gt 0 ] && [ "${new:-0}" -gt 0 ] && [ $((new - old)) -le "$1" ]; then
		ktap_test_pass "$4"
	else
		ktap_test_fail "$4"
	fi
}

ktap_print_header
ktap_set_plan 6
same_code crypto_skcipher_encrypt
same_code crypto_skcipher_decrypt
size_grows 0 $skcipher 'sizeof(struct skcipher_request)' \
	"struct skcipher_request has the same size"
size_grows 0 $skcipher 'sizeof(struct crypto_skcipher)' \
	"struct crypto_skcipher has the same size"
size_grows 0 $skcipher 'offsetof(struct crypto_skcipher, base)' \
	"the tfm begins at the same place in struct crypto_skcipher"
size_grows 16 $dm_crypt 'sizeof(struct dm_crypt_io) + sizeof(struct dm_crypt_request)' \
	"what dm-crypt keeps with a bio grows by 16 bytes at most"
ktap_finished
