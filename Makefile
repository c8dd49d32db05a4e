# SPDX-License-Identifier: GPL-2.0
#
# Compose, build, boot and test the kernel with the series.  "make help" lists
# the commands; each is a script that can be run by hand just as well.

BASE ?= 6.12
B := build/$(BASE)
LINUX := $(B)/linux
UNPATCHED := $(B)/linux-unpatched
QEMU := $(LINUX)/tools/testing/selftests/dm-crypt-mdu/qemu
# A build directory right below its tree lets ccache serve both trees.
KERNEL := $(LINUX)/.build/arch/x86/boot/bzImage
UNPATCHED_KERNEL := $(UNPATCHED)/.build/arch/x86/boot/bzImage

CACHE := $(or $(DM_CRYPT_MDU_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dm-crypt-mdu)
export CCACHE_DIR := $(CACHE)/ccache
export CCACHE_MAXSIZE := 3G

.PHONY: help deps tree kernel unpatched rootfs shell demo check refresh clean

help:
	@echo 'The kernel with the series, BASE=$(BASE) (there are: $(notdir $(wildcard patches/[0-9]*)))'
	@echo
	@echo '  make demo      from nothing to the proof: a LUKS2 volume with and without batching'
	@echo '  make check     all tests; ends with "N passed, N failed, N skipped"'
	@echo '  make tree      composed kernel source, a git tree: $(LINUX)'
	@echo '  make kernel    bootable kernel: $(KERNEL)'
	@echo '  make shell     that kernel in QEMU, with cryptsetup, dmsetup and fio at hand'
	@echo '  make refresh   commits made in $(LINUX), back into patches/ and the files here'
	@echo '  make deps      install the Debian packages that all of this needs'
	@echo '  make clean     remove build/'
	@echo
	@echo '  BASE=X.Y       another base kernel'
	@echo '  KSRC=path      take this kernel tree or tarball for the base'
	@echo '  JOBS=N         parallel jobs (default: one a processor)'

deps:
	@patches/bin/install-deps $(BASE)

tree:
	@patches/bin/unpack-base $(BASE) $(LINUX)
	@patches/bin/compose $(BASE) $(LINUX)

kernel: tree
	@$(QEMU)/build-kernel.sh --log $(B)/logs/kernel.log $(LINUX) $(LINUX)/.build

unpatched: tree
	@patches/bin/unpatched $(BASE) $(LINUX) $(UNPATCHED)
	@$(QEMU)/build-kernel.sh --log $(B)/logs/kernel-unpatched.log \
		--allow-missing CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST \
		$(UNPATCHED) $(UNPATCHED)/.build

rootfs: tree
	@$(QEMU)/install-selftests.sh --log $(B)/logs/selftests.log $(LINUX) $(B)/kselftest
	@$(QEMU)/build-rootfs.sh --selftests $(B)/kselftest $(B)/rootfs.img

shell: kernel rootfs
	@$(QEMU)/boot.sh --kernel $(KERNEL) --rootfs $(B)/rootfs.img --job shell

demo: deps
	@$(MAKE) --no-print-directory kernel rootfs
	@$(QEMU)/demo.sh --kernel $(KERNEL) --rootfs $(B)/rootfs.img --dir $(B)/logs

check: deps
	@patches/bin/check $(BASE)

refresh:
	@patches/bin/refresh $(BASE) $(LINUX)

clean:
	rm -rf build
