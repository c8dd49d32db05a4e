#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that find-base finds the tarball of the package. If there is none,
# find-base names the package to install, or the bases that exist.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"

ktap_print_header
ktap_set_plan 7
make_source
make_repository

refuses 'a base that is not installed is refused with the command that installs it' \
	'apt-get install linux-source-6.12' command_of find-base 6.12
pack_source
succeeds 'an installed base is found' command_of find-base 6.12
succeeds_quietly 'its path is all that is printed' \
	is_equal "$(cat "$OUTPUT")" "$KSRC_DIR/linux-source-6.12.tar.xz"
refuses 'an unknown base is refused with those that exist' 'BASE can be 6.12' command_of find-base 5.10
succeeds 'KSRC names another source' env KSRC="$WORK/source" "$REPOSITORY/rig/bin/find-base" 6.12
succeeds_quietly 'KSRC is what is printed' is_equal "$(cat "$OUTPUT")" "$(realpath "$WORK/source")"
refuses 'a KSRC that does not exist is refused' 'does not exist' \
	env KSRC="$WORK/nowhere" "$REPOSITORY/rig/bin/find-base" 6.12
ktap_finished
