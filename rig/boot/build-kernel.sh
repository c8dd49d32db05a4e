#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Configure and build the kernel that the dm-crypt-mdu selftests run on.
#
# usage: build-kernel.sh [options] TREE OUTDIR
#
#   TREE    kernel source, left as it is
#   OUTDIR  build directory (O=), made if needed; a second run in it is
#           incremental.  The kernel is OUTDIR/image.  If the kernel supports
#           modules, they are in OUTDIR/modules.img.
#
#   --arch ARCH              x86_64, arm64 or um (default: the host's)
#   --config FILE            options to begin with; may be given several times
#                            (default: kernel.config, ARCH.config, and those of the tests)
#   --fragment FILE          merge FILE over --config; may be given several times, the
#                            last value of an option counts
#   --allow-missing SYMBOL   accept that TREE has no such option, for a kernel
#                            without the series
#   --module DIR             also build the module in DIR (see build-modules.sh);
#                            may be given several times
#   --log FILE               full output of make (default OUTDIR/build.log)
#   --jobs N                 parallel jobs (default: JOBS, else one per processor)
#   --config-only            stop when the configuration is made and checked
#   --configured             use the configuration of an earlier run in OUTDIR
#   --help
#
# ccache is used if it is installed.  If OUTDIR is a directory right below TREE
# (such as TREE/.kernel, which git ignores), the compiler sees the same paths in
# every tree, and ccache shares compiled files between all trees.

set -eu
set -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/_lib.sh"

arch=$(host_arch)
config=()
fragment=()
# Options that only older or only newer kernels have.
allow_missing=(CRYPTO_MANAGER_EXTRA_TESTS CRYPTO_SELFTESTS CRYPTO_SELFTESTS_FULL
	KUNIT_AUTORUN_ENABLED PROC_SYSCTL)
module=()
log=
jobs=${JOBS:-$(nproc)}
config_only=
configured=
parse_options arch config+ fragment+ allow-missing+ module+ log= jobs= config-only! \
	configured! -- "$@"
need_operands 2 "TREE and OUTDIR"
set_arch "$arch"
# shellcheck disable=SC2154 # parse_options() sets it
set -- "${operands[@]}"
[ ${#config[@]} -gt 0 ] ||
	config=("$here/kernel.config" "$here/$arch.config" "$KSELFTEST/config" "$RIG/tests/config")
fragments=("${config[@]}" ${fragment[@]+"${fragment[@]}"})
[ -f "$1/Kbuild" ] || die "$1 is not a kernel source tree"
tree=$(cd "$1" && pwd -P)
mkdir -p "$2"
outdir=$(cd "$2" && pwd -P)
[ -n "$log" ] || log=$outdir/build.log
mkdir -p "$(dirname "$log")"
log=$(realpath "$log")

for file in "${fragments[@]}"; do
	[ -r "$file" ] || die "cannot read the config fragment $file"
done

for pair in make:make gcc:gcc "${CROSS}gcc:${CROSS_PACKAGE}" flex:flex bison:bison \
	bc:bc perl:perl; do
	command -v "${pair%%:*}" > /dev/null ||
		die "${pair%%:*} is not installed (Debian package ${pair##*:})"
done
for pair in libelf.h:libelf-dev openssl/opensslv.h:libssl-dev; do
	echo "#include <${pair%%:*}>" | gcc -E -x c - > /dev/null 2>&1 ||
		die "header ${pair%%:*} is missing (Debian package ${pair##*:})"
done

# The image must not depend on who builds it, where and when.  ccache needs the
# same.
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'
export KBUILD_BUILD_USER=kselftest
export KBUILD_BUILD_HOST=dm-crypt-mdu
cc=${CROSS}gcc
if command -v ccache > /dev/null; then
	cc="ccache $cc"
	export CCACHE_BASEDIR=$tree
	export CCACHE_NOHASHDIR=1
	ccache_note=" with ccache"
else
	ccache_note=" without ccache, which would make later builds quicker"
fi
make=(make -C "$tree" "O=$outdir" "ARCH=$arch" "CROSS_COMPILE=$CROSS" "CC=$cc" "-j$jobs")

fail_make() {
	echo "build-kernel.sh: $1 failed: $(printf '%q ' "${make[@]}")$2" >&2
	grep -nE '(error:|\*\*\*|Error [0-9])' "$log" | head -n 20 >&2 || true
	echo "build-kernel.sh: full output in $log" >&2
	exit 1
}

# Make the configuration and check it, unless an earlier run has done so and nothing that
# the configuration depends on has changed.
configure() {
	local wanted=$outdir/.config.wanted checked=$outdir/.config.checked check=() symbol

	# The last value of a symbol counts: write one line for each symbol.
	awk '
		/^CONFIG_[A-Za-z0-9_]+=/ { symbol = $0; sub(/=.*/, "", symbol) }
		/^# CONFIG_[A-Za-z0-9_]+ is not set$/ { symbol = $2 }
		symbol != "" {
			if (!(symbol in line))
				order[++count] = symbol
			line[symbol] = $0
			symbol = ""
		}
		END { for (i = 1; i <= count; i++) print line[order[i]] }
	' "${fragments[@]}" > "$wanted.tmp"
	if [ -e "$checked" ] && cmp -s "$wanted.tmp" "$wanted" &&
	   [ ! "$outdir/.config" -nt "$checked" ] &&
	   [ -z "$(find "$tree" -path "$tree/.*" -prune -o -name 'Kconfig*' \
		-newer "$checked" -print -quit)" ]; then
		: > "$log"
		return
	fi
	rm -f "$checked"
	mv "$wanted.tmp" "$wanted"

	echo "Configuring $tree in $outdir"
	"${make[@]}" KCONFIG_ALLCONFIG="$wanted" allnoconfig > "$log" 2>&1 ||
		fail_make "configuration" "KCONFIG_ALLCONFIG=$wanted allnoconfig"
	for symbol in "${allow_missing[@]}"; do
		check+=(--allow-missing "$symbol")
	done
	if ! "$here/check-config.sh" "${check[@]}" "$tree" "$outdir/.config" "$wanted" >&2; then
		die "the configuration $outdir/.config is not what was asked for, see above"
	fi
	touch "$checked"
}

if [ -n "$configured" ]; then
	: > "$log"
else
	configure
fi
[ -z "$config_only" ] || exit 0

echo "Building with $jobs jobs$ccache_note, full output in $log"
started=$SECONDS
# Copy make's output to the log, and print progress now and then.
watch_make() {
	local objects=0 line

	while IFS= read -r line; do
		echo "$line" >> "$log"
		case $line in
		"  CC "* | "  AS "*)
			objects=$((objects + 1))
			if [ $((objects % 100)) -eq 0 ]; then
				printf '  %4d objects, %3d s, %s\n' "$objects" \
					$((SECONDS - started)) "${line##* }"
			fi ;;
		"  LD "*" vmlinux")
			echo "  linking" ;;
		esac
	done
	printf '  %4d objects, %3d s\n' "$objects" $((SECONDS - started))
}

targets=("$TARGET")
if grep -q '^CONFIG_MODULES=y' "$outdir/.config"; then
	targets+=(modules)
fi
status=0
"${make[@]}" "${targets[@]}" 2>&1 | watch_make || status=$?
[ "$status" -eq 0 ] || fail_make "the build" "${targets[*]}"
ln -sf "$IMAGE" "$outdir/image"
echo "Kernel: $outdir/image"
if [ ${#targets[@]} -gt 1 ]; then
	args=(--arch "$arch" --log "${log%.log}-modules.log" --jobs "$jobs")
	for dir in ${module[@]+"${module[@]}"}; do
		args+=(--module "$dir")
	done
	"$here/build-modules.sh" "${args[@]}" "$outdir"
fi
