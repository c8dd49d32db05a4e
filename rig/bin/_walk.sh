# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # the sourcing scripts use these variables
#
# Walks the commits of a composed tree: lists them and the files that each touches,
# and builds them one after the other in one git worktree, so that make compiles only
# what a commit changes. Sourced after _lib.sh, not run.

# Don't leak the outer make's settings into the kernel build.
unset MAKEFLAGS MFLAGS MAKELEVEL ARCH CROSS_COMPILE KBUILD_OUTPUT O W C CHECK KCFLAGS

# open_commits DIR: sets TREE, and COMMITS to the present base..HEAD. The list stays
# the same if the tree is composed anew while the commits are checked.
open_commits() {
	TREE=${1%/}
	{ [ -d "$TREE/.git" ] && in_tree rev-parse -q --verify 'refs/tags/base^{commit}' > /dev/null; } ||
		die "$TREE is not a tree made by unpack-base (it has no tag 'base'): run make tree first"
	TREE=$(cd "$TREE" && pwd -P)
	mapfile -t COMMITS < <(in_tree rev-list --reverse base..HEAD)
	[ ${#COMMITS[@]} -gt 0 ] ||
		die "$TREE has no commits on top of its tag 'base': run make tree first"

	# ktap_helpers.sh does not quote the text that it prints.
	set -f
	# shellcheck disable=SC1091 # a file of the composed tree
	. "$TREE/tools/testing/selftests/kselftest/ktap_helpers.sh"
}

# open_worktree DIR: sets WORKTREE to DIR, and LOGS to a directory beside DIR. Build
# directories go right below the worktree, where ccache serves all trees.
open_worktree() {
	local common=''

	WORKTREE=$(realpath -m "$1")
	LOGS=$(dirname "$WORKTREE")/logs/$PROGRAM
	lock_tree "$WORKTREE"
	rm -rf "$LOGS"
	mkdir -p "$LOGS"
	in_tree worktree prune
	if [ -f "$WORKTREE/.git" ]; then
		# git fails if the tree that the worktree belonged to is gone.
		common=$(git -C "$WORKTREE" rev-parse --path-format=absolute --git-common-dir 2> /dev/null) ||
			common=''
	fi
	if [ "$common" != "$TREE/.git" ]; then
		# Don't remove a user's own files.
		{ [ -f "$WORKTREE/.git" ] && [ -z "$common" ]; } ||
			[ -z "$(ls -A "$WORKTREE" 2> /dev/null)" ] ||
			die "$WORKTREE is no git worktree of $TREE: name another directory, or move it away"
		rm -rf "$WORKTREE"
		in_tree worktree add -q --detach "$WORKTREE" base
	fi
	export CCACHE_BASEDIR=$WORKTREE CCACHE_NOHASHDIR=1
	export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'
	# Only the distribution's python3 has the modules that the kernel's tools need.
	export PATH=/usr/bin:$PATH
}

# go_to COMMIT: checks out COMMIT, over the changes that an interrupted run left.
go_to() {
	git -C "$WORKTREE" checkout -q --force --detach "$1"
}

subject_of() {
	in_tree show -s --format=%s "$1"
}

# touched COMMIT PATHSPEC...: prints the files that COMMIT adds or changes.
touched() {
	local commit=$1
	shift
	in_tree -c core.quotePath=false diff-tree -r --no-commit-id --no-renames --name-only \
		--diff-filter=AM "$commit^" "$commit" -- "$@"
}

# These directories have user-space programs, not objects of the kernel.
NOT_KERNEL=(':!tools' ':!scripts' ':!samples' ':!usr')

# touched_sources COMMIT [LANGUAGE...]: prints the touched sources of the kernel itself.
touched_sources() {
	local commit=$1 language globs=()
	shift

	for language in "${@:-c}"; do
		globs+=("*.$language")
	done
	touched "$commit" "${globs[@]}" "${NOT_KERNEL[@]}"
}

# is_new FILE: succeeds if the base does not have FILE.
is_new() {
	! in_tree cat-file -e "base:$1" 2> /dev/null
}

need() {
	command -v "$1" > /dev/null || die "$1 is not installed (Debian package $2): run make deps"
}

# kernel_make BUILD ARGUMENT...: runs make for the worktree. ARCH and CROSS_COMPILE come
# from the environment.
kernel_make() {
	local build=$1 cc=${CROSS_COMPILE:-}gcc
	shift

	! command -v ccache > /dev/null || cc="ccache $cc"
	make -C "$WORKTREE" "O=$build" "CC=$cc" "-j${JOBS:-$(nproc)}" "$@" < /dev/null
}

# kbuild_lists BUILD DIR: prints the objects and directories that the Makefile of DIR
# builds with the configuration of BUILD. make would build a single object in any
# configuration.
kbuild_lists() {
	local file=$WORKTREE/$2/Kbuild

	[ -f "$file" ] || file=$WORKTREE/$2/Makefile
	[ -f "$file" ] || return 0
	make --no-print-directory -s -C "$1" -f - kbuild-lists 2> /dev/null <<-END
	srctree := $WORKTREE
	src := \$(srctree)/$2
	obj := $2
	include include/config/auto.conf
	include $file
	found := \$(obj-y) \$(obj-m) \$(lib-y) \$(lib-m)
	found += \$(foreach o,\$(filter %.o,\$(found)),\$(foreach s,objs y m,\$(\$(o:.o=-\$s))))
	kbuild-lists: ; @printf '%s\n' \$(found)
	END
}

# is_configured BUILD ARCH OBJECT: succeeds if the configuration builds OBJECT and every
# directory above it. Takes the top directories and arch/ARCH as built.
is_configured() {
	local build=$1 arch=$2 path=$3 dir

	case $path in
	"arch/$arch/"*) ;;
	arch/*) return 1 ;;
	esac
	dir=$(dirname "$path")
	while [ "$dir" != . ] && [ "$dir" != arch ]; do
		kbuild_lists "$build" "$dir" | grep -qxF -e "${path##*/}" -e "${path##*/}/" || return 1
		path=$dir
		dir=$(dirname "$path")
	done
}

# configured_objects BUILD ARCH SOURCE...: prints the objects that the configuration builds.
configured_objects() {
	local build=$1 arch=$2 source
	shift 2

	for source in "$@"; do
		! is_configured "$build" "$arch" "${source%.*}.o" || echo "${source%.*}.o"
	done
}

# compile BUILD LOG OBJECT...: compiles the objects anew with W=1. Fails on a warning.
compile() {
	local build=$1 log=$2 status=0
	shift 2

	(cd "$build" && rm -f "$@")
	kernel_make "$build" -k W=1 "$@" > "$log" 2>&1 || status=$?
	! grep -E 'warning:|error:' "$log" || return 1
	[ "$status" -eq 0 ] || {
		tail -n 30 "$log"
		return 1
	}
}

# new_warnings BEFORE AFTER: prints the lines of AFTER that BEFORE does not have, or has
# less often.  Ignores line numbers.  Exit status 0 if there are any.
new_warnings() {
	awk '{ key = $0; gsub(/:[0-9]+/, "", key) }
		FILENAME == ARGV[1] { known[key]++; next }
		known[key]-- <= 0 { print; found = 1 }
		END { exit !found }' "$1" "$2"
}

# result DESCRIPTION COMMAND...: runs COMMAND as one test, and shows its output.
result() {
	local description=$1 output
	shift

	if output=$("$@" 2>&1); then
		[ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/# /'
		ktap_test_pass "$description"
	else
		printf '%s\n' "$output" | sed 's/^/# /'
		ktap_test_fail "$description"
		return 1
	fi
}

# The plan comes last, because the content of a commit decides which tests it gets.
finish_walk() {
	ktap_set_plan "$((KTAP_TESTNO - 1))"
	ktap_finished
}
