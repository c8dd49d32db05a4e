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
# Turn off globbing: ktap_helpers.sh does not quote the text that it prints.
set -f
# shellcheck disable=SC1090 # named by the caller
. "$KTAP"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
REPOSITORY=$WORK/repository
SERIES=$REPOSITORY/patches/6.12/series
TREE=$WORK/linux
OUTPUT=$WORK/output

# Settings of a user that would spoil the result. The commands must ignore them.
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

# make_source [SUBLEVEL [DIR]]: makes the fake kernel 6.12.SUBLEVEL in DIR ($WORK/source)
make_source() {
	local source=${2:-$WORK/source}

	rm -rf "$source"
	mkdir -p "$source"/{Documentation,crypto,drivers/md,include/crypto,scripts}
	printf '# Comment\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = %s\nEXTRAVERSION =\n' \
		"${1:-117}" > "$source/Makefile"
	seq -f 'crypto line %g' 40 > "$source/crypto/skcipher.c"
	seq -f 'dm-crypt line %g' 40 > "$source/drivers/md/dm-crypt.c"
	printf '#define CRYPTO_ALG_TYPE_SKCIPHER 5\n' > "$source/include/crypto/skcipher.h"
	printf '%s\n' ALPHA 'M:	alpha@example.org' '' ZULU 'M:	zulu@example.org' \
		'F:	drivers/crypto/zulu/' 'F:	crypto/' > "$source/MAINTAINERS"
	printf '#!/bin/sh\nexit 0\n' > "$source/scripts/run.sh"
	chmod +x "$source/scripts/run.sh"
	# Debian's .gitignore ends with the last two lines.
	printf '*.o\n.*\n!.gitignore\n/*\n!/debian/\n' > "$source/.gitignore"
	echo blob > "$source/drivers/firmware.o"
	ln -s ../Makefile "$source/Documentation/Changes"
}

# pack_source: packs $WORK/source as the tarball that a package would install
pack_source() {
	tar -cJf "$KSRC_DIR/linux-source-6.12.tar.xz" -C "$WORK" \
		--transform 's|^source|linux-source-6.12|S' source
}

# make_patch NAME SUBJECT BODY [NEW_FILE...]: adds a patch of the edits in $WORK/edited to
# the series
make_patch() {
	{
		printf '%s\n' "$1"
		[ $# -le 3 ] || printf '\t+%s\n' "${@:4}"
	} >> "$SERIES"
	{
		printf 'Subject: %s\n\n%s---\n' "$2" "${3:+$3
}"
		git -C "$WORK/edited" diff --patch-with-stat --stat=72 --summary | sed '/^index /d'
	} > "$REPOSITORY/patches/6.12/$1"
	git -C "$WORK/edited" add -f .
}

# make_repository: makes a repository with four commits in its series: edits with a new file,
# only edits, only new files, and the entry in MAINTAINERS
make_repository() {
	local edited=$WORK/edited selftest=tools/testing/selftests/units

	rm -rf "$REPOSITORY"
	mkdir -p "$REPOSITORY"/{patches/6.12,rig,crypto,$selftest}
	cp -r "$TESTS"/../{bin,boot,debian} "$REPOSITORY/rig"
	printf 'BASE_VERSION=6.12.117\nBASE_PACKAGE=linux-source-6.12\nBASE_PACKAGE_VERSION=%s\n' \
		6.12.117-1 > "$REPOSITORY/patches/6.12/base"
	printf 'int units;\n' > "$REPOSITORY/crypto/units.c"
	printf 'TEST_PROGS := run.sh\n' > "$REPOSITORY/$selftest/Makefile"
	printf '#!/bin/sh\n' > "$REPOSITORY/$selftest/run.sh"
	chmod +x "$REPOSITORY/$selftest/run.sh"
	printf '%s\n' UNITS 'L:	list@example.org' 'S:	Orphan' 'F:	crypto/units.c' \
		"F:	$selftest/" > "$REPOSITORY/MAINTAINERS"

	make_source 117 "$edited"
	git -C "$edited" init -q
	printf '[core]\nautocrlf = false\n[diff]\nnoprefix = false\ncontext = 3\n' >> "$edited/.git/config"
	git -C "$edited" add -f .
	printf '# The series for Linux 6.12.\n\n' > "$SERIES"
	sed -i 's/^crypto line 20$/& with units/' "$edited/crypto/skcipher.c"
	# shellcheck disable=SC2016 # the text is literal
	make_patch 0001-crypto-skcipher-take-many-units.patch 'crypto: skcipher - take many units' \
		'A request has one unit today.

  - "quoted",  two spaces; `single` \backslash %s $HOME

@@ this line is part of the message @@

Link: https://example.org/' crypto/units.c
	sed -i 's/^dm-crypt line 30$/&\ndm-crypt uses units/' "$edited/drivers/md/dm-crypt.c"
	sed -i 's/exit 0/exit 1/' "$edited/scripts/run.sh"
	make_patch 0002-dm-crypt-use-units.patch 'dm crypt: use units' ''
	make_patch 0003-selftests-test-units.patch 'selftests: test units' 'Only new files.' \
		$selftest/Makefile $selftest/run.sh
	sed -i "/^ZULU/e cat '$REPOSITORY/MAINTAINERS'; echo" "$edited/MAINTAINERS"
	make_patch 0004-MAINTAINERS-add-units.patch 'MAINTAINERS: add units' ''
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
	{ command_of unpack-base 6.12 "$TREE" && command_of compose 6.12 "$TREE"; } > "$OUTPUT" 2>&1 || {
		cat "$OUTPUT" >&2
		ktap_exit_fail_msg 'the fake tree cannot be composed'
	}
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

# report DESCRIPTION STATUS FILE...: shows the FILEs if STATUS is not 0
report() {
	if [ "$2" -eq 0 ]; then
		ktap_test_pass "$1"
	else
		sed 's/^/# /' "${@:3}"
		ktap_test_fail "$1"
	fi
}

# succeeds DESCRIPTION COMMAND...: COMMAND must succeed
succeeds() {
	local status=0

	"${@:2}" > "$OUTPUT" 2>&1 || status=$?
	report "$1" $status "$OUTPUT"
}

# succeeds_quietly: like succeeds, but keeps the output of the last check in $OUTPUT
succeeds_quietly() {
	local status=0

	"${@:2}" > "$WORK/quiet-output" 2>&1 || status=$?
	report "$1" $status "$WORK/quiet-output" "$OUTPUT"
}

# says DESCRIPTION WORDS: the output of the last check must contain WORDS
says() {
	succeeds_quietly "$1" grep -qF -e "$2" "$OUTPUT"
}

# refuses DESCRIPTION WORDS COMMAND...: COMMAND must fail. It must print exactly one error
# message. Its output must contain WORDS. The output of $STATE must not change.
refuses() {
	local status=1 before

	before=$($STATE)
	if "${@:3}" > "$OUTPUT" 2>&1; then
		echo "# it succeeded"
	elif ! grep -qF -e "$2" "$OUTPUT"; then
		echo "# its message is without: $2"
	elif [ "$(grep -cE '^[a-z-]+: error: ' "$OUTPUT")" -ne 1 ]; then
		echo "# it has not exactly one message"
	elif [ "$($STATE)" != "$before" ]; then
		echo "# it changed something"
	else
		status=0
	fi
	report "$1" $status "$OUTPUT"
}
STATE=true

fails() {
	! "$@"
}

is_equal() {
	[ "$1" = "$2" ] || {
		printf 'got:    %s\nwanted: %s\n' "$1" "$2"
		return 1
	}
}

# repository_state: prints what differs from the last commit of the repository
repository_state() {
	git -C "$REPOSITORY" -c core.autocrlf=false status --porcelain -uall
	git -C "$REPOSITORY" -c core.autocrlf=false diff
}

# same_repository: succeeds if the repository has no diff to its last commit
same_repository() {
	is_equal "$(repository_state)" ''
}

# restore: takes the repository back to its last commit
restore() {
	git -C "$REPOSITORY" -c core.autocrlf=false reset -q --hard
	git -C "$REPOSITORY" clean -qfd
}

# tree_state: prints the state of the composed tree, to compare before and after
tree_state() {
	tree_git rev-parse HEAD
	tree_git status --porcelain
	tree_git symbolic-ref -q HEAD || true
	(cd "$TREE" && find . -path ./.git -prune -o -type f -printf '%p %T@ %m\n' | sort)
}

# reset_tree [COMMIT]: takes the tree back to COMMIT, or else to what was composed
reset_tree() {
	tree_git reset -q --hard "${1:-$(sed -n 's/^head //p' "$TREE/.git/composed")}"
	tree_git clean -qfd
}

# commit_in_tree MESSAGE: commits all edits in the tree
commit_in_tree() {
	tree_git add -A
	tree_git commit -q -m "$1"
}

# finish: prints the plan, and ends the test
finish() {
	ktap_set_plan $((KTAP_TESTNO - 1))
	ktap_finished
}
