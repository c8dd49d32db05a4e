# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests of series, which writes mail into $OUT: a stand-in for the upstream source,
# and functions that read the mail.  Tests source this in place of fake-base.sh, and
# begin with make_project.

. "$(dirname "${BASH_SOURCE[0]}")/fake-base.sh"

export DM_CRYPT_MDU_CACHE="$WORK/cache"
BUILD="$WORK/a build"
ORIG=$DM_CRYPT_MDU_CACHE/upstream/linux_6.12.117.orig.tar.xz
OUT="$WORK/out"
unset SIGNOFF UPSTREAM FOR

# series [NAME=VALUE...]: writes the mail into $OUT, made anew
series() {
	rm -rf "$OUT"
	series_to "$OUT" "$@"
}

# series_to OUT [NAME=VALUE...]: uses the stand-in for apt-cache in $WORK/bin
series_to() {
	local out=$1
	shift
	env PATH="$WORK/bin:$PATH" "$@" "$REPOSITORY/rig/bin/series" 6.12 "$BUILD" "$out"
}

make_stand_ins() {
	mkdir -p "$WORK/bin" "${ORIG%/*}"
	printf '#!/bin/sh\nexit 100\n' > "$WORK/bin/apt-cache"
	chmod +x "$WORK/bin/apt-cache"
	cat > "$WORK/source/scripts/get_maintainer.pl" <<-'END'
	die "not at the top of a kernel\n" if (!-f "MAINTAINERS");
	die "asked for the cover letter\n" if (grep(/0000-/, @ARGV));
	die "asked for 3 of 4\n" if (grep(/\.patch$/, @ARGV) != 4);
	if (grep(/^--no-l$/, @ARGV)) {
		print "Pat O'Hara <pat\@example.org>\n";
	} else {
		print "list\@example.org\n";
	}
	END
	cat > "$REPOSITORY/patches/cover-letter" <<-'END'
	crypto: take units

	One line, "quoted" \n $HOME 100%.

	-- two dashes
	---------------
	The end.
	END
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

# notes: prints the part of the cover letter below the only line that is '---'
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

# make_project: sets up all that series needs, but no upstream source
make_project() {
	make_source
	make_repository
	make_stand_ins
	pack_source
	commit_repository 'cover letter'
}
