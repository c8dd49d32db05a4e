#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a Debian on an encrypted volume says about it, on the second serial line.  It then
# does what the manual page says of switching batching off for good, boots once more, says
# what came of that, and switches itself off.

set -u

exec > /dev/ttyS1 2>&1

if [ -e /etc/modprobe.d/dm-crypt.conf ]; then
	echo "status afterwards: $(dmsetup status root_crypt)"
	echo "end"
	systemctl poweroff
	exit
fi

# Enough I/O to count: a file that is written, and read back from the disk.
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
