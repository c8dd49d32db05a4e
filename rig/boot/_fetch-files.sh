# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # set by fetch-debian.sh
#
# Fetch the files of packages, for fetch-debian.sh: list them, download them from the
# mirror into the cache, and copy them into DIR.  The functions need these variables: dir,
# source, tar_only, with_depends and move (the user's options), archives (the cache) and
# work (a directory for this run); and say(), die() and _private-apt.sh.

# list_files: write URI, name, size and hash of each wanted file, with tabs, to work/files
list_files() {
	local command log=$work/files.log

	if [ -n "$source" ]; then
		command=(source --only-source ${tar_only:+--tar-only})
	elif [ -n "$with_depends" ]; then
		command=(install -y --no-install-recommends)
	else
		command=(download)
	fi
	apt_get "${command[@]}" --download-only --print-uris "${wanted[@]}" \
		> "$work/uris" 2> "$log" ||
		die "apt finds no way to fetch ${wanted[*]}; $(apt_words "$log")
$(sed -n '/unmet/,$s/^/  /p' "$work/uris")"
	sed -nE "s/^'([^']*)' ([^ ]*) ([0-9]+) SHA256:([0-9a-f]{64}).*/\1\t\2\t\3\t\4/p" \
		"$work/uris" > "$work/files"
	if [ ! -s "$work/files" ] ||
	   [ "$(grep -c "^'" "$work/uris")" -ne "$(wc -l < "$work/files")" ]; then
		die "apt names no files with hashes for ${wanted[*]}"
	fi
}

is_whole() {
	[ -f "$1" ] && [ "$(sha256sum < "$1" | cut -d ' ' -f 1)" = "$2" ]
}

# download: fetch the files that are neither in DIR nor in the cache; fails if apt fails
download() {
	local uri name size hash arguments=() bytes=0 count=0 what log=$work/download.log

	while IFS=$'\t' read -r uri name size hash; do
		if is_whole "$dir/$name" "$hash" || is_whole "$archives/$name" "$hash"; then
			continue
		fi
		arguments+=("$uri" "$work/download/$name" "SHA256:$hash")
		bytes=$((bytes + size))
		count=$((count + 1))
		what=$name
	done < "$work/files"
	[ $count -gt 0 ] || return 0

	[ $count -eq 1 ] || what="$count packages"
	say "fetching $what ($(((bytes + 999999) / 1000000)) MB)"
	apt_helper download-file "${arguments[@]}" > "$log" 2>&1 || return
	# For a file: URI apt makes a link.
	while IFS=$'\t' read -r uri name size hash; do
		[ -e "$work/download/$name" ] || continue
		if [ -L "$work/download/$name" ]; then
			cp -L "$work/download/$name" "$work/copy"
			mv "$work/copy" "$work/download/$name"
		fi
		is_whole "$work/download/$name" "$hash" ||
			die "$name is not what the index says: its hash is another one"
		mv "$work/download/$name" "$archives/$name"
	done < "$work/files"
}

# put_files: copy the wanted files from the cache into DIR, each whole or not at all
put_files() {
	local name hash

	mkdir -p "$dir" || die "cannot make the directory $dir"
	while IFS=$'\t' read -r _ name _ hash; do
		if ! is_whole "$dir/$name" "$hash"; then
			part=$dir/.$name.part
			cp --reflink=auto "$archives/$name" "$part" ||
				die "cannot write $dir/$name"
			mv "$part" "$dir/$name"
			part=
		fi
		[ -z "$move" ] || rm -f "$archives/$name"
	done < "$work/files"
}
