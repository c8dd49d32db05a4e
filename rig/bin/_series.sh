# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # shared with the sourcing scripts
#
# Makes commits of a series. Sourced after _lib.sh; uses the directory $work, and $series,
# the entries of the series as series_lines prints them.

# read_patch TOP NAME: writes $work/message and $work/diff.
read_patch() {
	local file=$1/patches/$SERIES/$2 subject

	git mailinfo -k -n --no-scissors "$work/body" "$work/diff" < "$file" > "$work/info"
	subject=$(sed -n 's/^Subject: //p' "$work/info")
	[ -n "$subject" ] || die "patches/$SERIES/$2 does not begin with a line \"Subject: \""
	# The command substitution drops empty lines at the end.
	printf '%s\n' "$(printf '%s\n\n' "$subject" && cat "$work/body")" > "$work/message"
	if grep -q '^new file mode ' "$work/diff"; then
		die "patches/$SERIES/$2 creates a file: new files are files of the repository, named in patches/$SERIES/series"
	fi
}

apply_diff() {
	# git apply refuses a file without any diff.
	grep -q '^diff --git ' "$work/diff" || return 0
	in_tree apply --cached --whitespace=nowarn "$work/diff" 2> "$work/git-words" ||
		die "patches/$SERIES/$1 does not apply. It was made against $MADE_AGAINST; $TREE is Linux $VERSION. git says:
$(sed 's/^/  /' "$work/git-words")
  Nothing was changed."
}

# add_files TOP: puts the files of one commit into the index. Their paths are on stdin.
add_files() {
	local path blob

	while IFS= read -r path; do
		blob=$(in_tree hash-object -w --no-filters "$1/$path")
		printf '%s %s\t%s\n' "$(file_mode "$1/$path")" "$blob" "$path"
	done | in_tree update-index --add --index-info
}

# compose_commits TOP: makes a commit of each patch, with its new files, on the base. The
# files are in TOP, laid out as the repository. Sets COMPOSED to the id of the last commit.
# Changes neither the branch nor the files of the tree.
compose_commits() {
	local name number=0 tree last
	local -x GIT_INDEX_FILE=$work/index

	in_tree read-tree base
	COMPOSED=$BASE_COMMIT
	last=$(in_tree rev-parse "base^{tree}")
	while IFS= read -r name; do
		number=$((number + 1))
		read_patch "$1" "$name"
		apply_diff "$name"
		awk -v name="$name" '
			!/^\+/ { mine = ($0 == name) }
			/^\+/ && mine { print substr($0, 2) }' <<< "$series" | add_files "$1"
		tree=$(in_tree write-tree)
		[ "$tree" != "$last" ] ||
			die "patches/$SERIES/$name changes nothing: it has no diff and patches/$SERIES/series names no new file below it"
		# Date the commits a minute apart, so that mail made from them sorts in order.
		COMPOSED=$(GIT_AUTHOR_DATE="$((FIRST_DATE + 60 * number)) +0000" \
			GIT_COMMITTER_DATE="$((FIRST_DATE + 60 * number)) +0000" \
			in_tree commit-tree -p "$COMPOSED" -F "$work/message" "$tree")
		last=$tree
	done < <(sed '/^+/d; /^$/d' <<< "$series")
}
