# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # the sourcing scripts use these variables
#
# Walks the commits of a composed tree: lists them and the files that each touches,
# and builds them one after the other in one git worktree, so that make compiles only
# what a commit changes. Sourced after _lib.sh, not run.

# Don't leak the outer make's settings into the kernel build.
unset MAKEFLAGS MFLAGS MAKELEVEL ARCH CROSS_COMPILE KBUILD_OUTPUT O W C CHECK KCFLAGS
# Only the distribution's python3 has the modules that the kernel's tools need.
export PATH=/usr/bin:$PATH

# open_commits DIR: sets TREE, and COMMITS to the present base..HEAD. The list stays
# the same if the tree is composed anew while the commits are checked.
open_commits() {
	find_tree "$1"
	mapfile -t COMMITS < <(in_tree rev-list --reverse base..HEAD)
	[ ${#COMMITS[@]} -gt 0 ] ||
		die "$TREE has no commits on top of its tag 'base': run make tree first"

	# Turn off globbing: ktap_helpers.sh does not quote the text that it prints.
	set -f
	# shellcheck disable=SC1091 # a file of the composed tree
	. "$TREE/tools/testing/selftests/kselftest/ktap_helpers.sh"
}

# open_worktree DIR: sets WORKTREE to DIR, and LOGS to a directory beside DIR. Build
# directories must be right below the worktree, so that ccache can share compiled files
# between all trees.
open_worktree() {
	local common=''

	WORKTREE=$(realpath -m "$1")
	LOGS=$(dirname "$WORKTREE")/logs/$PROGRAM
	lock_tree "$WORKTREE"
	rm -rf "$LOGS"
	mkdir -p "$LOGS"
	in_tree worktree prune
	if [ -f "$WORKTREE/.git" ]; then
		# git fails if somebody removed the tree that the worktree belonged to.
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
	build_alike "$WORKTREE"
}

# go_to COMMIT: checks out COMMIT, over the changes that an interrupted run left.
go_to() {
	git -C "$WORKTREE" checkout -q --force --detach "$1"
}

subject_of() {
	in_tree show -s --format=%s "$1"
}

# touched BEFORE AFTER PATHSPEC...: prints the files that were added or changed.
touched() {
	in_tree -c core.quotePath=false diff-tree -r --no-renames --name-only --diff-filter=AM \
		"$1" "$2" -- "${@:3}"
}

# touched_sources BEFORE AFTER PATTERN...: prints the touched sources of the kernel itself.
# The excluded directories have user-space programs.
touched_sources() {
	touched "$@" ':!tools' ':!scripts' ':!samples' ':!usr'
}

# is_new FILE: succeeds if the base does not have FILE.
is_new() {
	! in_tree cat-file -e "base:$1" 2> /dev/null
}

# The compiler, if it is not gcc.
COMPILER=()

# kernel_make LOG ARGUMENT...: runs make for the worktree in the build directory BUILD. ARCH
# and CROSS_COMPILE come from the environment. If make fails, prints the errors in LOG.
kernel_make() {
	make -C "$WORKTREE" "O=$BUILD" "CC=ccache ${CROSS_COMPILE:-}gcc" \
		${COMPILER[@]+"${COMPILER[@]}"} "-j${JOBS:-$(nproc)}" "${@:2}" < /dev/null > "$1" 2>&1 || {
		grep -E 'error:|modpost:' "$1" || tail -n 30 "$1"
		return 1
	}
}

# remove_objects SOURCE...: removes the objects of the sources. The next build of whole
# directories makes only those objects that the configuration has. If make is asked for a
# single object, it compiles that in any configuration.
remove_objects() {
	built_objects "$@" | sed 'p; s|[^/]*$|.&.cmd|' | (cd "$BUILD" && xargs -r rm -f)
}

# built_objects SOURCE...: prints the objects that the last build has made of the sources.
# An object has another name if its source is included, or compiled more than once.
built_objects() {
	local source

	for source in "$@"; do
		if [ -e "$BUILD/${source%.*}.o" ]; then
			echo "$BUILD/${source%.*}.o"
		elif [ -d "$BUILD/${source%/*}" ]; then
			# With "+" instead of ";", find would fail if no file matches.
			find "$BUILD/${source%/*}" -maxdepth 1 -name '.*.o.cmd' \
				-exec grep -lE "[ /]$source( |\$)" {} \; |
				sed 's|/\.\([^/]*\)\.cmd$|/\1|'
		fi
	done | sed "s|^$BUILD/||" | sort -u
}

# compile LOG OBJECT...: compiles the objects anew with W=1. Fails on a warning.
compile() {
	local log=$1
	shift

	(cd "$BUILD" && rm -f "$@")
	kernel_make "$log" -k W=1 "$@" || return
	! grep -E 'warning:|error:' "$log"
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
