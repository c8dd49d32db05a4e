# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Who a series is from. Sourced, after lib.sh.

# check_signoff: sets PERSON, SIGNOFF as git writes it, and makes it git's
# committer. Without SIGNOFF it is empty and the committer stays the neutral one.
check_signoff() {
	local form='^[^<>[:space:]][^<>]* <[^<>@[:space:]]+@[^<>@[:space:]]+>$'
	local neutral=$GIT_COMMITTER_NAME neutral_mail=$GIT_COMMITTER_EMAIL

	PERSON=''
	[ -n "${SIGNOFF:-}" ] || return 0
	if ! [[ $SIGNOFF =~ $form ]] || [[ $SIGNOFF =~ [[:cntrl:]] ]] ||
		! iconv -f UTF-8 -t UTF-8 <<<"$SIGNOFF" >/dev/null 2>&1; then
		die "SIGNOFF='$SIGNOFF' is not one line of the form 'Name <name@host>'"
	fi
	GIT_COMMITTER_NAME=${SIGNOFF% <*}
	GIT_COMMITTER_EMAIL=${SIGNOFF##* <}
	GIT_COMMITTER_EMAIL=${GIT_COMMITTER_EMAIL%>}
	if [ "$GIT_COMMITTER_NAME" = "$neutral" ] ||
		[ "${GIT_COMMITTER_EMAIL,,}" = "$neutral_mail" ]; then
		die "SIGNOFF='$SIGNOFF' is not a person: who signs off has a name and address of their own"
	fi
	# git drops a full stop at the end of a name, and the like.
	PERSON=$(git var GIT_COMMITTER_IDENT) ||
		die "git does not take SIGNOFF='$SIGNOFF' as an identity"
	PERSON=${PERSON% * *}
}
