# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # shared with check-series
#
# The part "docs" of check-series.

# make_docs COMMIT WARNINGS: builds the documents of COMMIT, and writes the warnings to the
# file WARNINGS. Builds all of them anew, because Sphinx warns only about files that it reads.
make_docs() {
	go_to "$1"
	rm -rf "$BUILD"
	mkdir -p "$BUILD"
	kernel_make "$2.log" htmldocs "SPHINXDIRS=${DIRECTORIES[*]}" || return
	grep -E 'WARNING|ERROR|CRITICAL|SEVERE|[Ww]arning:|[Ee]rror:' "$2.log" |
		sed -E "s|$WORKTREE/||g; s|(\.\./)+||g" > "$2" || true
}

docs_clean() {
	local document status=0

	make_docs base "$LOGS/base" || return
	make_docs "${COMMITS[-1]}" "$LOGS/series" || return
	new_warnings "$LOGS/base" "$LOGS/series" && status=1
	for document in "${DOCUMENTS[@]#Documentation/}"; do
		[ -s "$BUILD/Documentation/output/${document%.rst}.html" ] || {
			echo "Documentation/$document is not in the output"
			status=1
		}
	done
	return "$status"
}

check_docs() {
	BUILD=$WORKTREE/.docs
	mapfile -t DOCUMENTS < <(touched base "${COMMITS[-1]}" 'Documentation/*.rst')
	if [ ${#DOCUMENTS[@]} -eq 0 ]; then
		ktap_test_skip "documentation: no commit touches a document"
		return
	fi
	# make htmldocs takes directories, each with an index.rst, and not documents.
	mapfile -t DIRECTORIES < <(dirname "${DOCUMENTS[@]#Documentation/}" | sort -u)
	result "documentation of ${DIRECTORIES[*]}" docs_clean || true
}
