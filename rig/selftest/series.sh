#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that git am makes exactly the composed tree of the mail that series writes,
# that the mail names its true author, and that series leaves the user's files alone
# when it fails.
set -eu
. "$(dirname "$0")/lib/mail.sh"

ZOE='Zoë O'\''Neill <zoe@example.org>'

# break_message SUBJECT: gives the second patch a subject that mail does not carry
break_message() {
	sed -i "1s/.*/Subject: $1/" "$REPOSITORY/patches/6.12/0002-dm-crypt-use-units.patch"
}

restore() {
	git -C "$REPOSITORY" -c core.autocrlf=false reset -q --hard
}

nothing_left() {
	[ ! -e "$OUT" ]
}

# refuses_signoff SIGNOFF DESCRIPTION
refuses_signoff() {
	refuses "$2" "SIGNOFF='$1'" series SIGNOFF="$1"
	succeeds_quietly 'nothing is written' nothing_left
}

# The real cover letter is short lines of ASCII, none of which git am or mail takes for
# something else.
cover_letter_is_mail() {
	awk 'length > 72 || /[^ -~]/ || /^(---([ \t].*)?$|-- $|diff -|Index: |From )|@[A-Z]+@/ {
			print FILENAME ": " FNR ": " $0
			bad = 1
		}
		NR == 2 && $0 != "" { print "the second line is not empty"; bad = 1 }
		END { exit bad || NR < 20 || NR > 120 }' "$TESTS/../../patches/cover-letter"
}

ktap_print_header
ktap_set_plan 71
make_project
make_upstream

# The content of the mail.
succeeds 'there is mail' series
says 'it says which tree git am gives' "git am of them gives tree $(tree_of linux-upstream)"
says 'it says how to apply the patches' "git am '$OUT'/000[1-9]-*.patch"
says 'it says what the kernel asks of the sender' 'submitting-patches.rst'
says 'it says that they cannot be sent' 'They cannot be sent like this'
succeeds_quietly 'a tool that the tree has no rules for is not mentioned' \
	fails grep -q Assisted-by "$OUTPUT"
succeeds_quietly 'there are a cover letter and four patches' is_equal \
	"$(files)" "./0000-cover-letter.patch \
./0001-crypto-skcipher-take-many-units.patch ./0002-dm-crypt-use-units.patch \
./0003-selftests-test-units.patch ./0004-MAINTAINERS-add-units.patch "
succeeds_quietly 'they are numbered' is_equal \
	"$(subjects)" 'PATCH 0/4 PATCH 1/4 PATCH 2/4 PATCH 3/4 PATCH 4/4 '
succeeds_quietly 'git am gives what was composed' \
	is_equal "$(applied "$BUILD/linux-upstream")" "$(tree_of linux-upstream)"
succeeds_quietly 'the patches have blob ids' is_equal \
	"$(grep -cE '^index [0-9a-f]{12}\.\.[0-9a-f]{12}' "$OUT/0002-dm-crypt-use-units.patch")" 2
succeeds_quietly 'the cover letter has the subject of the text' \
	grep -qx 'Subject: \[PATCH 0/4\] crypto: take units' "$OUT/0000-cover-letter.patch"
# shellcheck disable=SC2016 # the text is literal
succeeds_quietly 'it has the text' cover_says 'One line, "quoted" \n $HOME 100%.'
succeeds_quietly 'it has the last line of the text' cover_says 'The end.'
succeeds_quietly 'it has the list of patches' cover_says '  dm crypt: use units'
succeeds_quietly 'it has the diffstat' cover_says \
	' 7 files changed, 12 insertions(+), 2 deletions(-)'
succeeds_quietly 'no commit of a tree that nobody has is a base' \
	fails grep -rq '^base-commit' "$OUT"
succeeds_quietly 'maintainers are in the notes' notes_say "To: Pat O'Hara <pat@example.org>"
succeeds_quietly 'lists are in the notes' notes_say 'Cc: list@example.org'
says 'they are in the command that sends it' "--to='Pat O'\\''Hara <pat@example.org>' \\"
says 'so are the lists' "--cc='list@example.org' \\"
succeeds_quietly 'no header of a mail names them' \
	fails grep -qE '^(To|Cc):' <(headers)
succeeds_quietly 'no path of the machine is in it' fails grep -rqF -e "$WORK" "$OUT"
succeeds_quietly 'nobody signed off' fails grep -rq '^Signed-off-by' "$OUT"
succeeds_quietly 'the notes say so' notes_say \
	'Nobody signed these patches off. They are for review, and not to be'
succeeds_quietly 'the patches are from nobody' is_equal \
	"$(headers | grep '^From: ' | sort -u)" 'From: dm-crypt-mdu series <dm-devel@lists.linux.dev>'
cp -r "$OUT" "$WORK/first"
succeeds 'the same again' series
succeeds_quietly 'is the same' diff -r "$WORK/first" "$OUT"

# The author of the mail.
head=$(git -C "$BUILD/linux-upstream" rev-parse HEAD)
succeeds 'a person can sign off' series SIGNOFF="$ZOE"
succeeds_quietly 'each patch is signed off, and not the cover letter' is_equal \
	"$(cd "$OUT" && grep -rlxF -e "Signed-off-by: $ZOE" . | sort | tr '\n' ' ')" \
	"$(files | sed 's|[^ ]*cover-letter.patch ||')"
applied "$BUILD/linux-upstream" > /dev/null
succeeds_quietly 'git am gives the same tree, but for the maintainer' is_equal \
	"$(git -C "$WORK/applied" diff -U0 "$head" | sed -n 's/^[-+]\([^-+]\)/\1/p')" \
	"$(printf 'M:\t%s\nS:\tOrphan\nS:\tMaintained' "$ZOE")"
succeeds_quietly 'that person is the author' is_equal \
	"$(git -C "$WORK/applied" log -4 --format='%an <%ae>' | sort -u)" "$ZOE"
succeeds_quietly 'the message is kept' is_equal \
	"$(git -C "$WORK/applied" show -s --format=%B HEAD~3)" \
	"$(git -C "$BUILD/linux-upstream" show -s --format=%B HEAD~3)
Signed-off-by: $ZOE"
succeeds_quietly 'nobody else is named' fails grep -rq 'dm-crypt-mdu series' "$OUT"
succeeds_quietly 'the notes do not say that nobody signed off' \
	fails grep -rq 'Nobody signed' "$OUT"
says 'it says how to send them' 'To send them:'
succeeds_quietly 'the composed tree keeps its commits' is_equal \
	"$(git -C "$BUILD/linux-upstream" rev-parse HEAD)" "$head"
refuses_signoff 'Zoe' 'a name without an address is refused'
refuses_signoff '<zoe@example.org>' 'an address without a name is refused'
refuses_signoff 'Zoe <zoe>' 'an address that is none is refused'
refuses_signoff 'Zoe <zoe@example.org> x' 'a word too many is refused'
refuses_signoff 'Zoe
X <zoe@example.org>' 'a second line is refused'
refuses_signoff 'Zoe <dm-devel@lists.linux.dev>' 'the address of a list is refused'
refuses_signoff 'dm-crypt-mdu series <zoe@example.org>' 'the name of nobody is refused'

# The output directory.
mkdir "$WORK/used"
echo mine > "$WORK/used/.file"
refuses 'a directory that is not empty is refused' 'is not empty' series_to "$WORK/used"
succeeds_quietly 'it is untouched' is_equal \
	"$(ls -A "$WORK/used")$(cat "$WORK/used/.file")" '.filemine'
refuses 'a file is refused' 'is not a directory' series_to "$WORK/used/.file"
refuses 'no name is refused' 'OUT=dir' series_to ''
mkdir "$WORK/an empty one"
succeeds 'an empty directory is taken' series_to "$WORK/an empty one"
succeeds_quietly 'the patches are in it' test -e "$WORK/an empty one/0000-cover-letter.patch"
succeeds 'a directory below one that does not exist is made' series_to "$WORK/deep/er"
succeeds_quietly 'the patches are in it' test -e "$WORK/deep/er/0000-cover-letter.patch"

# Series that cannot be mailed.
echo edit >> "$BUILD/linux-upstream/README"
refuses 'uncommitted edits are refused' 'uncommitted edits' series
git -C "$BUILD/linux-upstream" -c core.autocrlf=false commit -qam 'mine'
refuses 'commits that are not in the repository are refused' 'not in the repository: fold' series
succeeds_quietly 'nothing is written' nothing_left
git -C "$BUILD/linux-upstream" -c core.autocrlf=false reset -q --hard HEAD~
break_message 'x: a subject [that git am cuts'
sed -i '2s/.*/\nFrom: Mallory <m@example.org>\n/' \
	"$REPOSITORY/patches/6.12/0002-dm-crypt-use-units.patch"
refuses 'a message that does not survive mail is refused' 'other messages' series
succeeds_quietly 'nothing is written' nothing_left
restore
sed -i '2s/.*/\ndiff --git a\/x b\/x\n/' "$REPOSITORY/patches/6.12/0002-dm-crypt-use-units.patch"
refuses 'a message that is taken for a patch is refused' 'git am does not take' series
succeeds_quietly 'nothing is written' nothing_left
restore
printf 'int units;\r\n' > "$REPOSITORY/crypto/units.c"
refuses 'a file that mail changes is refused' 'changed on its way' series
succeeds_quietly 'nothing is written' nothing_left
restore
printf '#!/bin/sh\nexit 1\n' > "$WORK/bin/cp"
chmod +x "$WORK/bin/cp"
refuses 'patches that cannot be written are an error' 'could not be written' series
succeeds_quietly 'nothing is left of them' nothing_left
rm "$WORK/bin/cp"
mv "$REPOSITORY/patches/cover-letter" "$WORK/cover-letter"
refuses 'a cover letter that is not there is missed' 'the text of the cover letter' series
mv "$WORK/cover-letter" "$REPOSITORY/patches/cover-letter"

succeeds_quietly 'cover letters are as mail has to be' cover_letter_is_mail
ktap_finished
