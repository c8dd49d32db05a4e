#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measures the gain of batching on this machine: the speed of I/O on a dm-crypt volume with
# one cipher request for many sectors, and with one cipher request for each sector, in turn.
# Takes five minutes.
#
# usage: measure.sh [options]
#
#   --device DEVICE     read DEVICE through a read-only mapping; the data on DEVICE does
#                       not matter.  By default, measure.sh reads and writes a volume
#                       that stores nothing (dm-zero).  This shows the cost of dm-crypt
#                       alone
#   --sector-size LIST  sizes of encryption sectors, in bytes (default 512,4096)
#   --block-size LIST   sizes of the I/O, as fio writes them (default 4k,64k,1m)
#   --cipher SPEC       cipher, as in a table (default aes-xts-plain64)
#   --key-size BITS     size of its key (default 512)
#   --jobs N            number of threads, each with one I/O in flight (default 1)
#   --rounds N          number of rounds (default 5)
#   --seconds N         time for each measurement (default 2)
#   --help
#
# Prints, for each kind of I/O, MiB/s without and with batching, the median of the ratios of
# all rounds, and their spread: the distance of the quartiles, divided by the median.
#
# Needs root, fio, jq and dmsetup.  The volumes have random keys, which the command does not
# keep.  At the end it removes the volumes.  The command turns batching off for a moment and
# then restores the setting.  A volume that is opened in this moment does not batch.

set -eu
set -o pipefail
# printf must accept numbers with a decimal point.
export LC_ALL=C

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" | sed "s|^usage: [^ ]*|usage: ${0##*/}|"
}

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

device=
sector_size=512,4096
block_size=4k,64k,1m
cipher=aes-xts-plain64
key_size=512
jobs=1
rounds=5
seconds=2
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help)
		usage
		exit 0 ;;
	--device | --sector-size | --block-size | --cipher | --key-size | --jobs | --rounds | \
		--seconds)
		[ $# -ge 2 ] || die "$1 needs an argument"
		option=${1#--}
		declare "${option//-/_}=$2"
		shift 2 ;;
	*)
		die "unknown argument $1, see --help" ;;
	esac
done
for option in jobs rounds seconds; do
	[[ ${!option} =~ ^[1-9][0-9]{0,3}$ ]] ||
		die "--$option ${!option} is no number from 1 to 9999"
done
[[ $sector_size =~ ^(512|1024|2048|4096)(,(512|1024|2048|4096))*$ ]] ||
	die "--sector-size $sector_size is no list of 512, 1024, 2048 and 4096"
[[ $block_size =~ ^[1-9][0-9]*[kKmM]?(,[1-9][0-9]*[kKmM]?)*$ ]] ||
	die "--block-size $block_size is no list of sizes such as 4k"
[[ $key_size =~ ^(128|192|256|384|512)$ ]] || die "--key-size $key_size is no size of a key"
[[ $cipher =~ ^[^[:space:]]+$ ]] || die "--cipher '$cipher' is no name of a cipher"

[ "$(id -u)" -eq 0 ] || die "must be run as root"
for tool in dmsetup blockdev fio jq sort; do
	command -v "$tool" > /dev/null || die "$tool is not installed"
done
parameter=/sys/module/dm_crypt/parameters/batch_sectors
[ -d /sys/module/dm_crypt ] || modprobe -q dm-crypt || die "the kernel has no dm-crypt"
[ -w $parameter ] || die "dm-crypt of this kernel ($(uname -r)) does not batch"
directions=(read write)
if [ -n "$device" ]; then
	[ -b "$device" ] || die "$device is no block device"
	directions=(read)
else
	modprobe -q dm-zero || :
	dmsetup targets | grep '^zero ' > /dev/null ||
		die "the kernel has no dm-zero: name a device to read from with --device"
fi

name=dm-crypt-measure-$$
before=$(cat $parameter)
work=$(mktemp -d)

remove() {
	[ ! -e "/dev/mapper/$1" ] || dmsetup remove --retry "$1"
}

clean_up() {
	trap - EXIT
	echo "$before" > $parameter
	remove "$name-off"
	remove "$name-on"
	remove "$name-zero"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# The volume is so large that fio never reaches its end.
if [ -z "$device" ]; then
	dmsetup create "$name-zero" --table "0 67108864 zero"
	disk=/dev/mapper/$name-zero
	read_only=
else
	disk=$device
	read_only=--readonly
fi
sectors=$(blockdev --getsz "$disk")
sectors=$((sectors - sectors % 2048))
[ "$sectors" -gt 0 ] || die "$device is smaller than 1 MiB"

# open_volume on|off SECTOR_SIZE: opens a volume.  dmsetup reads the table from stdin, so the
# key is on no command line.
open_volume() {
	local key

	key=$(od -An -v -tx1 -N $((key_size / 8)) /dev/urandom | tr -d ' \n')
	case $1 in
	on)	echo Y > $parameter ;;
	off)	echo N > $parameter ;;
	esac
	dmsetup create "$name-$1" $read_only <<- END ||
		0 $sectors crypt $cipher $key 0 $disk 0 1 sector_size:$2
	END
		die "dm-crypt does not take $cipher with sectors of $2 bytes on $disk"
	echo "$before" > $parameter
}

# speed on|off READ_OR_WRITE BLOCK_SIZE: prints KiB/s
speed() {
	fio --name=x --filename="/dev/mapper/$name-$1" --rw="$2" --bs="$3" --direct=1 \
		--ioengine=psync --numjobs="$jobs" --group_reporting --time_based \
		--runtime="$seconds" ${device:+--readonly} \
		--output-format=json > "$work/fio" 2> "$work/fio.errors" ||
		die "fio failed: $(cat "$work/fio.errors" "$work/fio")"
	jq ".jobs[0].$2.bw" "$work/fio"
}

# summary FILE: reads pairs "[OFF, ON]", in KiB/s.  Prints their medians, in MiB/s, the median
# of the ratios, and the spread of the ratios, in percent.
summary() {
	jq -rs '
		def quantile(part):
			sort | ((length - 1) * part) as $at | ($at | floor) as $low
			| .[$low] + ($at - $low) * (.[$at | ceil] - .[$low]);

		if any(.[][]; . <= 0) then error("fio reports a speed of 0") else . end
		| map(.[1] / .[0]) as $ratios
		| ($ratios | quantile(0.5)) as $middle
		| [(map(.[0]) | quantile(0.5) / 1024), (map(.[1]) | quantile(0.5) / 1024), $middle,
			100 * (($ratios | quantile(0.75)) - ($ratios | quantile(0.25))) / $middle]
		| @tsv' "$1"
}

IFS=, read -r -a sizes <<< "$sector_size"
IFS=, read -r -a blocks <<< "$block_size"
for size in "${sizes[@]}"; do
	open_volume off "$size"
	open_volume on "$size"
	status=$(dmsetup status "$name-on")
	case $status in
	*"batch_sectors:on"*)	;;
	*)	die "$cipher does not batch here: ${status#* crypt }" ;;
	esac
	for ((round = 0; round < rounds; round++)); do
		for rw in "${directions[@]}"; do
			for bs in "${blocks[@]}"; do
				# Change the order: a machine gets slower as it gets warm.
				if [ $((round % 2)) -eq 0 ]; then
					off=$(speed off "$rw" "$bs")
					on=$(speed on "$rw" "$bs")
				else
					on=$(speed on "$rw" "$bs")
					off=$(speed off "$rw" "$bs")
				fi
				echo "[$off, $on]" >> "$work/$size-$rw-$bs"
			done
		done
	done
	remove "$name-off"
	remove "$name-on"
done

echo "# $(uname -r), $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | sort -u | head -n 1)"
echo "# $cipher on ${device:-dm-zero}, $jobs threads, $rounds rounds of $seconds s"
printf '%-6s %-5s %6s %9s %9s %7s %8s\n' sector I/O size off on on/off spread
for size in "${sizes[@]}"; do
	for rw in "${directions[@]}"; do
		for bs in "${blocks[@]}"; do
			read -r off on ratio spread < <(summary "$work/$size-$rw-$bs")
			printf '%-6s %-5s %6s %9.0f %9.0f %7.2f %7.0f%%\n' "$size" "$rw" "$bs" \
				"$off" "$on" "$ratio" "$spread"
		done
	done
done
