# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with the sourcing scripts
#
# The topics of the series, as patches/topics names them. Sourced after _lib.sh; uses the
# directory $work.

TOPICS=$ROOT/patches/topics
# The most lines that a patch may insert, if patches/topics does not say otherwise.
PATCH_LINES=800

known_topics() {
	sed -nE 's/^([a-z][^ ]*).*/\1/p' "$TOPICS"
}

# open_topic TOPIC: sets TOPIC, NEEDS to the topics that it is built on, and MOST_LINES and
# MOST_PATCHES.
open_topic() {
	local line

	TOPIC=$1
	line=$(awk -v topic="$1" '$0 ~ /^[a-z]/ && $1 == topic' "$TOPICS")
	[ -n "$line" ] || die "there is no topic '$1' in patches/topics, which has: $(known_topics | xargs)"
	read -r _ MOST_LINES MOST_PATCHES NEEDS <<< "$line"
}

# commits_by_topic: prints a line for each commit base..HEAD of the tree: topic, most lines, id.
# Dies if a commit has no topic.
commits_by_topic() {
	in_tree log --reverse --format='%H %s' base..HEAD | awk -v most=$PATCH_LINES '
		FILENAME != "-" && /^[a-z]/ { topic = $1 }
		FILENAME != "-" && /^\t/ {
			sub(/^\t/, "")
			limit = most
			if (match($0, /^[0-9]+ /)) {
				limit = $1
				sub(/^[0-9]+ /, "")
			}
			topics[$0] = topic
			limits[$0] = limit
		}
		FILENAME == "-" {
			id = $1
			sub(/^[^ ]+ /, "")
			if (!($0 in topics)) {
				print "the commit \"" $0 "\" is in no topic" > "/dev/stderr"
				bad = 1
			}
			print topics[$0], limits[$0], id
		}
		END { exit bad }' "$TOPICS" - || die "name the topic of each commit in patches/topics"
}

# pick REPOSITORY TOPIC: puts the commits of TOPIC on the HEAD of REPOSITORY, which has the
# objects of the tree. Needs the lists that pick_topic makes.
pick() {
	local commits

	mapfile -t commits < <(awk -v topic="$2" '$1 == topic { print $3 }' "$work/by-topic")
	[ ${#commits[@]} -gt 0 ] || die "$TREE has no commit of the topic $2"
	# The date makes the same commits give the same ids.
	GIT_COMMITTER_DATE="$FIRST_DATE +0000" \
		git -C "$1" cherry-pick "${commits[@]}" > "$work/words" 2>&1 ||
		die "a commit of the topic $2 needs a topic that patches/topics does not name for it; git says:
$(sed 's/^/  /' "$work/words")"
}

# pick_topic REPOSITORY: makes in REPOSITORY, a clone of the tree, the branch series with the
# commits of TOPIC, and the tag base below them: the base with the topics that TOPIC needs.
pick_topic() {
	local need

	commits_by_topic > "$work/by-topic"
	git -C "$1" checkout -q -B series "$BASE_COMMIT"
	for need in $NEEDS; do
		pick "$1" "$need"
	done
	git -C "$1" tag -f base > /dev/null
	pick "$1" "$TOPIC"
}

# check_size: dies if a patch of TOPIC, or all together, insert more lines than they may, or if
# there are too many. Counts in the repository that pick_topic made.
check_size() {
	local commit limit lines total=0 count=0

	while read -r commit limit; do
		lines=$(git -C "$1" diff --numstat --no-renames "$commit~" "$commit" |
			awk '{ lines += $1 } END { print lines + 0 }')
		total=$((total + lines))
		count=$((count + 1))
		[ "$lines" -le "$limit" ] || die "a patch of the topic $TOPIC inserts $lines lines, and may insert $limit: $(
			git -C "$1" show -s --format=%s "$commit")"
	done < <(paste -d ' ' <(git -C "$1" rev-list --reverse base..series) \
		<(awk -v topic="$TOPIC" '$1 == topic { print $2 }' "$work/by-topic"))
	[ $total -le "$MOST_LINES" ] ||
		die "the topic $TOPIC inserts $total lines, and may insert $MOST_LINES"
	[ $count -le "$MOST_PATCHES" ] ||
		die "the topic $TOPIC has $count patches, and may have $MOST_PATCHES"
	SIZE="$count patches, $total inserted lines (of $MOST_LINES)"
}
