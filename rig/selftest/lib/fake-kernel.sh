# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2016 # dollars are for make
#
# A kernel of a few C files. Its Makefile has the targets that the commands which
# walk a series need. It runs real compilers and a real sparse, and has stand-ins
# for the rest. Tests source this after fake-base.sh.

# make_kernel: makes $TREE, with tag base and one good commit on top
make_kernel() {
	rm -rf "$TREE"
	make_repository
	cp -r "$TESTS/../variants" "$REPOSITORY/rig/variants"
	mkdir -p "$TREE"/{crypto,drivers/md,include/crypto,Documentation/crypto} \
		"$TREE/tools/testing/selftests/kselftest" "$WORK/bin"
	cp "$KTAP" "$TREE/tools/testing/selftests/kselftest/ktap_helpers.sh"
	# A stand-in, if Sphinx is not installed.
	printf '#!/bin/sh\n' > "$WORK/bin/sphinx-build"
	chmod +x "$WORK/bin/sphinx-build"
	PATH=$PATH:$WORK/bin

	cat > "$REPOSITORY/rig/boot/build-kernel.sh" <<-'END'
	#!/bin/sh -e
	while [ $# -gt 2 ]; do [ "$1" != --config-only ] || only=1; shift; done
	mkdir -p "$2/include/config"
	echo CONFIG_MD=y > "$2/include/config/auto.conf"
	[ -n "$only" ] || make -C "$1" "O=$2" CC=gcc "ARCH=$ARCH" $(
		cd "$1" && ls crypto/*.c | sed 's/\.c$/.o/')
	END
	chmod +x "$REPOSITORY/rig/boot/build-kernel.sh"
	printf '.*\n!.gitignore\n' > "$TREE/.gitignore"
	cp "$TESTS/lib/fake-kernel.mk" "$TREE/Makefile"
	printf 'obj-y := old.o\nobj-$(CONFIG_CRYPTO_XTS) += xts.o\n' > "$TREE/crypto/Makefile"
	printf 'obj-$(CONFIG_BLK_DEV_DM) += dm.o\n' > "$TREE/drivers/md/Makefile"
	printf 'obj-$(CONFIG_MD) += md/\n' > "$TREE/drivers/Makefile"
	cat > "$TREE/include/crypto/word.h" <<-'END'
	#ifdef __CHECKER__
	typedef unsigned int __attribute__((bitwise)) word;
	#else
	typedef unsigned int word;
	#endif
	END
	# The base already has this fault, of which sparse warns.
	printf '#include <crypto/word.h>\n\nword old(void);\nword old(void)\n{\n\treturn 1;\n}\n' > "$TREE/crypto/old.c"
	printf 'int xts(void);\nint xts(void)\n{\n\treturn 1;\n}\n' > "$TREE/crypto/xts.c"
	printf 'int dm(void)\n{\n\treturn 1;\n}\n' > "$TREE/drivers/md/dm.c"
	printf 'Crypto\n======\n\nBAD\n' > "$TREE/Documentation/crypto/index.rst"
	git -C "$TREE" init -q -b series
	commit_kernel 'base'
	tree_git tag base
	printf 'int units(void);\nint units(void)\n{\n\treturn 1;\n}\n' > "$TREE/crypto/units.c"
	printf 'obj-y += both.o\nboth-y := units.o\n' >> "$TREE/crypto/Makefile"
	echo 'More.' >> "$TREE/Documentation/crypto/index.rst"
	commit_kernel 'crypto: units'
}

commit_kernel() {
	tree_git add -A
	tree_git commit -q -m "$1"
}

# drop_commit: drops the last commit, which was for one test
drop_commit() {
	tree_git reset -q --hard HEAD~
}

# walks COMMAND: runs COMMAND on the fake kernel
walks() {
	command_of "$1" 6.12 "$TREE" "$WORK/worktree"
}

# fails_in DESCRIPTION COMMAND NAME...: COMMAND fails in exactly the tests of these
# names, in this order
fails_in() {
	local description=$1 command=$2
	shift 2

	if walks "$command" > "$OUTPUT" 2>&1; then
		echo '# it succeeded'
	elif [ "$(sed -n 's/^not ok [0-9]* //p' "$OUTPUT")" = "$(printf '%s\n' "$@")" ]; then
		ktap_test_pass "$description"
		return
	fi
	sed 's/^/# /' "$OUTPUT"
	ktap_test_fail "$description"
}
