#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that build-variants compiles each source in the variants whose
# configuration has it, and finds a fault that only one variant shows.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-kernel.sh"

variants_of() {
	sed -nE "s/^ok [0-9]+ ([a-z0-9-]+): $1\$/\\1/p" "$OUTPUT" | xargs
}

ktap_print_header
ktap_set_plan 19
make_kernel

succeeds 'a series without fault passes' walks build-variants
succeeds_quietly 'what every configuration has is compiled in all variants' is_equal \
	"$(variants_of 'crypto: units')" 'i386 arm modules no-selftests no-manager'
succeeds_quietly 'each variant is configured' \
	is_equal "$(grep -c '^ok.*configuration: ' "$OUTPUT")" 5
succeeds_quietly 'a kernel is linked' \
	is_equal "$(grep -c '^ok.*modules: the kernel links' "$OUTPUT")" 1
succeeds_quietly 'the objects are of the architecture' \
	grep -q 'ARM' <(file -b "$WORK/worktree/.build-arm/crypto/units.o" 2> /dev/null ||
		arm-linux-gnueabi-readelf -h "$WORK/worktree/.build-arm/crypto/units.o")

echo '/* */' | tee -a "$TREE/crypto/xts.c" >> "$TREE/drivers/md/dm.c"
commit_kernel 'crypto: xts and dm'
succeeds 'objects of some configurations pass' walks build-variants
succeeds_quietly 'they are compiled where they are configured' is_equal \
	"$(variants_of 'crypto: xts and dm')" 'i386 arm modules no-selftests'
says 'it is said where they are not' \
	'no-manager: its configuration builds none of: crypto/xts.c drivers/md/dm.c'
drop_commit

printf '#ifdef __i386__\nstatic int unused;\n#endif\n' >> "$TREE/crypto/units.c"
commit_kernel 'crypto: unused on i386'
fails_in 'a warning in one variant fails' build-variants 'i386: crypto: unused on i386'
drop_commit

printf 'unsigned long long d(unsigned long long a, unsigned long long b);\n%s\n' \
	'unsigned long long d(unsigned long long a, unsigned long long b) { return a / b; }' \
	>> "$TREE/crypto/units.c"
commit_kernel 'crypto: divide'
fails_in 'a division of 64-bit numbers fails on 32 bits' build-variants \
	'i386: crypto: divide' 'arm: crypto: divide'
says 'the object is named' 'crypto/units.o divides'
drop_commit

echo 'int orphan;' > "$TREE/crypto/orphan.c"
commit_kernel 'crypto: a source of nobody'
fails_in 'a source that no variant compiles fails' build-variants \
	'a variant compiles each source: crypto: a source of nobody'
says 'it is named' 'no variant compiles crypto/orphan.c'
drop_commit

echo CONFIG_HIGHMEM > "$TREE/drop"
commit_kernel 'crypto: option is gone'
fails_in 'a variant is not what it is called: this fails' build-variants \
	'configuration: i386' 'configuration: arm'
drop_commit

printf '#ifdef NEVER\nUNEXPORTED\n#endif\n' >> "$TREE/crypto/units.c"
commit_kernel 'crypto: not exported'
fails_in 'what does not link with modules fails' build-variants 'modules: the kernel links'
drop_commit

mkdir -p "$TREE/tools/units" "$TREE/arch/x86/crypto"
echo 'not C' > "$TREE/tools/units/units.c"
echo 'int fast;' > "$TREE/arch/x86/crypto/fast.c"
echo 'obj-y += fast.o' > "$TREE/arch/x86/crypto/Makefile"
echo 'obj-y += crypto/' > "$TREE/arch/x86/Kbuild"
commit_kernel 'x86: fast'
succeeds 'programs and other architectures are left out' walks build-variants
succeeds_quietly 'x86 is not Arm' is_equal "$(variants_of 'x86: fast')" \
	'i386 modules no-selftests no-manager'
drop_commit

echo 'int kunit;' > "$TREE/crypto/kunit.c"
# shellcheck disable=SC2016 # make expands it
echo 'obj-$(CONFIG_CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST) += kunit.o' >> "$TREE/crypto/Makefile"
echo 'config CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST' > "$TREE/crypto/Kconfig"
commit_kernel 'crypto: an option'
succeeds 'an option that comes with a later commit' walks build-variants
succeeds_quietly 'it is in force from then on' is_equal "$(variants_of 'crypto: an option')" \
	'i386 arm modules no-selftests'
ktap_finished
