#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install Debian, with the given kernel packages, on a LUKS2 volume in a disk image that
# boots by itself: with GRUB, an initramfs by cryptsetup-initramfs that asks for the
# passphrase, and systemd.
#
# usage: build-image.sh --packages DIR --kernel IMAGE --rootfs IMG DISK
#
#   DISK             the resulting image, of 4 GiB, most of which are holes; the output
#                    of mmdebstrap and sfdisk is in DISK.log
#   --packages DIR   the packages (.deb) to install besides Debian's own
#   --kernel IMAGE   made by ../boot/build-kernel.sh, for the guest that formats the volume
#   --rootfs IMG     made by ../boot/build-rootfs.sh, for the same guest
#   --help
#
# mmdebstrap fetches the host's release of Debian from the host's apt sources.  It needs
# root or user namespaces.  No disk of the host is mounted or mapped: the volume is made
# in QEMU.  The passphrase is "dm-crypt-mdu", in DISK.passphrase.

set -eu
set -o pipefail

. "$(dirname "$0")/../boot/_lib.sh"
. "$BOOT/_apt.sh"
# sfdisk and mke2fs are not in the PATH of ordinary users everywhere.
PATH=$PATH:/usr/sbin:/sbin

packages=
kernel=
rootfs=
parse_options packages kernel rootfs -- "$@"
need_operands 1 "one DISK"
# shellcheck disable=SC2154 # parse_options() sets it
disk=$(realpath -m "${operands[0]}")
log=$disk.log
need_tools mmdebstrap:mmdebstrap sfdisk:fdisk
debs=("$packages"/*.deb)
[ -e "${debs[0]}" ] || die "no packages (.deb) in $packages"

mkdir -p "$(dirname "$disk")"
stage=$(mktemp -d "$disk.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' INT TERM
: > "$log"

# Choose the UUIDs first: the initramfs needs them before the volume exists.
volume_uuid=$(< /proc/sys/kernel/random/uuid)
root_uuid=$(< /proc/sys/kernel/random/uuid)
boot_uuid=$(< /proc/sys/kernel/random/uuid)
files=$stage/files
mkdir -p "$files"/etc/{default/grub.d,systemd/system} "$files/usr/local/sbin"
cat > "$files/etc/crypttab" << END
root_crypt UUID=$volume_uuid none luks,discard,initramfs
END
cat > "$files/etc/fstab" << END
UUID=$root_uuid / ext4 errors=remount-ro 0 1
UUID=$boot_uuid /boot ext4 defaults 0 2
END
echo dm-crypt-mdu > "$files/etc/hostname"
cat > "$files/etc/default/grub.d/serial.cfg" << 'END'
GRUB_TIMEOUT=0
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_CMDLINE_LINUX="console=ttyS0 tsc=reliable no_timer_check"
GRUB_CMDLINE_LINUX_DEFAULT=
END
install -m 755 "$RIG/debian/report.sh" "$files/usr/local/sbin/dm-crypt-mdu-report"
cp "$RIG/debian/report.service" "$files/etc/systemd/system/dm-crypt-mdu-report.service"

echo "Fetching and unpacking Debian, full output in $log"
sources=$(debian_sources)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mkdir "$stage/debs"
cp "${debs[@]}" "$stage/debs"
tar -C "$files" -cf "$stage/files.tar" --owner=0 --group=0 .
# shellcheck disable=SC2016 # for the shell that runs the hooks
mmdebstrap --variant=minbase --format=tar \
	--include=systemd-sysv,udev,kmod,initramfs-tools,cryptsetup-initramfs,zstd \
	--include=grub-pc-bin,grub2-common,dmsetup,fio,procps,mount,fdisk,man-db,mawk \
	--customize-hook="tar-in '$stage/files.tar' /" \
	--customize-hook="copy-in $stage/debs /tmp" \
	--customize-hook='chroot "$1" sh -c "dpkg -i /tmp/debs/*.deb && rm -r /tmp/debs"' \
	--customize-hook='chroot "$1" systemctl enable dm-crypt-mdu-report.service' \
	--customize-hook='chroot "$1" passwd -d root' \
	"$suite" "$stage/root.tar" - <<< "$sources" >> "$log" 2>&1 || {
	tail -n 20 "$log" >&2
	die "Debian cannot be unpacked, see $log"
}

truncate -s 4G "$stage/disk"
sfdisk --quiet "$stage/disk" >> "$log" << 'END'
label: dos
start=2048, size=512MiB, type=83, bootable
type=83
END
echo -n dm-crypt-mdu > "$disk.passphrase"
truncate -s %512 "$stage/root.tar"
"$BOOT/boot.sh" --kernel "$kernel" --rootfs "$rootfs" --job install-debian \
	--disk "$stage/disk" --disk "$stage/root.tar" --timeout 1800 \
	--args "$volume_uuid $root_uuid $boot_uuid $(< "$disk.passphrase")" \
	--log "$disk.install.console" --report "$disk.install.report"
mv "$stage/disk" "$disk"
echo "Debian on a LUKS2 volume: $disk, passphrase \"$(< "$disk.passphrase")\""
