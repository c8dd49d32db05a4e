# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with check-series
#
# The parts "variants" and "clang" of check-series.

# The suffix of the programs of LLVM in Debian.
CLANG=-19
VARIANTS=(i386 arm arm64 modules no-selftests no-manager)

set_variant() {
	ARCH=x86_64 KBUILD_ARCH=x86 CROSS_COMPILE='' COMPILER=()
	case $1 in
	i386)		ARCH=i386
			FRAGMENTS=(i386 builtin selftests) ;;
	arm)		ARCH=arm KBUILD_ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-
			FRAGMENTS=(arm builtin selftests) ;;
	arm64)		ARCH=arm64 KBUILD_ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-
			FRAGMENTS=(arm64 builtin selftests) ;;
	clang)		COMPILER=("LLVM=$CLANG" "CC=ccache clang$CLANG")
			FRAGMENTS=(clang builtin selftests) ;;
	modules)	FRAGMENTS=(modules selftests) ;;
	no-selftests)	FRAGMENTS=(builtin no-selftests) ;;
	no-manager)	FRAGMENTS=(no-manager)
			! grep -qs '^config CRYPTO_NULL2$' "$WORKTREE/crypto/Kconfig" ||
				FRAGMENTS+=(null2) ;;
	esac
	export ARCH CROSS_COMPILE
	BUILD=$WORKTREE/.build-$1
}

# configure VARIANT: makes the configuration once, while the worktree is at the last commit,
# which has the options of the whole series. Keeps a copy in .config.series.
configure() {
	set_variant "$1"
	mkdir -p "$BUILD"
	(cd "$ROOT/rig/variants" && cat common.config "${FRAGMENTS[@]/%/.config}") \
		> "$BUILD/.config.wanted"
	kernel_make "$LOGS/$1.log" KCONFIG_ALLCONFIG="$BUILD/.config.wanted" allnoconfig || return
	# Some of these options exist only in older kernels, others only in newer ones.
	"$BOOT/check-config.sh" \
		--allow-missing "CRYPTO_MANAGER_DISABLE_TESTS CRYPTO_MANAGER_EXTRA_TESTS" \
		--allow-missing "CRYPTO_SELFTESTS CRYPTO_SELFTESTS_FULL CFI CFI_CLANG" \
		${TOPIC:+--allow-missing CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST} \
		"$WORKTREE" "$BUILD/.config" "$BUILD/.config.wanted" || return
	cp "$BUILD/.config" "$BUILD/.config.series"
}

# restore_config: restores the configuration of the whole series. A build of an earlier
# commit drops the options that this commit does not have.
restore_config() {
	cmp -s "$BUILD/.config.series" "$BUILD/.config" ||
		cp "$BUILD/.config.series" "$BUILD/.config"
}

# compile_sources LOG SOURCE...: builds the directories of the sources, to see which of the
# sources the configuration has, and compiles those with W=1.  Fails, too, if an object
# calls a function of the compiler for 64-bit division: 32-bit kernels do not have these.
compile_sources() {
	local log=$1 object directories objects
	shift

	mapfile -t directories < <(printf '%s\n' "$@" |
		sed -nE "s|^(arch/$KBUILD_ARCH/).*|\1|p; /^arch/!s|/.*|/|p" | sort -u)
	restore_config
	[ ${#directories[@]} -eq 0 ] || kernel_make "$log" -k "${directories[@]}" || return
	mapfile -t objects < <(built_objects "$@")
	if [ ${#objects[@]} -eq 0 ]; then
		echo "the configuration builds none of: $*"
		return
	fi
	compile "$log" "${objects[@]}" || return
	for object in "${objects[@]}"; do
		! "${CROSS_COMPILE}nm" -u "$BUILD/$object" |
			grep -E '__u?(div|mod)(di3|moddi4)$|__aeabi_u?ldivmod$' || {
			echo "$object calls a 64-bit division that the kernel does not have"
			return 1
		}
	done
}

compile_commit() {
	local variant=$1 subject=$2
	shift 2

	set_variant "$variant"
	remove_objects "$@"
	[ ! -f "$BUILD/.config.series" ] ||
		result "$variant: $subject" compile_sources "$LOGS/$variant.log" "$@" || true
}

compiled_all() {
	local source variant status=0 BUILD

	for source in "$@"; do
		for variant in "${VARIANTS[@]}"; do
			BUILD=$WORKTREE/.build-$variant
			[ -z "$(built_objects "$source")" ] || continue 2
		done
		echo "no variant compiles $source"
		status=1
	done
	return "$status"
}

link_modules() {
	set_variant modules
	restore_config
	kernel_make "$LOGS/link.log" vmlinux modules || return
	! grep -E 'WARNING: modpost|undefined!' "$LOGS/link.log"
}

# compile_variants: compiles the sources that each commit touches in all VARIANTS.
compile_variants() {
	local variant commit subject sources

	go_to "${COMMITS[-1]}"
	for variant in "${VARIANTS[@]}"; do
		rm -f "$WORKTREE/.build-$variant/.config.series"
		result "configuration: $variant" configure "$variant" || true
	done
	for commit in "${COMMITS[@]}"; do
		subject=$(subject_of "$commit")
		mapfile -t sources < <(touched_sources "$commit^" "$commit" '*.c' '*.S')
		[ ${#sources[@]} -gt 0 ] || continue
		go_to "$commit"
		for variant in "${VARIANTS[@]}"; do
			compile_commit "$variant" "$subject" "${sources[@]}"
		done
		[ "${VARIANTS[*]}" = clang ] ||
			result "a variant compiles each source: $subject" compiled_all "${sources[@]}" || true
	done
	go_to "${COMMITS[-1]}"
}

check_variants() {
	compile_variants
	result "modules: the kernel links" link_modules || true
}

check_clang() {
	# A part that comes later does not use clang.
	local VARIANTS=(clang) COMPILER=()

	compile_variants
}
