#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Configure and build the kernel that the dm-crypt-mdu selftests run on, and make a disk
# image of its modules.
#
# usage: build-kernel.sh [options] TREE OUTDIR
#
#   TREE    kernel source, left as it is
#   OUTDIR  build directory (O=), made if needed; a second run in it is
#           incremental.  The kernel is OUTDIR/image.  If the kernel supports
#           modules, they are in OUTDIR/modules.img, which is left alone if no module
#           changed.  The guest mounts the image on /lib/modules.
#
#   --arch ARCH              x86_64, arm64 or um (default: the host's)
#   --config FILE            options to begin with; may be given several times
#                            (default: kernel.config, ARCH.config, and those of the tests)
#   --fragment FILE          merge FILE over --config; may be given several times, the
#                            last value of an option counts
#   --allow-missing SYMBOL   accept that TREE has no such option, for a kernel
#                            without the series
#   --module DIR             also build the module in DIR, which is not part of the
#                            kernel; may be given several times
#   --log FILE               full output of make (default OUTDIR/build.log)
#   --configured             use the configuration of an earlier run in OUTDIR
#   --help
#
# ccache is used if it is installed.  If OUTDIR is a directory right below TREE
# (such as TREE/.kernel, which git ignores), the compiler sees the same paths in
# every tree, and ccache shares compiled files between all trees.

set -eu
set -o pipefail

. "$(dirname "$0")/_lib.sh"
# mke2fs and depmod are not in the PATH of ordinary users everywhere.
PATH=$PATH:/usr/sbin:/sbin

arch=$(host_arch)
config=()
fragment=()
# Options that only older or only newer kernels have.
allow_missing=(CRYPTO_MANAGER_EXTRA_TESTS CRYPTO_SELFTESTS CRYPTO_SELFTESTS_FULL
	KUNIT_AUTORUN_ENABLED PROC_SYSCTL)
module=()
log=
jobs=${JOBS:-$(nproc)}
configured=
parse_options arch config+ fragment+ allow-missing+ module+ log= configured! -- "$@"
need_operands 2 "TREE and OUTDIR"
set_arch "$arch"
# shellcheck disable=SC2154 # parse_options() sets it
set -- "${operands[@]}"
[ ${#config[@]} -gt 0 ] ||
	config=("$BOOT/kernel.config" "$BOOT/$arch.config" "$KSELFTEST/config" "$RIG/tests/config")
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

need_tools make:make gcc:gcc "${CROSS}gcc:gcc-${TRIPLET//_/-}" flex:flex bison:bison bc:bc \
	perl:perl mke2fs:e2fsprogs depmod:kmod rsync:rsync
for pair in libelf.h:libelf-dev openssl/opensslv.h:libssl-dev; do
	echo "#include <${pair%%:*}>" | gcc -E -x c - > /dev/null 2>&1 ||
		die "header ${pair%%:*} is missing (Debian package ${pair##*:})"
done

build_alike "$tree"
cc=${CROSS}gcc
if command -v ccache > /dev/null; then
	cc="ccache $cc"
else
	echo "ccache is not installed, which would make later builds quicker"
fi
make=(make -C "$tree" "O=$outdir" "ARCH=$arch" "CROSS_COMPILE=$CROSS" "CC=$cc" "-j$jobs")

# Print progress now and then.
watch_make() {
	local objects=0 line

	while read -r line; do
		case $line in
		"CC "* | "AS "*)
			[ $((++objects % 100)) -ne 0 ] || printf '  %4d objects, %3d s, %s\n' \
				$objects $SECONDS "${line##* }" ;;
		"LD "*" vmlinux")
			echo "  linking" ;;
		esac
	done
}

# run_make TARGET...
run_make() {
	if "${make[@]}" "$@" 2>&1 | tee -a "$log" | watch_make; then
		return
	fi
	echo "build-kernel.sh: failed: $(printf '%q ' "${make[@]}" "$@")" >&2
	grep -nE '(error:|\*\*\*|Error [0-9])' "$log" | head -n 20 >&2 || true
	die "full output in $log"
}

# Make the configuration and check it, unless an earlier run has done so and nothing that
# the configuration depends on has changed.
configure() {
	local wanted=$outdir/.config.wanted checked=$outdir/.config.checked

	if [ -e "$checked" ] && cat "${fragments[@]}" | cmp -s - "$wanted" &&
	   [ ! "$outdir/.config" -nt "$checked" ] &&
	   [ -z "$(find "$tree" -path "$tree/.*" -prune -o -name 'Kconfig*' \
		-newer "$checked" -print -quit)" ]; then
		return
	fi
	rm -f "$checked"
	echo "Configuring $tree in $outdir"
	cat "${fragments[@]}" > "$wanted"
	run_make KCONFIG_ALLCONFIG="$wanted" allnoconfig
	"$BOOT/check-config.sh" --allow-missing "${allow_missing[*]}" "$tree" \
		"$outdir/.config" "$wanted" >&2 ||
		die "some options did not take effect in $outdir/.config, see above"
	touch "$checked"
}

# Make the image of the modules, and build those that are not part of the kernel.
make_modules() {
	local root=$outdir/modules.root external=$outdir/external image=$outdir/modules.img
	local install=("INSTALL_MOD_PATH=$root" INSTALL_MOD_STRIP=1 modules_install) inputs

	rm -rf "$root"
	run_make "${install[@]}"
	if [ ${#module[@]} -gt 0 ]; then
		# make writes beside the source, so build a copy.
		mkdir -p "$external"
		printf 'obj-m += %s/\n' "${module[@]##*/}" > "$external/Kbuild"
		rsync -a --checksum "${module[@]%/}" "$external/"
		run_make "M=$external" modules
		run_make "M=$external" "${install[@]}"
	fi
	# Remove links to directories of the host, which the guest does not have.
	rm -f "$root"/lib/modules/*/{build,source}
	inputs=$(cd "$root" && find . -type f -exec sha256sum {} + | sort)
	if ! is_made_of "$image" "$inputs"; then
		make_image "$root/lib/modules" "$image" "$inputs"
		echo "Modules: $image"
	fi
	rm -rf "$root"
}

: > "$log"
[ -n "$configured" ] || configure

echo "Building with $jobs jobs, full output in $log"
targets=("$TARGET")
if grep -q '^CONFIG_MODULES=y' "$outdir/.config"; then
	targets+=(modules)
fi
run_make "${targets[@]}"
ln -sf "$IMAGE" "$outdir/image"
echo "Kernel: $outdir/image"
[ ${#targets[@]} -eq 1 ] || make_modules
