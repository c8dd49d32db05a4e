# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # shared with check-series
#
# The part "build" of check-series.

# sparse 0.6.4 does not know __typeof_unqual__ of C23, which the kernel's headers use
# since 6.15. sparse also does not accept strlen() of a literal as a constant, as in
# MODULE_LICENSE(). The replacements have the same type except for the qualifiers.
# Nothing depends on their values.
SPARSE_KNOWS="-D__typeof_unqual__=__typeof__ -D'__builtin_strlen(s)=(sizeof(s)-1)'"

build() {
	"$BOOT/build-kernel.sh" --log "$LOGS/build.log" \
		--allow-missing CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST \
		"$WORKTREE" "$BUILD" > "$LOGS/build.out" 2>&1 || {
		cat "$LOGS/build.out"
		return 1
	}
}

# run_sparse LOG SOURCE...: runs sparse on these files of the worktree. Writes its warnings
# and errors to LOG.
run_sparse() {
	local log=$1 objects object
	shift

	: > "$log"
	mapfile -t objects < <(built_objects "$@")
	[ ${#objects[@]} -gt 0 ] || return 0
	kernel_make "$log.make" C=2 "CF=$SPARSE_KNOWS" "${objects[@]}" || return
	for object in "${objects[@]}"; do
		grep -q "CHECK .*${object%.o}\.c\$" "$log.make" || {
			echo "sparse was not run on ${object%.o}.c, $log.make may say why"
			return 1
		}
	done
	# sparse names an included file by its path from the build directory. Make all paths
	# relative to the worktree.
	sed -E "s|$WORKTREE/||g; s|(\.\./)+||g" "$log.make" |
		grep -E '^[^ ]+:[0-9:]+ (warning|error):' > "$log" || true
}

# sparse_clean SOURCE...: fails on each warning that the parent commit does not have, and on
# each error: sparse stops at an error, and does not check the rest of the file.
sparse_clean() {
	local status=0

	run_sparse "$LOGS/sparse" "$@" || return
	grep ' error:' "$LOGS/sparse" && {
		echo "sparse cannot check the source"
		status=1
	}
	new_warnings "$LOGS/sparse-before" "$LOGS/sparse" && status=1
	return "$status"
}

w1_clean() {
	local objects

	mapfile -t objects < <(built_objects "$@")
	[ ${#objects[@]} -eq 0 ] || compile "$LOGS/W=1.log" "${objects[@]}"
}

build_commit() {
	local commit=$1 subject sources known

	subject=$(subject_of "$commit")
	mapfile -t sources < <(touched_sources "$commit^" "$commit" '*.c')
	# The worktree is still at the parent commit. Accept its warnings about files that the
	# base has. A new file must not cause any warning.
	mapfile -t known < <(for file in "${sources[@]}"; do
		is_new "$file" || echo "$file"
	done)
	run_sparse "$LOGS/sparse-before" "${known[@]}" > /dev/null ||
		ktap_print_msg "sparse: the parent cannot be checked"

	go_to "$commit"
	remove_objects "${sources[@]}"
	if ! result "builds: $subject" build; then
		[ ${#sources[@]} -eq 0 ] || ktap_test_skip "W=1 and sparse: $subject (does not build)"
		return
	fi
	[ ${#sources[@]} -gt 0 ] || return 0
	result "W=1: $subject" w1_clean "${sources[@]}" || true
	result "sparse: $subject" sparse_clean "${sources[@]}" || true
	[ -n "$UNPATCHED" ] || return 0
	case " $(in_tree diff --name-only "$commit^" "$commit" | tr '\n' ' ')" in
	*" crypto/"* | *" include/crypto/"* | *" drivers/md/"*)
		result "nobody else pays: $subject" "$ROOT/rig/bin/compare-code" \
			--patched "$BUILD" --unpatched "$UNPATCHED" || true ;;
	esac
}

check_build() {
	local commit

	UNPATCHED=${UNPATCHED:+$(realpath "$UNPATCHED")}
	BUILD=$WORKTREE/.build
	export ARCH=x86_64
	go_to base
	build || die "the base does not build"
	for commit in "${COMMITS[@]}"; do
		build_commit "$commit"
	done
}
