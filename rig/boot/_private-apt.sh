# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # set by fetch-debian.sh
#
# A private apt for fetch-debian.sh: read the host's apt sources, make the private
# sources from them, and fetch the index of these.  The functions need these
# variables: suite, arch, type and kind of the packages, apt (the cache) and work (a
# directory for this run); and say(), die() and give_up().

# machine_entries: print a line for each Debian entry of the host's apt sources:
# suite, code name, origin, label, URI, and place (FILE:NUMBER).  Before the first
# "apt-get update", apt does not know all of these and prints "$(NAME)" instead.
machine_entries() {
	local format entries

	# shellcheck disable=SC2016 # apt's variables
	format='$(RELEASE)\t$(CODENAME)\t$(ORIGIN)\t$(LABEL)\t$(REPO_URI)\t$(SOURCESENTRY)'
	format=$(printf '%b' "$format")
	entries=$(apt-get indextargets --format "$format" 'Created-By: Packages' 2> /dev/null) || :
	[ -n "$entries" ] ||
		entries=$(apt-get indextargets --no-release-info --format "$format" \
			'Created-By: Packages' 2> /dev/null) || :
	printf '%s\n' "$entries" | awk -F '\t' 'NF == 6 && ($3 == "Debian" || $3 ~ /^\$/)'
}

codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")

own_suites() {
	printf '%s\n' "$entries" | awk -F '\t' -v own="$codename" '
		{ name = $2 ~ /^\$/ ? $1 : $2 }
		own != "" && (name == own || name == own "-updates" || name == own "-security") {
			if (!seen[$1]++)
				print $1
		}'
}

# entry_of SUITE: print URI, tab and place of the entry that fits SUITE best
entry_of() {
	printf '%s\n' "$entries" | awk -F '\t' -v suite="$1" -v own="$codename" '
		function fitness()
		{
			if ($1 == suite)
				return 4
			if (suite ~ /-security$/ || $1 ~ /-security$/)
				return suite ~ /-security$/ && $1 ~ /-security$/ ? 3 : 0
			if ($3 == "Debian")
				return $4 == "Debian" ? 3 : 0
			return $1 == own ? 2 : 1
		}
		fitness() > best { best = fitness(); line = $5 FS $6 }
		END { if (best) print line }'
}

# entry_options FILE:NUMBER: print the options of that entry that say whom to trust
# (Signed-By, Trusted).  apt does not tell them.  NUMBER counts lines, or in a
# .sources file stanzas.
entry_options() {
	local file=${1%:*} number=${1##*:}

	[ -r "$file" ] || return 0
	case $file in
	*.sources)
		awk -v number="$number" '
			/^#/ { next }
			/^[ \t]*$/ { inside = 0; next }
			!inside { inside = 1; stanza++ }
			/^[^ \t]/ { wanted = tolower($0) ~ /^(signed-by|trusted):/ }
			wanted && stanza == number' "$file" ;;
	*)
		sed -n "${number}s/^[^[]*\[\([^]]*\)\].*/\1/p" "$file" | tr -s ' \t' '\n' |
			sed -n 's/^signed-by=/Signed-By: /p; s/^trusted=/Trusted: /p' ;;
	esac
}

# write_sources: write the sources of the private apt, and add a stamp file for each
# suite to the array "stamps"
write_sources() {
	local name uri entry stanza

	for name in "${suite[@]}"; do
		IFS=$'\t' read -r uri entry < <(entry_of "$name") ||
			die "no entry of the apt sources is a mirror of Debian: where is $name?"
		stanza=$(
			printf 'Types: %s\nTargets: %s\n' "$type" "$kind"
			printf 'URIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$name"
			entry_options "$entry"
		)
		printf '%s\n\n' "$stanza" >> "$work/debian.sources"
		stamps+=("$apt/stamps/$name-$arch-$kind-$(
			printf '%s' "$stanza" | sha256sum | cut -c 1-16)")
	done
}

# This apt uses the host's proxy, but not the host's hooks, pins and default
# suite.
cat > "$work/apt.conf" <<'END'
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
#clear APT::Architectures;
END
options=(
	-c "$work/apt.conf"
	-o "Dir::Etc::sourcelist=$work/debian.sources"
	-o Dir::Etc::sourceparts=/dev/null
	-o Dir::Etc::preferences=/dev/null
	-o Dir::Etc::preferencesparts=/dev/null
	-o "Dir::State=$work"
	-o "Dir::State::lists=$apt/lists"
	-o "Dir::State::status=$work/status"
	-o "Dir::Cache=$work"
	-o "Dir::Cache::archives=$work/archives"
	-o Dir::Cache::pkgcache=
	-o Dir::Cache::srcpkgcache=
	-o "APT::Architecture=$arch"
	-o "APT::Architectures=$arch"
	-o APT::Get::List-Cleanup=false
	-o APT::Sandbox::User=root
	-o Acquire::GzipIndexes=true
	-o Acquire::Languages=none
	-o Acquire::PDiffs=false
	-o Acquire::ForceHash=SHA256
	-o Acquire::Retries=2
	-o Acquire::http::Timeout=15
	-o Acquire::https::Timeout=15
)

apt_get() {
	apt-get "${options[@]}" "$@"
}

apt_helper() {
	/usr/lib/apt/apt-helper "${options[@]}" "$@"
}

# was_reached LOG: succeeds unless apt's messages are about the network
was_reached() {
	! grep -qiE -e 'could not (connect|resolve)|cannot initiate the connection' \
		-e 'unable to connect|temporary failure|network is unreachable|timed out' \
		-e 'connection (failed|refused|reset)' "$1"
}

apt_words() {
	echo "apt says:"
	grep -E '^(E|W|Err):' "$1" | sort -u | head -n 8 | sed 's/^/  /'
}

is_fresh() {
	local stamp

	for stamp in "${stamps[@]}"; do
		[ -n "$(find "$stamp" -mmin -1440 2> /dev/null)" ] || return 1
	done
}

has_index() {
	local stamp

	for stamp in "${stamps[@]}"; do
		[ -e "$stamp" ] || return 1
	done
}

# update_index: fails if this run has tried before, or has to use an old index
update_index() {
	local log=$work/update.log missing

	[ -z "$updated" ] || return 1
	updated=1
	say "fetching the index of ${suite[*]}"
	if apt_get update --error-on=any > "$log" 2>&1; then
		touch "${stamps[@]}"
		return
	fi
	# apt prints the second message for a suite that it trusts without a signature.
	missing=$(sed -nE -e "s/^E: The repository '.* ([^ ]*) Release' .*/\1/p" \
		-e 's|^E: Failed .*/dists/([^/]*)/.* (404 +Not Found\|File not found).*|\1|p' \
		"$log" |
		sort -u | tr '\n' ' ')
	if has_index; then
		say "the index could not be fetched, taking the one that is here;" \
			"$(apt_words "$log")"
		return 1
	elif [ -n "$missing" ]; then
		give_up "$NOT_THERE" "the mirror has no suite ${missing% }; $(apt_words "$log")"
	elif was_reached "$log"; then
		die "the index of ${suite[*]} could not be fetched; $(apt_words "$log")"
	fi
	give_up "$NOT_REACHED" \
		"the mirror cannot be reached, and there is no index of ${suite[*]}" \
		"here; $(apt_words "$log")"
}
