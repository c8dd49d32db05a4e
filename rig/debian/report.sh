#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Report about Debian's encrypted root volume, on the second serial line.  Then switch
# batching off permanently, as the manual page describes, and reboot.  After the reboot
# report the volume's status, and power off.

set -u

exec > /dev/ttyS1 2>&1

if [ -e /etc/modprobe.d/dm-crypt.conf ]; then
	echo "status afterwards: $(dmsetup status root_crypt)"
	echo "end"
	systemctl poweroff
	exit
fi

# Write a file and read it back from the disk, so that there are batches to count.
fio --name=file --filename=/var/tmp/file --size=16M --bs=256k --rw=write --direct=1 \
	--verify=crc32c --do_verify=1 --verify_fatal=1 --output=/run/fio
echo "fio: exit $?"
rm /var/tmp/file
echo "kernel: $(uname -r)"
echo "packages: $(dpkg-query -W -f '${Package} ' 'linux-image-*' dm-crypt-mdu-tools)"
echo "root: $(findmnt -n -o SOURCE /)"
cryptsetup status root_crypt | sed -n 's/^ *\(type\|cipher\|keysize\|sector size\): */\1: /p'
echo "status: $(dmsetup status root_crypt)"
echo "page: $(man -w dm-crypt-mdu 2>&1)"
dm-crypt-measure --seconds 1 --rounds 3 --block-size 1m
echo "measure: exit $?"
echo "options dm_crypt batch_sectors=N" > /etc/modprobe.d/dm-crypt.conf
update-initramfs -u
echo "initramfs: exit $?"
systemctl reboot
