#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Installs Debian, from a tar archive on the second disk, on a LUKS2 volume with sectors
# of 512 bytes on the first disk.  The first disk has two partitions: /boot and the volume.
#
# usage: install-debian VOLUME_UUID ROOT_UUID BOOT_UUID PASSPHRASE

set -eu
set -o pipefail

disk=/dev/vdb
archive=/dev/vdc
root=/run/root
passphrase=/run/passphrase
echo -n "$4" > $passphrase

cryptsetup luksFormat --batch-mode --type luks2 --uuid "$1" --sector-size 512 \
	--pbkdf pbkdf2 --key-file $passphrase ${disk}2
cryptsetup open --key-file $passphrase --allow-discards ${disk}2 root_crypt
mkfs.ext4 -q -U "$2" /dev/mapper/root_crypt
mkfs.ext4 -q -U "$3" ${disk}1
mkdir $root
mount /dev/mapper/root_crypt $root
mkdir $root/boot
mount ${disk}1 $root/boot
tar -x --numeric-owner -f $archive -C $root

for dir in dev proc sys run; do
	mkdir -p $root/$dir
	mount --bind /$dir $root/$dir
done
chroot $root grub-install --target=i386-pc $disk
chroot $root update-grub
grep 'linux.*root=' $root/boot/grub/grub.cfg | head -n 1
umount $root/{dev,proc,sys,run} $root/boot $root
dmsetup status root_crypt
cryptsetup close root_crypt
