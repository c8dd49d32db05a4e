# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # much of this is for the tests
#
# A kernel of a few files, and a repository with a series for it, in a temporary
# directory. Tests source this to test the commands in seconds.

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KTAP=${KTAP:-$TESTS/../../build/${BASE:-6.12}/linux/tools/testing/selftests/kselftest/ktap_helpers.sh}
if [ ! -f "$KTAP" ]; then
	echo "1..0 # SKIP there is no $KTAP: run make tree, or name ktap_helpers.sh with KTAP="
	exit 4
fi
# ktap_helpers.sh does not quote the text that it prints.
set -f
# shellcheck disable=SC1090 # named by the caller
. "$KTAP"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
REPOSITORY=$WORK/repository
SERIES=$REPOSITORY/patches/6.12/series
TREE=$WORK/linux
OUTPUT=$WORK/output

# Settings of a user that the commands must ignore, as these would spoil the result.
export HOME=$WORK/home
unset KSRC XDG_CONFIG_HOME "${!GIT_@}"
export GIT_CONFIG_GLOBAL=$HOME/.gitconfig
export KSRC_DIR=$WORK/src NEED_MB=1
mkdir -p "$HOME" "$KSRC_DIR"
git config --global user.name 'Test'
git config --global user.email 'test@example.org'
git config --global diff.noprefix true
git config --global diff.context 1
git config --global core.autocrlf true
git config --global core.abbrev 40
# The composed tree, and the repository itself, may have another owner.
git config --global safe.directory '*'
git config --global advice.detachedHead false

# make_source [SUBLEVEL]: makes the fake kernel 6.12.SUBLEVEL in $WORK/source
make_source() {
	local source=$WORK/source

	rm -rf "$source"
	mkdir -p "$source"/{Documentation,crypto,drivers/md,include/crypto,scripts}
	cat > "$source/Makefile" <<-END
	# SPDX-License-Identifier: GPL-2.0
	VERSION = 6
	PATCHLEVEL = 12
	SUBLEVEL = ${1:-117}
	EXTRAVERSION =
	END
	seq -f 'crypto line %g' 40 > "$source/crypto/skcipher.c"
	seq -f 'dm-crypt line %g' 40 > "$source/drivers/md/dm-crypt.c"
	printf '#define CRYPTO_ALG_TYPE_SKCIPHER 5\n' > "$source/include/crypto/skcipher.h"
	printf 'ALPHA\nM:\talpha@example.org\n\nZULU\nM:\tzulu@example.org\nF:\tdrivers/crypto/zulu/\nF:\tcrypto/\n' > "$source/MAINTAINERS"
	printf '#!/bin/sh\nexit 0\n' > "$source/scripts/run.sh"
	chmod +x "$source/scripts/run.sh"
	# Debian's .gitignore ends with the last two lines.
	printf '*.o\n.*\n!.gitignore\n/*\n!/debian/\n' > "$source/.gitignore"
	echo blob > "$source/drivers/firmware.o"
	ln -s ../Makefile "$source/Documentation/Changes"
}

# pack_source: packs $WORK/source as the tarball that a package would install
pack_source() {
	tar -cJf "$KSRC_DIR/linux-source-6.12.tar.xz" -C "$WORK" --transform 's|^source|linux-source-6.12|S' source
}

# make_repository: makes a repository with four commits in its series, one of each kind
make_repository() {
	local patches=$REPOSITORY/patches/6.12

	rm -rf "$REPOSITORY"
	mkdir -p "$patches" "$REPOSITORY/rig" "$REPOSITORY/crypto" "$REPOSITORY/tools/testing/selftests/units"
	cp -r "$TESTS"/../{bin,boot,debian} "$REPOSITORY/rig"
	cat > "$patches/base" <<-END
	BASE_VERSION=6.12.117
	BASE_PACKAGE=linux-source-6.12
	BASE_PACKAGE_VERSION=6.12.117-1
	END
	# <<- drops the tab that indents a new file. sed puts it back.
	sed 's/^+/\t&/' > "$SERIES" <<-'END'
	# The series for Linux 6.12.

	0001-crypto-skcipher-take-many-units.patch
		+crypto/units.c
	# This one is the user of it.
	0002-dm-crypt-use-units.patch
	0003-selftests-test-units.patch
		+tools/testing/selftests/units/Makefile
		+tools/testing/selftests/units/run.sh
	0004-MAINTAINERS-add-units.patch
	END
	cat > "$patches/0001-crypto-skcipher-take-many-units.patch" <<-'END'
	Subject: crypto: skcipher - take many units

	A request has one unit today.

	  - "quoted",  two spaces; 'single' \backslash %s $HOME

	@@ this line is part of the message @@

	Link: https://example.org/
	---
	 crypto/skcipher.c | 2 +-
	 1 file changed, 1 insertion(+), 1 deletion(-)

	diff --git a/crypto/skcipher.c b/crypto/skcipher.c
	--- a/crypto/skcipher.c
	+++ b/crypto/skcipher.c
	@@ -17,7 +17,7 @@ crypto line 16
	 crypto line 17
	 crypto line 18
	 crypto line 19
	-crypto line 20
	+crypto line 20 with units
	 crypto line 21
	 crypto line 22
	 crypto line 23
	END
	cat > "$patches/0002-dm-crypt-use-units.patch" <<-'END'
	Subject: dm crypt: use units

	---
	 drivers/md/dm-crypt.c | 1 +
	 scripts/run.sh        | 2 +-
	 2 files changed, 2 insertions(+), 1 deletion(-)

	diff --git a/drivers/md/dm-crypt.c b/drivers/md/dm-crypt.c
	--- a/drivers/md/dm-crypt.c
	+++ b/drivers/md/dm-crypt.c
	@@ -28,6 +28,7 @@ dm-crypt line 27
	 dm-crypt line 28
	 dm-crypt line 29
	 dm-crypt line 30
	+dm-crypt uses units
	 dm-crypt line 31
	 dm-crypt line 32
	 dm-crypt line 33
	diff --git a/scripts/run.sh b/scripts/run.sh
	--- a/scripts/run.sh
	+++ b/scripts/run.sh
	@@ -1,2 +1,2 @@
	 #!/bin/sh
	-exit 0
	+exit 1
	END
	cat > "$patches/0003-selftests-test-units.patch" <<-'END'
	Subject: selftests: test units

	Only new files.
	---
	END
	cat > "$patches/0004-MAINTAINERS-add-units.patch" <<-'END'
	Subject: MAINTAINERS: add units

	---
	 MAINTAINERS | 6 ++++++
	 1 file changed, 6 insertions(+)

	diff --git a/MAINTAINERS b/MAINTAINERS
	--- a/MAINTAINERS
	+++ b/MAINTAINERS
	@@ -1,6 +1,12 @@
	 ALPHA
	 M:	alpha@example.org
	 
	+UNITS
	+L:	list@example.org
	+S:	Orphan
	+F:	crypto/units.c
	+F:	tools/testing/selftests/units/
	+
	 ZULU
	 M:	zulu@example.org
	 F:	drivers/crypto/zulu/
	END
	printf 'UNITS\nL:\tlist@example.org\nS:\tOrphan\nF:\tcrypto/units.c\nF:\ttools/testing/selftests/units/\n' \
		> "$REPOSITORY/MAINTAINERS"
	printf 'int units;\n' > "$REPOSITORY/crypto/units.c"
	printf 'TEST_PROGS := run.sh\n' > "$REPOSITORY/tools/testing/selftests/units/Makefile"
	printf '#!/bin/sh\n' > "$REPOSITORY/tools/testing/selftests/units/run.sh"
	chmod +x "$REPOSITORY/tools/testing/selftests/units/run.sh"
	git -C "$REPOSITORY" init -q -b main
	commit_repository 'start'
}

commit_repository() {
	git -C "$REPOSITORY" -c core.autocrlf=false add -A
	git -C "$REPOSITORY" commit -q -m "$1"
}

# make_tree: makes all of the above, and composes the tree
make_tree() {
	make_source
	pack_source
	make_repository
	if ! command_of unpack-base 6.12 "$TREE" > "$OUTPUT" 2>&1 || ! command_of compose 6.12 "$TREE" > "$OUTPUT" 2>&1; then
		cat "$OUTPUT" >&2
		ktap_exit_fail_msg 'the fake tree cannot be composed'
	fi
}

tree_git() {
	git -C "$TREE" -c core.autocrlf=false "$@"
}

command_of() {
	local name=$1
	shift
	"$REPOSITORY/rig/bin/$name" "$@"
}

# Each check below prints one TAP line. The reason of a failure comes before it.

# succeeds DESCRIPTION COMMAND...: COMMAND succeeds
succeeds() {
	local description=$1
	shift
	if "$@" > "$OUTPUT" 2>&1; then
		ktap_test_pass "$description"
	else
		sed 's/^/# /' "$OUTPUT"
		ktap_test_fail "$description"
	fi
}

# refuses DESCRIPTION WORDS COMMAND...: COMMAND fails with one message and says WORDS
refuses() {
	local description=$1 words=$2
	shift 2
	if "$@" > "$OUTPUT" 2>&1; then
		echo "# it succeeded"
	elif ! grep -qF -e "$words" "$OUTPUT"; then
		echo "# its message is without: $words"
	elif [ "$(grep -cE '^[a-z-]+: error: ' "$OUTPUT")" -ne 1 ]; then
		echo "# it has not exactly one message"
	else
		ktap_test_pass "$description"
		return
	fi
	sed 's/^/# /' "$OUTPUT"
	ktap_test_fail "$description"
}

# says DESCRIPTION WORDS: the output of the last check has WORDS
says() {
	succeeds_quietly "$1" grep -qF -e "$2" "$OUTPUT"
}

# succeeds_quietly: like succeeds, but keeps the output of the last check
succeeds_quietly() {
	local description=$1
	shift
	if "$@" > "$WORK/quiet-output" 2>&1; then
		ktap_test_pass "$description"
	else
		sed 's/^/# /' "$WORK/quiet-output" "$OUTPUT"
		ktap_test_fail "$description"
	fi
}

fails() {
	! "$@"
}

is_equal() {
	[ "$1" = "$2" ] || {
		printf 'got:    %s\nwanted: %s\n' "$1" "$2"
		return 1
	}
}

# same_repository: the repository has no diff to its last commit
same_repository() {
	is_equal "$(git -C "$REPOSITORY" -c core.autocrlf=false status --porcelain)" '' || {
		git -C "$REPOSITORY" -c core.autocrlf=false diff
		return 1
	}
}

# tree_state: prints the state of the composed tree, to compare before and after
tree_state() {
	tree_git rev-parse HEAD
	tree_git status --porcelain
	tree_git symbolic-ref -q HEAD || true
	(cd "$TREE" && find . -path ./.git -prune -o -type f -printf '%p %T@ %m\n' | sort)
}
