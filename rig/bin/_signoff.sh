# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The person that a series is from. Source this file after _lib.sh.

# check_signoff: sets PERSON to SIGNOFF as git writes it, and makes PERSON git's
# committer. Without SIGNOFF, PERSON is empty and the committer stays the neutral one.
check_signoff() {
	local form='^[^<>[:space:]][^<>]* <[^<>@[:space:]]+@[^<>@[:space:]]+>$'
	local neutral=$GIT_COMMITTER_NAME neutral_mail=$GIT_COMMITTER_EMAIL

	PERSON=''
	[ -n "${SIGNOFF:-}" ] || return 0
	if ! [[ $SIGNOFF =~ $form ]] || [[ $SIGNOFF =~ [[:cntrl:]] ]] ||
		! iconv -f UTF-8 -t UTF-8 <<< "$SIGNOFF" > /dev/null 2>&1; then
		die "SIGNOFF='$SIGNOFF' is not one line of the form 'Name <name@host>'"
	fi
	GIT_COMMITTER_NAME=${SIGNOFF% <*}
	GIT_COMMITTER_EMAIL=${SIGNOFF##* <}
	GIT_COMMITTER_EMAIL=${GIT_COMMITTER_EMAIL%>}
	if [ "$GIT_COMMITTER_NAME" = "$neutral" ] ||
		[ "${GIT_COMMITTER_EMAIL,,}" = "$neutral_mail" ]; then
		die "SIGNOFF='$SIGNOFF' is not a person: who signs off has a name and address of their own"
	fi
	# git edits names: it drops a full stop at the end, for example.
	PERSON=$(git var GIT_COMMITTER_IDENT) ||
		die "git does not take SIGNOFF='$SIGNOFF' as an identity"
	PERSON=${PERSON% * *}
}
