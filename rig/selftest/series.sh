#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that git am makes exactly the composed tree of the mail that series writes,
# that the mail names its true author and the source that it is made against, and that
# series leaves the user's files alone when it fails.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

export DM_CRYPT_MDU_CACHE="$WORK/cache"
unset SIGNOFF UPSTREAM FOR
BUILD="$WORK/a build"
OUT="$WORK/out"
ORIG=$DM_CRYPT_MDU_CACHE/upstream/linux_6.12.117.orig.tar.xz
UPSTREAM_TREE=$BUILD/linux-upstream
ZOE='Zoë O'\''Neill <zoe@example.org>'
COVER=$OUT/0000-cover-letter.patch
SECOND=$REPOSITORY/patches/6.12/0002-dm-crypt-use-units.patch
PATCHES='./0001-crypto-skcipher-take-many-units.patch ./0002-dm-crypt-use-units.patch
./0003-selftests-test-units.patch ./0004-MAINTAINERS-add-units.patch'

# series [NAME=VALUE...]: writes the mail into $OUT, made anew
series() {
	rm -rf "$OUT"
	series_to "$OUT" "$@"
}

# series_to OUT [NAME=VALUE...]: uses the stand-in for apt-get in $WORK/bin
series_to() {
	env PATH="$WORK/bin:$PATH" "${@:2}" "$REPOSITORY/rig/bin/series" 6.12 "$BUILD" "$1"
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
	# shellcheck disable=SC2016 # the text is literal
	printf '%s\n' 'crypto: take units' '' 'One line, "quoted" \n $HOME 100%.' '' \
		'-- two dashes' '---------------' 'The end, in @r:c:on@ ns.' > "$REPOSITORY/patches/cover-letter"
	sed -i '0,/^---$/s/^---$/It takes @r:c:on@ ns, as @dst: says: a@b.\n&/' "$SECOND"
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
	sed '1,/^---$/d; /^-- $/,$d' "$COVER" | grep -xF -e "$1" || {
		cat "$COVER"
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

# out: prints the names of the files in $OUT; after a refusal there must be none
out() {
	ls -A "$OUT" 2> /dev/null || true
}

# refuses_series DESCRIPTION WORDS [NAME=VALUE...]
refuses_series() {
	rm -rf "$OUT"
	refuses "$1" "$2" series_to "$OUT" "${@:3}"
}

# files_with LINE: prints the files of the mail that have LINE
files_with() {
	(cd "$OUT" && grep -rlxF -e "$1" . | sort)
}

# Checks the real cover letter: short lines of ASCII, and no line that git am or mail takes
# for a separator, a header or the beginning of a diff.
cover_letter_is_mail() {
	awk '{ gsub(/@[^@ ]+:[^@ ]+:[^@ ]+@/, "1234") }
		length > 72 || /[^ -~]/ || /^(---([ \t].*)?$|-- $|diff -|Index: |From )|@[A-Z]+@/ {
			print FILENAME ": " FNR ": " $0
			bad = 1
		}
		NR == 2 && $0 != "" { print "the second line is not empty"; bad = 1 }
		END { exit bad || NR < 20 || NR > 120 }' "$TESTS/../../patches/cover-letter"
}

ktap_print_header
make_project
STATE=out
refuses_series 'without the upstream source there is no mail' \
	"(tried: linux-source-6.12 6.12.117-1; Debian's index could not be fetched)"
make_upstream

# The content of the mail.
succeeds 'with the upstream source there is mail' series
succeeds_quietly 'there are a cover letter and four patches' is_equal \
	"$(cd "$OUT" && find . -type f | sort | xargs)" "./0000-cover-letter.patch ${PATCHES//$'\n'/ }"
succeeds_quietly 'git am gives what was composed' \
	is_equal "$(applied "$UPSTREAM_TREE")" "$(tree_of linux-upstream)"
succeeds_quietly 'the tree is upstream' test -e "$UPSTREAM_TREE/README"
succeeds_quietly 'the notes name the kernel' notes_say \
	'Made against Linux 6.12.117, the upstream source as Debian packages it:'
succeeds_quietly 'they have its checksum' notes_say "sha256 $(sha256sum < "$ORIG" | cut -d ' ' -f 1)"
succeeds_quietly 'the cover letter has the subject, the text and the figure' is_equal \
	"$(sed -n '/^Subject/,/^---$/p' "$COVER")" \
	"Subject: [PATCH 0/4] crypto: take units

$(sed '1,2d; s/@r:c:on@/21.1/' "$REPOSITORY/patches/cover-letter")

---"
succeeds_quietly 'a message has its figure' grep -qx "It takes 21.1 ns, as @dst: says: a@b." "$OUT/0002-dm-crypt-use-units.patch"
succeeds_quietly 'no commit of this host alone is a base' fails grep -r '^base-commit' "$OUT"
succeeds_quietly 'maintainers are in the notes' notes_say "To: Pat O'Hara <pat@example.org>"
succeeds_quietly 'lists are in the notes' notes_say 'Cc: list@example.org'
succeeds_quietly 'no header of a mail names them' fails grep -E '^(To|Cc):' \
	<(find "$OUT" -name '*.patch' -exec sed '/^$/q' {} +)
succeeds_quietly 'no path of the machine is in it' fails grep -rF -e "$WORK" "$OUT"
succeeds_quietly 'nobody signed off' fails grep -r '^Signed-off-by' "$OUT"
succeeds_quietly 'the patches are from nobody' is_equal \
	"$(files_with 'From: dm-crypt-mdu series <dm-devel@lists.linux.dev>' | wc -l)" 5
cp -r "$OUT" "$WORK/first"
succeeds 'the mail is made a second time' series
succeeds_quietly 'it is the same' diff -r "$WORK/first" "$OUT"

# The author of the mail.
head=$(git -C "$UPSTREAM_TREE" rev-parse HEAD)
succeeds 'a person can sign off' series SIGNOFF="$ZOE"
succeeds_quietly 'each patch is signed off, and not the cover letter' \
	is_equal "$(files_with "Signed-off-by: $ZOE" | xargs)" "${PATCHES//$'\n'/ }"
applied "$UPSTREAM_TREE" > /dev/null
succeeds_quietly 'git am gives the same tree, but for the maintainer' is_equal \
	"$(git -C "$WORK/applied" diff -U0 "$head" | sed -n 's/^[-+]\([^-+]\)/\1/p')" \
	"$(printf 'M:\t%s\nS:\tOrphan\nS:\tMaintained' "$ZOE")"
succeeds_quietly 'that person is the author' is_equal \
	"$(git -C "$WORK/applied" log -4 --format='%an <%ae>' | sort -u)" "$ZOE"
succeeds_quietly 'the message is kept' is_equal \
	"$(git -C "$WORK/applied" show -s --format=%B HEAD~3)" \
	"$(git -C "$UPSTREAM_TREE" show -s --format=%B HEAD~3)
Signed-off-by: $ZOE"
succeeds_quietly 'nobody else is named' fails grep -r 'dm-crypt-mdu series\|Nobody signed' "$OUT"
succeeds_quietly 'the composed tree keeps its commits' \
	is_equal "$(git -C "$UPSTREAM_TREE" rev-parse HEAD)" "$head"
for signoff in Zoe 'Zoe <zoe>' $'Zoe\nX <zoe@example.org>' 'Zoe <dm-devel@lists.linux.dev>'; do
	refuses_series "'${signoff/$'\n'/ }' is no person" "SIGNOFF='$signoff'" SIGNOFF="$signoff"
done

# The output directory.
mkdir "$WORK/used"
echo mine > "$WORK/used/.file"
refuses 'a directory that is not empty is refused' 'is not empty' series_to "$WORK/used"
succeeds_quietly 'it is untouched' is_equal \
	"$(ls -A "$WORK/used")$(cat "$WORK/used/.file")" '.filemine'
refuses 'a file is refused' 'is not a directory' series_to "$WORK/used/.file"
refuses 'no name is refused' 'OUT=dir' series_to ''
mkdir "$WORK/an empty one"
succeeds 'patches go to a directory in an empty one' series_to "$WORK/an empty one/out"
succeeds_quietly 'they are there' test -e "$WORK/an empty one/out/0000-cover-letter.patch"

# Series that cannot be mailed.
echo edit >> "$UPSTREAM_TREE/README"
refuses_series 'uncommitted edits are refused' 'uncommitted edits'
git -C "$UPSTREAM_TREE" -c core.autocrlf=false commit -qam 'mine'
refuses_series 'commits that are not in the repository are refused' 'not in the repository: fold'
git -C "$UPSTREAM_TREE" -c core.autocrlf=false reset -q --hard HEAD~
sed -i '1s/Subject: /&[cut by git am] /' "$SECOND"
refuses_series 'a subject that does not survive mail is refused' 'mail loses or changes'
restore
printf 'int units;\r\n' > "$REPOSITORY/crypto/units.c"
refuses_series 'a file that mail changes is refused' 'mail loses or changes'
restore
sed -i 's/@r:c:on@/@r:c:off@/' "$REPOSITORY/patches/cover-letter"
refuses_series 'a missing figure of the cover letter is an error' 'cannot be filled in'
restore
sed -i 's/@r:c:on@/@r:c:off@/' "$SECOND"
refuses_series 'so is one of a message' 'figures of a message cannot be filled in'
restore

# Mail against other sources.
succeeds "FOR=debian takes Debian's kernel" series FOR=debian
succeeds_quietly 'the notes name the kernel' notes_say \
	'Made against Linux 6.12.117 as Debian has it, linux-source-6.12:'
succeeds_quietly 'git am gives what was composed' \
	is_equal "$(applied "$BUILD/linux")" "$(tree_of linux)"
refuses_series 'FOR=debian with UPSTREAM is refused' 'contradict' \
	FOR=debian UPSTREAM="$WORK/upstream"
refuses_series 'another UPSTREAM than the tree was made from is refused' \
	'made from another source' UPSTREAM="$WORK/upstream"
rm -rf "$UPSTREAM_TREE"
succeeds 'UPSTREAM can be a git tree' series UPSTREAM="$WORK/upstream"
succeeds_quietly 'its commit is the base' notes_say \
	"base-commit: $(git -C "$WORK/upstream" rev-parse HEAD)"
succeeds_quietly 'git am in that tree gives what was composed' \
	is_equal "$(applied "$WORK/upstream" HEAD)" "$(tree_of linux-upstream)"
rm -rf "$UPSTREAM_TREE"
echo 'README export-ignore' > "$WORK/upstream/.gitattributes"
printf '%s\n' 'die "broken\n";' > "$WORK/upstream/scripts/get_maintainer.pl"
git -C "$WORK/upstream" add -A
git -C "$WORK/upstream" commit -q -m 'attributes'
succeeds 'UPSTREAM can be a git tree that exports fewer files' series UPSTREAM="$WORK/upstream"
says 'a get_maintainer.pl that fails is no obstacle' 'no recipients are listed'
succeeds_quietly 'its commit is not called the base' fails grep -rq '^base-commit' "$OUT"
succeeds_quietly 'the notes name the exported tree' \
	notes_say "$(git -C "$UPSTREAM_TREE" rev-parse 'base^{tree}')"
succeeds_quietly 'the real cover letter can be sent as mail' cover_letter_is_mail
finish
