# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests of series, which writes mail into $OUT: a stand-in for the upstream source,
# and functions that read the mail.  Tests source this in place of fake-base.sh, and
# begin with make_project.

# shellcheck source=lib/fake-base.sh
. "$(dirname "${BASH_SOURCE[0]}")/fake-base.sh"

export DM_CRYPT_MDU_CACHE="$WORK/cache"
BUILD="$WORK/a build"
ORIG=$DM_CRYPT_MDU_CACHE/upstream/linux_6.12.117.orig.tar.xz
OUT="$WORK/out"
COVER_TEXT=$REPOSITORY/patches/covers/units
unset SIGNOFF UPSTREAM FOR TOPIC

# series [NAME=VALUE...]: writes the mail into $OUT, made anew
series() {
	rm -rf "$OUT"
	series_to "$OUT" "$@"
}

# series_to OUT [NAME=VALUE...]: uses the stand-in for apt-get in $WORK/bin.  All commits are in
# one topic.
series_to() {
	env PATH="$WORK/bin:$PATH" TOPIC=units "${@:2}" "$REPOSITORY/rig/bin/series" 6.12 "$BUILD" "$1"
}

# make_project: sets up all that series needs, but no upstream source
make_project() {
	make_source
	make_repository
	mkdir -p "$WORK/bin" "${ORIG%/*}"
	printf '#!/bin/sh\nexit 100\n' > "$WORK/bin/apt-get"
	chmod +x "$WORK/bin/apt-get"
	cat > "$WORK/source/scripts/get_maintainer.pl" <<-'END'
	die "not at the top of a kernel\n" if (!-f "MAINTAINERS");
	open(my $patch, '<', $ARGV[-1]) or die "no patch\n";
	die "asked for fewer files\n" if (grep(/^\+\+\+ /, <$patch>) != 7);
	print grep(/^--no-l$/, @ARGV) ? "Pat O'Hara <pat\@example.org>\n" : "list\@example.org\n";
	END
	mkdir "${COVER_TEXT%/*}"
	# shellcheck disable=SC2016 # the text is literal
	printf '%s\n' 'crypto: take units' '' 'One line, "quoted" \n $HOME 100%.' '' \
		'-- two dashes' '---------------' 'A column:@r:c:on:6@' \
		'The end, in @r:c:on@ ns.' > "$COVER_TEXT"
	printf '%s\n' '# Topics.' 'units 20 4' '	crypto: skcipher - take many units' \
		'	dm crypt: use units' '	selftests: test units' '	MAINTAINERS: add units' |
		sed 's/^\\t/\t/' > "$REPOSITORY/patches/topics"
	sed -i '0,/^---$/s/^---$/It takes @r:c:on@ ns, as @dst: says: a@b.\n&/' \
		"$REPOSITORY/patches/6.12/0002-dm-crypt-use-units.patch"
	mkdir -p "$REPOSITORY/guide"
	echo '[{"name": "r", "unit": "ns", "cells": [{"name": "c", "on": 21.1}]}]' \
		> "$REPOSITORY/guide/performance.json"
	pack_source
	commit_repository 'cover letter'
}

# make_upstream: makes a kernel that is not Debian's: it has a README, and its .gitignore
# does not hide all files
make_upstream() {
	cp -r "$WORK/source" "$WORK/upstream"
	printf '*.o\n!.gitignore\n' > "$WORK/upstream/.gitignore"
	echo upstream > "$WORK/upstream/README"
	tar -cJf "$ORIG" -C "$WORK" upstream
	git -C "$WORK/upstream" init -q -b main
	git -C "$WORK/upstream" -c core.autocrlf=false add -A -f
	git -C "$WORK/upstream" commit -q -m 'upstream'
}

# notes_say LINE: succeeds if the cover letter has LINE below its first line '---'
notes_say() {
	sed '1,/^---$/d; /^-- $/,$d' "$OUT/0000-cover-letter.patch" | grep -xF -e "$1" || {
		cat "$OUT/0000-cover-letter.patch"
		return 1
	}
}

# applied TREE [COMMIT]: prints the tree that git am makes of the mail, on COMMIT or base
applied() {
	rm -rf "$WORK/applied"
	git clone -q -c core.autocrlf=false "$1" "$WORK/applied" 2> /dev/null
	git -C "$WORK/applied" reset -q --hard "${2:-base}"
	find "$OUT" -name '*.patch' ! -name '0000-*' | sort |
		xargs -d '\n' git -C "$WORK/applied" am -q --no-gpg-sign
	git -C "$WORK/applied" rev-parse 'HEAD^{tree}'
}

tree_of() {
	git -C "$BUILD/$1" rev-parse 'series^{tree}'
}
