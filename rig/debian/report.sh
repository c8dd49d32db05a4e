#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test Debian's encrypted root volume, and print the results on the second serial line.
# Then switch batching off permanently, as the manual page describes, and reboot.  After
# the reboot batching must be off; then power off.

set -u

exec > /dev/ttyS1 2>&1

# check DESCRIPTION PATTERN COMMAND...: COMMAND must succeed, and print a line that matches
# PATTERN.
check() {
	local output status=0

	output=$("${@:3}" 2>&1) || status=$?
	printf '%s\n' "$output" | sed 's/^/# /'
	if [ $status -eq 0 ] && grep -q -e "$2" <<< "$output"; then
		echo "ok $1"
	else
		echo "not ok $1"
	fi
}

if [ -e /etc/modprobe.d/dm-crypt.conf ]; then
	check "after the reboot the volume does not batch" ' batch_sectors:off reason:disabled$' \
		dmsetup status root_crypt
	echo "end"
	systemctl poweroff
	exit
fi

check "the kernel is that of the packages" -mdu- uname -r
check "the root file system is on the volume" '^/dev/mapper/root_crypt$' findmnt -n -o SOURCE /
check "the volume is LUKS2" 'type: *LUKS2$' cryptsetup status root_crypt
check "its cipher is aes-xts-plain64" 'cipher: *aes-xts-plain64$' cryptsetup status root_crypt
check "its sectors have 512 bytes" 'sector size: *512\>' cryptsetup status root_crypt
# Write a file and read it back from the disk, so that there are batches to count.
check "fio reads what it has written" '' fio --name=file --filename=/var/tmp/file --size=16M \
	--bs=256k --rw=write --direct=1 --verify=crc32c --do_verify=1 --verify_fatal=1 \
	--output=/run/fio
rm /var/tmp/file
check "the volume batches" ' batch_sectors:on batches:[1-9]' dmsetup status root_crypt
check "the manual page is installed" 'dm-crypt-mdu\.7' man -w dm-crypt-mdu
check "dm-crypt-measure works" '' dm-crypt-measure --seconds 1 --rounds 3 --block-size 1m
echo "options dm_crypt batch_sectors=N" > /etc/modprobe.d/dm-crypt.conf
check "the initramfs is made anew" '' update-initramfs -u
systemctl reboot
