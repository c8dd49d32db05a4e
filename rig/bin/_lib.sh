# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # the sourcing scripts use these variables
#
# Git, trees and messages, for the commands in rig/bin.

. "$(dirname "${BASH_SOURCE[0]}")/../boot/_lib.sh"
ROOT=$(cd "$RIG/.." && pwd)

# Composed commits carry this name and date, and nothing of the host or the user:
# the same input gives the same commit ids everywhere.
export GIT_AUTHOR_NAME='dm-crypt-mdu series' GIT_AUTHOR_EMAIL='dm-devel@lists.linux.dev'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
FIRST_DATE=1731888000

export LC_ALL=C TZ=UTC
# If git runs this command (a hook, a rebase), git exports variables that would
# direct each git below to the wrong repository.
for var in $(git rev-parse --local-env-vars); do
	unset "$var"
done
# Keep settings like diff.noprefix and core.autocrlf out of the output. Use an
# empty file of the rig, not /dev/null: a git command that writes the global
# configuration replaces the file, and root could replace /dev/null.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$ROOT/rig/bin/gitconfig

# user_git ARGUMENT...: runs git in a repository of the user, with the user's
# configuration: only that names the directories of other owners that git may use
# (safe.directory).
user_git() {
	env -u GIT_CONFIG_NOSYSTEM -u GIT_CONFIG_GLOBAL git "$@"
}

say() {
	printf '%s: %s\n' "$PROGRAM" "$*"
}

notice() {
	printf '%s: notice: %s\n' "$PROGRAM" "$*" >&2
}

# parse_args COUNT "$@": prints the help text for --help, or if the number of arguments is
# not COUNT (for "N+": is less than N), and exits.
parse_args() {
	local count=${1%+} most=$1
	shift
	[ "$most" = "$count" ] || most=$#
	if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
		print_help
		exit 0
	fi
	if [ $# -lt "$count" ] || [ $# -gt "$most" ]; then
		print_help >&2
		exit 2
	fi
}

# shellcheck source=_base.sh
. "$ROOT/rig/bin/_base.sh"

# makefile_version: prints the version of the kernel whose top Makefile is on stdin.
makefile_version() {
	awk -F '[ \t]*=[ \t]*' '
		$1 == "VERSION" { v = $2 }
		$1 == "PATCHLEVEL" { p = $2 }
		$1 == "SUBLEVEL" { s = $2 }
		$1 == "EXTRAVERSION" { e = $2 }
		END { if (v != "" && p != "") print v "." p (s != "" ? "." s : "") e }'
}

# lock_tree DIR: dies if another command works on DIR. The two would spoil the tree.
lock_tree() {
	local dir=$1

	mkdir -p "$(dirname "$dir")"
	exec 9> "$dir.lock"
	flock -n 9 || die "another command uses $dir: wait until it ends, and try again"
}

# find_tree DIR: sets TREE to DIR, and BASE_COMMIT. Dies unless unpack-base made DIR.
# Without this check git would use the repository that contains DIR.
find_tree() {
	TREE=$(realpath -m "$1")
	[ -d "$TREE" ] || die "there is no $TREE: run unpack-base (make tree) first"
	{ [ -d "$TREE/.git" ] && BASE_COMMIT=$(in_tree rev-parse -q --verify 'refs/tags/base^{commit}'); } ||
		die "$TREE is not a tree made by unpack-base (it has no tag 'base'): move it away and run make tree"
}

# open_tree DIR: finds the tree, and dies unless it is on branch 'series'.
open_tree() {
	local branch

	find_tree "$1"
	branch=$(in_tree symbolic-ref -q --short HEAD) || branch=''
	[ "$branch" = series ] ||
		die "$TREE is not on its branch 'series' but on ${branch:-no branch at all (is a rebase under way?)}: finish that, then 'git -C $TREE switch series'"
}

in_tree() {
	git -C "$TREE" "$@"
}

# hold_tree DIR: locks DIR, so that nobody changes it while the caller reads it. Dies if DIR
# has commits or edits that the repository does not have. Sets VERSION to the version of the
# kernel.
hold_tree() {
	lock_tree "$1"
	open_tree "$1"
	if [ "$(in_tree rev-parse HEAD)" != "$(recorded_head)" ]; then
		die "$TREE has commits that are not in the repository: fold them in with
  $ROOT/rig/bin/refresh $BASE $TREE"
	fi
	refuse_edits
	VERSION=$(in_tree cat-file blob base:Makefile | makefile_version)
}

# check_out OUT COMMAND: dies, before long steps, if COMMAND cannot write patches to OUT.
check_out() {
	local out=$1 parent=$1

	[ -n "$out" ] || die "no directory is named for the patches: make $2 OUT=dir"
	[ -d "$out" ] || [ ! -e "$out" ] || die "$out is not a directory: name another one"
	[ -z "$(ls -A "$out" 2> /dev/null)" ] ||
		die "$out is not empty, and nothing in it was changed: name another directory"
	while [ ! -e "$parent" ]; do
		parent=$(dirname "$parent")
	done
	{ [ -d "$parent" ] && [ -w "$parent" ]; } ||
		die "$out cannot be written, because $parent cannot: name another directory"
}

# uncommitted_edits: prints the lines of `git status` for tracked files with uncommitted
# edits.
uncommitted_edits() {
	in_tree status --porcelain --untracked-files=no
}

refuse_edits() {
	[ -z "$(uncommitted_edits)" ] ||
		die "$TREE has uncommitted edits. Commit them in that tree and run 'make refresh', or
  throw them away with git -C $TREE reset --hard"
}

# needs_qemu TEST: succeeds if TEST cannot run in User-mode Linux.
needs_qemu() {
	grep -q "^${1}[[:space:]]" "$BOOT/um-cannot"
}

# runs_natively TEST: succeeds if TEST can run in User-mode Linux of BASE.
runs_natively() {
	[ -n "$BENCH_NATIVE" ] && ! needs_qemu "$1"
}

# Makes cryptd's queue as short as possible.  Only the kernel command line can set this.
QUEUE=cryptd.cryptd_max_cpu_qlen=1
# Options of boot.sh for a kernel that checks itself.  Such a kernel is slow and needs memory.
# The kernel waits at most a minute for the self-test of a cipher, so fewer rounds must be
# enough (fuzz_iterations).
VARIANT_OPTIONS=(--mem 2048 --append "$QUEUE cryptomgr.fuzz_iterations=10")

# is_test NAME.sh: succeeds if the kselftest in TREE, or the rig, has this test.
is_test() {
	local file

	for file in "$TREE/tools/testing/selftests/dm-crypt-mdu/$1" "$ROOT"/rig/tests/*/"$1"; do
		[ ! -f "$file" ] || [ ! -x "$file" ] || return 0
	done
	return 1
}

# series_lines FILE: prints the entries of the series, one a line, without comments:
# NAME.patch for a commit, +path for a new file of the commit above.
series_lines() {
	awk -v program="$PROGRAM" '
		/^[ \t]*(#|$)/ { next }
		{ line = $0; sub(/[ \t\r]+$/, "", line) }
		line ~ /^[ \t]+\+[^\/]/ && seen { sub(/^[ \t]+/, "", line); print line; next }
		line ~ /^[^ \t+\/]+\.patch$/ { seen = 1; print line; next }
		{
			printf "%s: error: %s:%d: \"%s\" is neither NAME.patch nor an indented +path below one\n",
				program, FILENAME, FNR, $0 > "/dev/stderr"
			exit 1
		}' "$1"
}

file_mode() {
	[ -x "$1" ] && echo 100755 || echo 100644
}

# list_inputs TOP BASE: prints a line for each file of the series of BASE: path,
# tab, mode, blob id. TOP is the repository or a directory of the same layout.
# Comments in the series do not count. A missing file has no line.
list_inputs() {
	local top=$1 base=$2 series line path

	series=$(series_lines "$top/patches/$base/series")
	{
		printf 'patches/%s/series\t100644 %s\n' "$base" \
			"$(printf '%s\n' "$series" | git hash-object --stdin)"
		while IFS= read -r line; do
			case $line in
			'') continue ;;
			+*) path=${line#+} ;;
			*) path=patches/$base/$line ;;
			esac
			[ -f "$top/$path" ] || continue
			printf '%s\t%s %s\n' "$path" "$(file_mode "$top/$path")" \
				"$(git hash-object --no-filters "$top/$path")"
		done <<< "$series"
	} | sort
}

# The file .git/composed in the tree records what was composed: a line "head ID", with the id
# of the last commit, then the lines of list_inputs. The file does not exist if nothing was
# composed. Then recorded_head and recorded_inputs print nothing.
recorded_head() {
	sed -n '1s/^head //p' "$TREE/.git/composed" 2> /dev/null || true
}

recorded_inputs() {
	sed 1d "$TREE/.git/composed" 2> /dev/null || true
}

# write_record HEAD LISTING
write_record() {
	printf 'head %s\n' "$1" | cat - "$2" > "$TREE/.git/composed.new"
	mv "$TREE/.git/composed.new" "$TREE/.git/composed"
}

# explain_divergence HEAD: prints how to keep both the tree's commits and the
# repository's after each has changed. HEAD is the recorded one.
explain_divergence() {
	local head=$1

	cat <<-END
	  Keep the commits of the tree on a branch, compose, and put them on top again:
	    git -C $TREE branch mine
	    git -C $TREE reset --hard ${head:-base}
	    make tree
	    git -C $TREE cherry-pick ${head:-base}..mine
	END
}
