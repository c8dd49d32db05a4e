#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prove that neither keys nor data stay longer in memory with batching than
# without: look for them in what was the memory of a machine that used a volume.
# What is freed is zeroed there, so that all that is found is in use.  TAP on stdout.
#
# usage: traces.sh --kernel IMAGE --rootfs IMG --dir DIR
#
#   --dir DIR     for the disk and memory images, console logs and reports
#   --help

set -eu
set -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

kernel=
rootfs=
dir=
parse_options kernel rootfs dir -- "$@"
# shellcheck source=/dev/null
. "$here/../../kselftest/ktap_helpers.sh"

memory=512
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
trap 'rm -f "$dir/memory" "$dir/traces.img"' EXIT
hex()
{
	od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'
}
key=$(hex 64)
word=$(hex 16)

# count HEX: how often these bytes are in the machine's memory.  Not with grep, which
# takes 0x0a for the end of a line and finds nothing that has one.
count()
{
	python3 - "$dir/memory" "$1" <<- "end"
		import sys
		memory = open(sys.argv[1], "rb").read()
		print(memory.count(bytes.fromhex(sys.argv[2])))
	end
}

# run STATE BATCHING: sets keys (of 16 bytes of each half of the key) and words to the
# number that is found.
run()
{
	local name=traces-$1-$2 memory_file

	rm -f "$dir/memory"
	make_disk "$dir/traces.img" 4M
	memory_file="memory-backend-file,id=memory,size=${memory}M,mem-path=$dir/memory"
	if ! "$here/boot.sh" --kernel "$kernel" --rootfs "$rootfs" --job traces --quiet \
		--args "$1 $2 $key $word" --append init_on_free=1 --mem $memory \
		--disk "$dir/traces.img" --timeout 300 \
		--qemu -object --qemu "$memory_file,share=on" \
		--qemu -machine --qemu memory-backend=memory \
		--log "$dir/$name.console" --report "$dir/$name.report" \
		> "$dir/$name.boot" 2>&1; then
		sed 's/^/# /' "$dir/$name.boot"
		return 1
	fi
	case $2 in
	Y)	grep '^# .*batch_sectors:on batches:[1-9]' "$dir/$name.report" > /dev/null ;;
	N)	grep '^# .*batch_sectors:off' "$dir/$name.report" > /dev/null ;;
	esac || return 1
	keys=$(($(count "${key:0:32}") + $(count "${key:64:32}")))
	words=$(count "$word$word")
	ktap_print_msg "$1, batching $2: $keys copies of the key, $words of the data"
}

# test_state STATE WHAT
test_state()
{
	local keys=0 words=0 keys_off=0 words_off=0 result=0

	run "$1" N || result=1
	keys_off=$keys
	words_off=$words
	run "$1" Y || result=1
	if [ "$1" = open ]; then
		# This is what says that one can find them.
		[ "$keys_off" -gt 0 ] || result=1
		[ "$words_off" -gt 0 ] || result=1
	else
		[ "$keys_off" -eq 0 ] || result=1
	fi
	if [ "$result" -eq 0 ] && [ "$keys" -le "$keys_off" ] && [ "$words" -le "$words_off" ]; then
		ktap_test_pass "$2"
	else
		ktap_test_fail "$2"
	fi
}

ktap_print_header
ktap_set_plan 3
test_state open "an open volume has the key in memory, batched as often as not"
test_state wiped "a wiped key is gone, and the data"
test_state closed "of a removed volume nothing is left"
ktap_finished
