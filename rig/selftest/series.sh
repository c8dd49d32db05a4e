#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that git am makes exactly the composed tree of the mail that series writes,
# that the mail names its true author, and that series leaves the user's files alone
# when it fails.
set -eu
. "$(dirname "$0")/lib/mail.sh"

ZOE='Zoë O'\''Neill <zoe@example.org>'
UPSTREAM_TREE=$BUILD/linux-upstream
COVER=$OUT/0000-cover-letter.patch
SECOND=$REPOSITORY/patches/6.12/0002-dm-crypt-use-units.patch
PATCHES='./0001-crypto-skcipher-take-many-units.patch ./0002-dm-crypt-use-units.patch
./0003-selftests-test-units.patch ./0004-MAINTAINERS-add-units.patch'

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

# Checks the real cover letters: short lines of ASCII, and no line that git am or mail takes
# for a separator, a header or the beginning of a diff.
cover_letters_are_mail() {
	local cover

	find "$TESTS/../../patches/covers" -type f | while IFS= read -r cover; do
		cover_letter_is_mail "$cover" || return
	done
}

cover_letter_is_mail() {
	awk '{ gsub(/@[^@ ]+:[^@ ]+:[^@ ]+@/, "1234") }
		length > 72 || /[^ -~]/ || /^(---([ \t].*)?$|-- $|diff -|Index: |From )|@[A-Z]+@/ {
			print FILENAME ": " FNR ": " $0
			bad = 1
		}
		NR == 2 && $0 != "" { print "the second line is not empty"; bad = 1 }
		END { exit bad || NR < 20 || NR > 120 }' "$1"
}

ktap_print_header
make_project
make_upstream

# The content of the mail.
succeeds 'there is mail' series
says 'it says which tree git am gives' "git am of them gives tree $(tree_of linux-upstream)"
says 'it says how to apply the patches' "git am '$OUT'/000[1-9]-*.patch"
says 'it says what the kernel asks of the sender' 'submitting-patches.rst'
says 'it says that they cannot be sent' 'They cannot be sent like this'
succeeds_quietly 'there are a cover letter and four patches' is_equal \
	"$(cd "$OUT" && find . -type f | sort | xargs)" "./0000-cover-letter.patch ${PATCHES//$'\n'/ }"
succeeds_quietly 'git am gives what was composed' \
	is_equal "$(applied "$UPSTREAM_TREE")" "$(tree_of linux-upstream)"
succeeds_quietly 'the cover letter has the subject, the text and the figure' is_equal \
	"$(sed -n '/^Subject/,/^---$/p' "$COVER")" \
	"Subject: [PATCH 0/4] crypto: take units

$(sed '1,2d; s/@r:c:on:6@/  21.1/; s/@r:c:on@/21.1/' "$COVER_TEXT")

---"
succeeds_quietly 'a message has its figure' grep -qx "It takes 21.1 ns, as @dst: says: a@b." "$OUT/0002-dm-crypt-use-units.patch"
succeeds_quietly 'no commit of this host alone is a base' fails grep -r '^base-commit' "$OUT"
succeeds_quietly 'maintainers are in the notes' notes_say "To: Pat O'Hara <pat@example.org>"
succeeds_quietly 'lists are in the notes' notes_say 'Cc: list@example.org'
says 'maintainers are in the command for sending' "'--to=Pat O'\\''Hara <pat@example.org>' \\"
says 'lists are in that command, too' "'--cc=list@example.org' \\"
succeeds_quietly 'no header of a mail names them' fails grep -E '^(To|Cc):' \
	<(find "$OUT" -name '*.patch' -exec sed '/^$/q' {} +)
succeeds_quietly 'no path of the machine is in it' fails grep -rF -e "$WORK" "$OUT"
succeeds_quietly 'nobody signed off' fails grep -r '^Signed-off-by' "$OUT"
succeeds_quietly 'the notes say so' notes_say \
	'Nobody signed these patches off. They are for review, and not to be'
succeeds_quietly 'the patches are from nobody' is_equal \
	"$(files_with 'From: dm-crypt-mdu series <dm-devel@lists.linux.dev>' | wc -l)" 5
cp -r "$OUT" "$WORK/first"
succeeds 'the mail is made a second time' series
succeeds_quietly 'it is the same' diff -r "$WORK/first" "$OUT"

# The author of the mail.
head=$(git -C "$UPSTREAM_TREE" rev-parse HEAD)
succeeds 'a person can sign off' series SIGNOFF="$ZOE"
says 'it says how to send them' 'To send it:'
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

STATE=out
for signoff in Zoe '<zoe@example.org>' 'Zoe <zoe>' 'Zoe <zoe@example.org> x' 'Zoe
X <zoe@example.org>' 'Zoe <dm-devel@lists.linux.dev>' 'dm-crypt-mdu series <zoe@example.org>'; do
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
for out in 'an empty one' 'deep/er'; do
	succeeds "patches go to: $out" series_to "$WORK/$out"
	succeeds_quietly 'they are there' test -e "$WORK/$out/0000-cover-letter.patch"
done

# Series that cannot be mailed.
echo edit >> "$UPSTREAM_TREE/README"
refuses_series 'uncommitted edits are refused' 'uncommitted edits'
git -C "$UPSTREAM_TREE" -c core.autocrlf=false commit -qam 'mine'
refuses_series 'commits that are not in the repository are refused' 'not in the repository: fold'
git -C "$UPSTREAM_TREE" -c core.autocrlf=false reset -q --hard HEAD~
sed -i '1s/Subject: /&[cut by git am] /' "$SECOND"
sed -i 's/dm crypt/[cut by git am] &/' "$REPOSITORY/patches/topics"
refuses_series 'a subject that does not survive mail is refused' 'mail loses or changes'
restore
printf 'int units;\r\n' > "$REPOSITORY/crypto/units.c"
refuses_series 'a file that mail changes is refused' 'mail loses or changes'
restore
printf '#!/bin/sh\nexit 1\n' > "$WORK/bin/cp"
chmod +x "$WORK/bin/cp"
refuses_series 'patches that cannot be written are an error' 'could not be written'
rm "$WORK/bin/cp"
sed -i 's/@r:c:on@/@r:c:off@/' "$COVER_TEXT"
refuses_series 'a missing figure of the cover letter is an error' 'cannot be filled in'
restore
sed -i 's/@r:c:on@/@r:c:off@/' "$SECOND"
refuses_series 'so is one of a message' 'figures of a message cannot be filled in'
restore
mv "$COVER_TEXT" "$WORK/text"
refuses_series 'a missing cover letter is an error' 'the text of the cover letter'
mv "$WORK/text" "$COVER_TEXT"

# Mails of many topics.
printf '%s\n' '# Topics.' 'ciphers 20 2' '	crypto: skcipher - take many units' '	of another base' \
	'users 20 2 ciphers' '	dm crypt: use units' '	3 selftests: test units' \
	'others 20 1' '	MAINTAINERS: add units' > "$REPOSITORY/patches/topics"
for topic in ciphers users others; do
	sed "1s/units/$topic/" "$COVER_TEXT" > "${COVER_TEXT%/*}/$topic"
done
commit_repository 'topics'
succeeds 'each topic has a mail' series TOPIC=
says 'together they give what was composed' "git am of all gives tree $(tree_of linux-upstream)"
says 'it says what to apply first' "To apply it, after ciphers:"
succeeds_quietly 'each mail has its letter and its patches' is_equal \
	"$(cd "$OUT" && find . -type f | sort | xargs)" "./ciphers/0000-cover-letter.patch \
./ciphers/0001-crypto-skcipher-take-many-units.patch ./others/0000-cover-letter.patch \
./others/0001-MAINTAINERS-add-units.patch ./users/0000-cover-letter.patch \
./users/0001-dm-crypt-use-units.patch ./users/0002-selftests-test-units.patch"
succeeds_quietly 'the letter says so, too' grep -qx 'Apply ciphers first.' \
	"$OUT/users/0000-cover-letter.patch"
mv "$OUT" "$WORK/all"
succeeds 'one topic can be mailed' series TOPIC=users
succeeds_quietly 'its mail is the same' diff -r "$WORK/all/users" "$OUT"
refuses_series 'another topic is refused' "no topic 'nothing' in patches/topics, which has: ciphers users others" \
	TOPIC=nothing
for change in 's/3 selftests/1 selftests/:may insert 1: selftests: test units' \
	's/^users 20/users 3/:users inserts 4 lines, and may insert 3' \
	's/^users 20 2/users 20 1/:users has 2 patches, and may have 1' \
	'/use units/d:the commit "dm crypt: use units" is in no topic' \
	'/MAINTAINERS/s/MAIN/main/:the commit "MAINTAINERS: add units" is in no topic'; do
	sed -i "${change%%:*}" "$REPOSITORY/patches/topics"
	refuses_series "refused: ${change#*:}" "${change#*:}" TOPIC=users
	restore
done
succeeds_quietly 'the real cover letters can be sent as mail' cover_letters_are_mail
finish
