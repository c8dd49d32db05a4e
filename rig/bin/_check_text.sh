# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # shared with check-series
#
# The part "text" of check-series.

# The warnings of checkpatch.pl to ignore:
# MISSING_SIGN_OFF: a person signs off when sending the patches.
# FILE_PATH_CHANGES: asks each commit that adds a file to change MAINTAINERS. The commit
# of the selftests adds the entry for all files, and all_maintained checks the entry.
# UNKNOWN_COMMIT_ID: checkpatch.pl looks up the commit of "Fixes:" in the history, which a
# composed tree does not have.
# MISSING_FIXES_TAG: some fixes tell how far back they apply, but not which commit brought the
# bug, because nobody is certain of it. "make series" names these fixes.
IGNORE=MISSING_SIGN_OFF,FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID,MISSING_FIXES_TAG

checkpatch_clean() {
	cd "$TREE" && perl scripts/checkpatch.pl --strict --no-summary --quiet \
		--ignore "$IGNORE" --git "$1"
}

# extract COMMIT FILE...: writes the files as they are in COMMIT to $TEXT/COMMIT.
extract() {
	mkdir -p "$TEXT/$1"
	[ $# -eq 1 ] || in_tree archive "$1" -- "${@:2}" | tar -x -C "$TEXT/$1"
}

# kernel_doc COMMIT OPTIONS FILE...: runs kernel-doc on files that extract wrote.
kernel_doc() {
	[ $# -gt 2 ] || return 0
	# shellcheck disable=SC2086 # OPTIONS are words
	(cd "$TEXT/$1" && "$TREE/scripts/kernel-doc" $2 "${@:3}" 2>&1) || true
}

# public_names FILE...: prints the names that new files offer to other parts of the kernel:
# functions, structs, unions and enums in a header of include/, and the functions that a
# source exports. Names that begin with an underscore are not for others.
public_names() {
	local file

	for file in "$@"; do
		case $file in
		include/*.h)
			sed -nE -e '/^(typedef|#)/d' -e 's/^(struct|union|enum) (\w+) \{.*/\2/p' \
				-e 's/^([a-z][a-z0-9_ *]*[ *])?([a-z]\w*)\(.*/\2/p' "$TEXT/$TIP/$file" ;;
		*.c)
			sed -nE 's/^EXPORT_SYMBOL\w*\(([a-z]\w*).*/\1/p' "$TEXT/$TIP/$file" ;;
		esac
	done
}

kernel_doc_clean() {
	local file new=() known=() status=0

	while IFS= read -r file; do
		if is_new "$file"; then
			new+=("$file")
		else
			known+=("$file")
		fi
	done < <(touched_sources base "$TIP" '*.c' '*.h')
	extract base "${known[@]}"
	extract "$TIP" "${known[@]}" "${new[@]}"
	new_warnings <(kernel_doc base -none "${known[@]}") \
		<(kernel_doc "$TIP" -none "${known[@]}") && status=1
	kernel_doc "$TIP" '-none -Wall' "${new[@]}" | grep -E 'warning:|error:' && status=1
	comm -23 <(public_names "${new[@]}" | sort -u) \
		<(kernel_doc "$TIP" -rst "${new[@]}" |
			sed -nE 's/^\.\. c:[a-z]+:: ([^(]*[ *])?([A-Za-z0-9_]+) ?(\(.*)?$/\2/p' | sort -u) |
		sed 's/$/ has no kernel-doc/' | grep . && status=1
	return "$status"
}

# all_maintained: fails if no F: line covers a new file. Uses the patterns of MAINTAINERS as
# pathspecs of git, which match the same files.
all_maintained() {
	local covered missing

	# The maintainers of a driver, or of the ciphers, also maintain new files beside these.
	mapfile -t covered < <({
		in_tree show "$TIP:MAINTAINERS" | TITLE=$(head -n 1 "$ROOT/MAINTAINERS") awk '
			$0 == ENVIRON["TITLE"] { ours = 1 }
			$0 == "" { ours = 0 }
			ours && sub(/^F:[ \t]*/, "") { print }'
		in_tree show base:MAINTAINERS |
			sed -nE 's#^F:[[:space:]]*(drivers/[^/]+/[^/]+/|arch/\*/crypto/)$#\1#p'
	} | sed 's/^/:(exclude,glob)/; s|/$|/**|')
	missing=$(in_tree -c core.quotePath=false diff --no-renames --name-only --diff-filter=A \
		base "$TIP" -- . "${covered[@]}")
	[ -z "$missing" ] || {
		echo "no F: line of the series, or of a driver, covers: ${missing//$'\n'/ }"
		return 1
	}
}

check_text() {
	local commit

	TIP=${COMMITS[-1]}
	TEXT=$(mktemp -d)
	trap 'rm -rf "$TEXT"' EXIT
	for commit in "${COMMITS[@]}"; do
		result "checkpatch: $(subject_of "$commit")" checkpatch_clean "$commit" || true
	done
	result "kernel-doc" kernel_doc_clean || true
	result "MAINTAINERS covers every new file" all_maintained || true
}
