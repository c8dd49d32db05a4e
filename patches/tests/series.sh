#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that series writes mail that git am takes for exactly what was composed,
# says truthfully what it was made against and who it is from, and leaves the
# user's files alone when it cannot.
set -eu
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$(dirname "$0")/lib/fake-base.sh"

export DM_CRYPT_MDU_CACHE="$WORK/cache"
BUILD="$WORK/a build"
ORIG=$DM_CRYPT_MDU_CACHE/upstream/linux_6.12.117.orig.tar.xz
OUT="$WORK/out"
ZOE='Zoë O'\''Neill <zoe@example.org>'
unset SIGNOFF UPSTREAM FOR

# series [NAME=VALUE...]: into $OUT, which is made anew.
series() {
	rm -rf "$OUT"
	series_to "$OUT" "$@"
}

# No machine's apt has a say in this.
series_to() {
	local out=$1
	shift
	env PATH="$WORK/bin:$PATH" "$@" "$REPOSITORY/patches/bin/series" 6.12 "$BUILD" "$out"
}

make_stand_ins() {
	mkdir -p "$WORK/bin" "${ORIG%/*}"
	printf '#!/bin/sh\nexit 100\n' >"$WORK/bin/apt-cache"
	chmod +x "$WORK/bin/apt-cache"
	cat >"$WORK/source/scripts/get_maintainer.pl" <<-'END'
	die "not at the top of a kernel\n" if (!-f "MAINTAINERS");
	die "asked for the cover letter\n" if (grep(/0000-/, @ARGV));
	die "asked for 3 of 4\n" if (grep(/\.patch$/, @ARGV) != 4);
	if (grep(/^--no-l$/, @ARGV)) {
		print "Pat O'Hara <pat\@example.org>\n";
	} else {
		print "list\@example.org\n";
	}
	END
	cat >"$REPOSITORY/patches/cover-letter" <<-'END'
	crypto: take units

	One line, "quoted" \n $HOME 100%.

	-- two dashes
	---------------
	The end.
	END
}

# A kernel that is not Debian's: other files, and nothing hidden by .gitignore.
make_upstream() {
	cp -r "$WORK/source" "$WORK/upstream"
	printf '*.o\n!.gitignore\n' >"$WORK/upstream/.gitignore"
	echo upstream >"$WORK/upstream/README"
	tar -cJf "$ORIG" -C "$WORK" upstream
	git -C "$WORK/upstream" init -q -b main
	git -C "$WORK/upstream" -c core.autocrlf=false add -A -f
	git -C "$WORK/upstream" commit -q -m 'upstream'
}

files() {
	(cd "$OUT" && find . -type f | sort | tr '\n' ' ')
}

subjects() {
	find "$OUT" -name '*.patch' | sort |
		xargs -d '\n' sed -n 's/^Subject: \[\([^]]*\)\].*/\1/p' | tr '\n' ' '
}

headers() {
	find "$OUT" -name '*.patch' -exec sed '/^$/q' {} +
}

# The notes are what is below the only line that is '---'.
notes() {
	sed '1,/^---$/d; /^-- $/,$d' "$OUT/0000-cover-letter.patch"
}

notes_say() {
	notes | grep -qxF -e "$1" || {
		notes
		return 1
	}
}

cover_says() {
	sed '/^---$/,$d' "$OUT/0000-cover-letter.patch" | grep -qxF -e "$1"
}

# applied TREE: the tree that git am makes of the files, on the base of TREE.
applied() {
	rm -rf "$WORK/applied"
	git clone -q -c core.autocrlf=false "$1" "$WORK/applied" 2>/dev/null
	git -C "$WORK/applied" reset -q --hard "${2:-base}"
	find "$OUT" -name '*.patch' ! -name '0000-*' | sort |
		xargs -d '\n' git -C "$WORK/applied" am -q --no-gpg-sign
	git -C "$WORK/applied" rev-parse 'HEAD^{tree}'
}

tree_of() {
	git -C "$BUILD/$1" rev-parse 'series^{tree}'
}

# A patch's message that mail would not carry, in place of the second's.
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

# The real one, which git am and mail must not take for something else.
cover_letter_is_mail() {
	awk 'length > 72 || /[^ -~]/ || /^(---([ \t].*)?$|-- $|diff -|Index: |From )|@[A-Z]+@/ {
			print FILENAME ": " FNR ": " $0
			bad = 1
		}
		NR == 2 && $0 != "" { print "the second line is not empty"; bad = 1 }
		END { exit bad || NR < 20 || NR > 120 }' "$TESTS/../cover-letter"
}

ktap_print_header
ktap_set_plan 100
make_source
make_repository
make_stand_ins
pack_source
commit_repository 'cover letter'

# Without an orig tarball: Debian's kernel.
succeeds 'without the upstream source there is a series all the same' series
says 'a notice says what was tried' 'linux 6.12.117-1'
says 'it says what was taken instead' "The patches are made against Debian's kernel instead"
says 'it says how to name an upstream tree' 'UPSTREAM=path'
succeeds_quietly 'the cover letter says so' notes_say \
	"This is Debian's kernel and not upstream's, because the upstream"
succeeds_quietly 'it says what was tried' notes_say 'linux 6.12.117-1).'
succeeds_quietly 'it names the kernel' notes_say \
	'Made against Linux 6.12.117 as Debian has it, linux-source-6.12:'
succeeds_quietly 'it has the checksum of its source' notes_say \
	"sha256 $(sha256sum <"$KSRC_DIR/linux-source-6.12.tar.xz" | cut -d ' ' -f 1)"
succeeds_quietly 'git am gives what was composed' \
	is_equal "$(applied "$BUILD/linux")" "$(tree_of linux)"

# With one.
make_upstream
succeeds 'with the upstream source it is made against that' series
succeeds_quietly 'it is quiet about Debian' fails grep -q 'instead' "$OUTPUT"
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
succeeds_quietly 'the tree is upstream' test -e "$BUILD/linux-upstream/README"
succeeds_quietly 'the patches have blob ids' is_equal \
	"$(grep -cE '^index [0-9a-f]{12}\.\.[0-9a-f]{12}' "$OUT/0002-dm-crypt-use-units.patch")" 2
succeeds_quietly 'the cover letter has the subject of the text' \
	grep -qx 'Subject: \[PATCH 0/4\] crypto: take units' "$OUT/0000-cover-letter.patch"
# shellcheck disable=SC2016 # nothing in it is to be expanded
succeeds_quietly 'it has the text' cover_says 'One line, "quoted" \n $HOME 100%.'
succeeds_quietly 'it has the last line of the text' cover_says 'The end.'
succeeds_quietly 'it has the list of patches' cover_says '  dm crypt: use units'
succeeds_quietly 'it has the diffstat' cover_says \
	' 7 files changed, 11 insertions(+), 2 deletions(-)'
succeeds_quietly 'its notes name the kernel' notes_say \
	'Made against Linux 6.12.117, the upstream source as Debian packages it:'
succeeds_quietly 'they name the tarball' notes_say 'linux_6.12.117.orig.tar.xz'
succeeds_quietly 'they have its checksum' notes_say "sha256 $(sha256sum <"$ORIG" | cut -d ' ' -f 1)"
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

# Who it is from.
head=$(git -C "$BUILD/linux-upstream" rev-parse HEAD)
succeeds 'a person can sign off' series SIGNOFF="$ZOE"
succeeds_quietly 'each patch is signed off, and not the cover letter' is_equal \
	"$(cd "$OUT" && grep -rlxF -e "Signed-off-by: $ZOE" . | sort | tr '\n' ' ')" \
	"$(files | sed 's|[^ ]*cover-letter.patch ||')"
succeeds_quietly 'git am gives the same tree' \
	is_equal "$(applied "$BUILD/linux-upstream")" "$(tree_of linux-upstream)"
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

# The directory.
mkdir "$WORK/used"
echo mine >"$WORK/used/.file"
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

# What cannot be mailed.
echo edit >>"$BUILD/linux-upstream/README"
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
printf 'int units;\r\n' >"$REPOSITORY/crypto/units.c"
refuses 'a file that mail changes is refused' 'changed on its way' series
succeeds_quietly 'nothing is written' nothing_left
restore
printf '#!/bin/sh\nexit 1\n' >"$WORK/bin/cp"
chmod +x "$WORK/bin/cp"
refuses 'patches that cannot be written are an error' 'could not be written' series
succeeds_quietly 'nothing is left of them' nothing_left
rm "$WORK/bin/cp"
mv "$REPOSITORY/patches/cover-letter" "$WORK/cover-letter"
refuses 'a cover letter that is not there is missed' 'the text of the cover letter' series
mv "$WORK/cover-letter" "$REPOSITORY/patches/cover-letter"

# Other trees.
succeeds 'FOR=debian takes what a distribution has' series FOR=debian
succeeds_quietly 'the notes say so' notes_say \
	'This was asked for: the kernel that a distribution has, with its'
succeeds_quietly 'git am gives what was composed' \
	is_equal "$(applied "$BUILD/linux")" "$(tree_of linux)"
refuses 'FOR=debian with UPSTREAM is refused' 'contradict' \
	series FOR=debian UPSTREAM="$WORK/upstream"
refuses 'another FOR is refused' "FOR='redhat' is not known" series FOR=redhat
refuses 'another UPSTREAM than the tree was made from is refused' 'made from another source' \
	series UPSTREAM="$WORK/upstream"
rm -rf "$BUILD/linux-upstream"
succeeds 'UPSTREAM can be a git tree' series UPSTREAM="$WORK/upstream"
succeeds_quietly 'its commit is the base' notes_say \
	"base-commit: $(git -C "$WORK/upstream" rev-parse HEAD)"
succeeds_quietly 'git am in that tree gives what was composed' \
	is_equal "$(applied "$WORK/upstream" HEAD)" "$(tree_of linux-upstream)"
rm -rf "$BUILD/linux-upstream"
echo 'README export-ignore' >"$WORK/upstream/.gitattributes"
mkdir "$WORK/upstream/Documentation/process"
echo rules >"$WORK/upstream/Documentation/process/coding-assistants.rst"
printf '%s\n' 'die "broken\n";' >"$WORK/upstream/scripts/get_maintainer.pl"
git -C "$WORK/upstream" add -A
git -C "$WORK/upstream" commit -q -m 'attributes'
succeeds 'a git tree that is not exported as it is can be UPSTREAM' series UPSTREAM="$WORK/upstream"
says 'what the tree asks of those who used tools is mentioned' 'Assisted-by:'
says 'a get_maintainer.pl that fails is no obstacle' 'no recipients are listed'
says 'there is a notice with its words' '  broken'
succeeds_quietly 'its commit is not called the base' fails grep -rq '^base-commit' "$OUT"
succeeds_quietly 'what was exported is' \
	notes_say "$(git -C "$BUILD/linux-upstream" rev-parse 'base^{tree}')"
succeeds_quietly 'cover letters are as mail has to be' cover_letter_is_mail
ktap_finished
