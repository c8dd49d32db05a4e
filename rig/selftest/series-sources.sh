#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that series names the source that its mail is really made against:
# upstream's, another kernel's, or Debian's.
set -eu
. "$(dirname "$0")/lib/mail.sh"

ktap_print_header
make_project

# Without an orig tarball.
refuses 'without the upstream source there is no mail' \
	"(tried: linux-source-6.12 6.12.117-1; Debian's index could not be fetched)" series
says 'it says how to name an upstream tree' 'UPSTREAM=path'
says "it says how to take Debian's kernel" 'FOR=debian'

# With an orig tarball.
make_upstream
succeeds 'with the upstream source, mail is made against that source' series
succeeds_quietly 'the tree is upstream' test -e "$BUILD/linux-upstream/README"
succeeds_quietly 'its notes name the kernel' notes_say \
	'Made against Linux 6.12.117, the upstream source as Debian packages it:'
succeeds_quietly 'they name the tarball' notes_say 'linux_6.12.117.orig.tar.xz'
succeeds_quietly 'they have its checksum' notes_say "sha256 $(sha256sum < "$ORIG" | cut -d ' ' -f 1)"

# Other trees.
succeeds "FOR=debian takes Debian's kernel" series FOR=debian
succeeds_quietly 'the notes say so' notes_say \
	"FOR=debian asked for this source: a distribution's kernel, with its"
succeeds_quietly 'they name the kernel' notes_say \
	'Made against Linux 6.12.117 as Debian has it, linux-source-6.12:'
succeeds_quietly 'they have the checksum of its source' notes_say \
	"sha256 $(sha256sum < "$KSRC_DIR/linux-source-6.12.tar.xz" | cut -d ' ' -f 1)"
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
echo 'README export-ignore' > "$WORK/upstream/.gitattributes"
mkdir "$WORK/upstream/Documentation/process"
echo rules > "$WORK/upstream/Documentation/process/coding-assistants.rst"
printf '%s\n' 'die "broken\n";' > "$WORK/upstream/scripts/get_maintainer.pl"
git -C "$WORK/upstream" add -A
git -C "$WORK/upstream" commit -q -m 'attributes'
succeeds 'UPSTREAM can be a git tree that exports fewer files' series UPSTREAM="$WORK/upstream"
says 'the rule for those who used tools is mentioned' 'Assisted-by:'
says 'a get_maintainer.pl that fails is no obstacle' 'no recipients are listed'
says 'a notice has the error of that script' '  broken'
succeeds_quietly 'its commit is not called the base' fails grep -rq '^base-commit' "$OUT"
succeeds_quietly 'the notes name the exported tree' \
	notes_say "$(git -C "$BUILD/linux-upstream" rev-parse 'base^{tree}')"
finish
