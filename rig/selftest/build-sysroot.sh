#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that build-sysroot.sh unpacks the programs of another architecture with all that
# they depend on, in the newest version of the host's release and its updates, and leaves
# the host's apt alone. If a package is missing, build-sysroot.sh leaves nothing behind.
set -eu
. "$(dirname "$0")/lib/fake-base.sh"
. "$(dirname "$0")/lib/fake-archive.sh"

DIR="$WORK/a sysroot"

# add_program SUITE NAME VERSION ARCH [DEPENDS]: adds a package with a file bin/NAME that
# has the text VERSION
add_program() {
	rm -rf "$WORK/files"
	mkdir -p "$WORK/files/bin"
	echo "$3" > "$WORK/files/bin/$2"
	add_package "$1" "$2" "$3" "$4" "${5:-}" "$WORK/files"
}

build() {
	"$REPOSITORY/rig/boot/build-sysroot.sh" --arch arm64 "$DIR"
}

ktap_print_header
ktap_set_plan 8
make_repository
make_machine
printf '# package:program\ntool:tool\n' > "$REPOSITORY/rig/boot/programs"
add_program "$CODENAME" libc6-dev 1 arm64
add_program "$CODENAME" tool 1.0-10 arm64 'library, data'
add_program "$CODENAME" tool 1.0-9 arm64
add_program "$CODENAME" library 2:1.0 arm64
add_program "$CODENAME" library 3.0 arm64
add_program "$CODENAME-updates" data 5 all

succeeds 'a missing package is refused' fails build
says 'there is an error' 'error: the packages of arm64 cannot be fetched'
says 'apt says which package' 'Unable to locate package libssl-dev'
succeeds 'no sysroot is left' is_equal "$(find "$WORK" -maxdepth 1 -name '*sysroot*')" ''
add_program "$CODENAME" libssl-dev 1 arm64
succeeds 'the programs of another architecture are unpacked' build
succeeds_quietly 'each program has the newest version, and all that it depends on' is_equal \
	"$(cd "$DIR/usr/bin" && grep . -r . | sort | tr '\n' ' ')" \
	'./data:5 ./libc6-dev:1 ./library:2:1.0 ./libssl-dev:1 ./tool:1.0-10 '
succeeds_quietly "the host's apt is as it was" machine_untouched
mv "$ARCHIVE" "$WORK/gone"
succeeds 'a second time there is nothing to fetch' build
ktap_finished
