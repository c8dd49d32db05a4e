# SPDX-License-Identifier: GPL-2.0
#
# Compose, build, boot and test the kernel with the series.  "make help" lists
# the commands; each is a script that can be run by hand just as well.

BASES := $(notdir $(wildcard patches/[0-9]*))
LAST := $(lastword $(BASES))
BASE ?= 6.12
ARCH ?= x86_64
B := build/$(BASE)
LINUX := $(B)/linux
UNPATCHED := $(B)/linux-unpatched
# Of another architecture the programs come from Debian's packages of it.
SUFFIX := $(patsubst %,-%,$(filter-out x86_64,$(ARCH)))
SYSROOT := $(patsubst %,build/sysroot-%,$(filter-out x86_64,$(ARCH)))
# A build directory right below its tree lets ccache serve all trees.
KBUILD := $(LINUX)/.build$(SUFFIX)$(VARIANT:%=-%)
KERNEL := $(KBUILD)/image
VARIANTS := kasan kcsan rt
SELFTESTS := $(B)/kselftest$(SUFFIX)
ROOTFS := $(B)/rootfs$(SUFFIX).img

# What is downloaded and compiled is kept here, for all checkouts.
export DM_CRYPT_MDU_CACHE := $(or $(DM_CRYPT_MDU_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dm-crypt-mdu)
export CCACHE_DIR := $(DM_CRYPT_MDU_CACHE)/ccache
export CCACHE_MAXSIZE := 3G

.PHONY: help bench-accelerator bench-base deps tree kernel uml unpatched-tree unpatched unpatched-uml rootfs mutations qemu-xts shell demo deb demo-debian bench check check-long check-series test kunit refresh port series quilt clean

help:
	@echo 'The kernel with the series, BASE=$(BASE) (there are: $(BASES))'
	@echo
	@echo '  make demo      from nothing to the proof: a LUKS2 volume with and without batching'
	@echo '  make bench     what the series gains: tables, plots and bench.json in build/results,'
	@echo '                 and the tables of guide/performance.rst; on all bases, or one;'
	@echo '                 about 30 minutes, with QUICK=1 about 2, and the kernels before that'
	@echo '  make bench-accelerator'
	@echo '                 the same on QEMU'"'"'s virtio crypto device; about 5 minutes'
	@echo '  make check     all tests; ends with "N passed, N failed, N skipped"'
	@echo '  make check-long'
	@echo '                 arm64, sanitizer kernels (VARIANT), long and hostile runs: hours'
	@echo '  make test T=name'
	@echo '                 builds what changed, committed or not, and runs that selftest alone'
	@echo '                 (or several); natively in User-mode Linux where that can be (7.3)'
	@echo '  make kunit     KUnit and the ciphers'"'"' self-tests, natively in User-mode Linux;'
	@echo '                 ARCH=i386 or s390 (big-endian) in QEMU'
	@echo '  make mutations breaks the series in each of the ways in rig/mutations and sees the tests'
	@echo '                 notice it, on $(LAST) unless BASE says otherwise; M=name for one'
	@echo '  make check-series'
	@echo '                 each commit by itself: text, builds, sparse, variants, documentation'
	@echo '  make tree      composed kernel source, a git tree: $(LINUX)'
	@echo '  make kernel    bootable kernel: $(KERNEL)'
	@echo '  make uml       the same as a program of this machine (7.3): $(B)/um/linux'
	@echo '  make rootfs    what it boots into, with the tests: $(ROOTFS)'
	@echo '  make shell     that kernel in QEMU, with cryptsetup, dmsetup and fio at hand; with a'
	@echo '                 virtio crypto device if ACCELERATOR=1'
	@echo '  make deb       kernel packages for Debian, with its own configuration, and the manual'
	@echo '                 page, in OUT=dir (default $(B)/deb); FLAVOUR=amd64 for all drivers'
	@echo '  make demo-debian'
	@echo '                 Debian with these packages on a LUKS2 volume, installed and booted'
	@echo '                 in QEMU, and what it says about that volume'
	@echo '  make refresh   commits made in $(LINUX), back into patches/ and the files here'
	@echo '  make port BASE=X.Y'
	@echo '                 the series on another base, with git'"'"'s three-way merge: conflicts are'
	@echo '                 left in its tree, and "make refresh" makes patches/X.Y of the result'
	@echo '  make series    patches for mail, with a cover letter, in OUT=dir: see'
	@echo '                 rig/bin/series --help (SIGNOFF, UPSTREAM, FOR)'
	@echo '  make quilt     the series for quilt, and for Debian'"'"'s source package, in OUT=dir'
	@echo '  make qemu-xts  a QEMU whose accelerator has XTS, about 10 minutes: make check-long'
	@echo '                 uses it'
	@echo '  make deps      install the Debian packages that all of this needs'
	@echo '  make clean     remove build/'
	@echo
	@echo '  BASE=X.Y       another base kernel, from a newer Debian if this one does not have it;'
	@echo '                 without a series of its own it gets that of the nearest base'
	@echo '  ARCH=arm64     another processor, for tree, kernel, rootfs and shell'
	@echo '  VARIANT=kasan  a kernel that checks itself, for kernel and shell ($(VARIANTS))'
	@echo '  KSRC=path      take this kernel tree or tarball for the base'
	@echo '  JOBS=N         parallel jobs (default: one a processor)'

deps:
	@rig/bin/install-deps $(BASE) $(ARCH)

tree:
	@rig/bin/unpack-base $(BASE) $(LINUX)
	@rig/bin/compose $(BASE) $(LINUX)

MODULES = $(addprefix --module rig/modules/,mdu_cipher zone_append virtio_crypto_device)
kernel: tree
	@rig/boot/build-kernel.sh --arch $(ARCH) \
		--log $(B)/logs/kernel$(SUFFIX)$(VARIANT:%=-%).log \
		$(VARIANT:%=--fragment rig/boot/%.config) $(MODULES) \
		$(LINUX) $(KBUILD)

uml: tree
	@rig/bench/build-uml.sh --tests --log $(B)/logs/um.log $(MODULES) $(LINUX) $(B)/um

# Only the series has this option.
NOT_THERE = --allow-missing CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST
unpatched-uml: unpatched-tree
	@rig/bench/build-uml.sh --tests $(NOT_THERE) --log $(B)/logs/um-unpatched.log \
		$(UNPATCHED) $(B)/um-unpatched

unpatched-tree: tree
	@rig/bin/unpatched $(BASE) $(LINUX) $(UNPATCHED)

unpatched: unpatched-tree
	@rig/boot/build-kernel.sh --log $(B)/logs/kernel-unpatched.log \
		$(NOT_THERE) $(UNPATCHED) $(UNPATCHED)/.build

rootfs: tree
ifneq ($(SYSROOT),)
	@rig/boot/build-sysroot.sh --arch $(ARCH) $(SYSROOT)
endif
	@rig/boot/install-selftests.sh --arch $(ARCH) $(addprefix --sysroot ,$(SYSROOT)) \
		--log $(B)/logs/selftests$(SUFFIX).log $(LINUX) $(SELFTESTS)
	@rig/boot/build-rootfs.sh --arch $(ARCH) $(addprefix --sysroot ,$(SYSROOT)) \
		--selftests $(SELFTESTS) $(ROOTFS)

# For those who want to see XTS on QEMU's accelerator: boot.sh --emulator, and check-long.
qemu-xts:
	@rig/bin/install-deps $(BASE) qemu-xts
	@$(MAKE) --no-print-directory tree
	@rig/boot/build-qemu-xts.sh --log $(B)/logs/qemu-xts.log $(DM_CRYPT_MDU_CACHE)/qemu-xts

shell: kernel rootfs
	@rig/boot/boot.sh --arch $(ARCH) --kernel $(KERNEL) --rootfs $(ROOTFS) --job shell \
		$(if $(ACCELERATOR),--accelerator)

demo: deps
	@$(MAKE) --no-print-directory kernel rootfs
	@rig/bin/demo --kernel $(KERNEL) --rootfs $(ROOTFS) --dir $(B)/logs

DEBS = $(or $(OUT),$(B)/deb)
deb:
	@rig/bin/install-deps $(BASE) deb
	@$(MAKE) --no-print-directory tree
	@rig/bin/build-deb $(BASE) $(LINUX) "$(DEBS)"

DEBIAN_DISK := $(B)/debian.img
demo-debian: deb
	@rig/bin/install-deps $(BASE) demo-debian
	@$(MAKE) --no-print-directory kernel rootfs
	@rig/debian/build-image.sh --packages "$(DEBS)" --kernel $(KERNEL) \
		--rootfs $(ROOTFS) $(DEBIAN_DISK)
	@rig/debian/boot-image.py $(DEBIAN_DISK)

# All bases, unless one is named.
CHECKED := $(if $(filter file,$(origin BASE)),$(BASES),$(BASE))
check:
	@rig/bin/check $(CHECKED)

check-long:
	@rig/bin/check --long $(CHECKED)

test:
	@rig/bin/test $(BASE) $(T)

# ARCH= is for QEMU there.
kunit: tree
	@rig/bin/install-deps $(BASE) $(KUNIT_ARCH:%=kunit-%)
	@rig/bin/kunit $(BASE) $(KUNIT_ARCH)
KUNIT_ARCH = $(filter-out x86_64,$(ARCH))

# Where they run natively.
mutations:
	@$(MAKE) --no-print-directory rootfs BASE=$(MUTATED)
	@rig/bin/mutations $(MUTATED) $(M)
MUTATED = $(if $(filter file,$(origin BASE)),$(LAST),$(BASE))

# In QEMU, and on the bases that can be had as a program, natively.
BENCH_TREES = --base $(BASE) --unpatched $(UNPATCHED) --patched $(LINUX) --rootfs $(ROOTFS)
BENCH_NATIVE = $(addprefix --native ,$(shell sed -n 's|^BENCH_NATIVE=yes$$|$(B)/uml|p' patches/$(BASE)/base))
BENCH_PAGE := guide/performance.rst
bench-base:
	@rig/bin/install-deps $(BASE) bench
	@$(MAKE) --no-print-directory unpatched-tree rootfs
	@rig/bench/run.sh $(BENCH_TREES) \
		$(BENCH_NATIVE) --results $(or $(RESULTS),build/results) -- --keep \
		--command 'make bench$(if $(QUICK), QUICK=1)' \
		$(if $(QUICK),--quick,--document $(BENCH_PAGE)) $(if $(RESULTS),--check)

bench:
	@for base in $(CHECKED); do \
		$(MAKE) --no-print-directory bench-base BASE=$$base || exit; \
	done

# Where "make qemu-xts" has been run, with XTS.
EMULATOR = $(wildcard $(DM_CRYPT_MDU_CACHE)/qemu-xts/qemu-system-x86_64)
bench-accelerator: kernel rootfs
	@rig/bench/accelerator.py --kernel $(KERNEL) \
		--rootfs $(ROOTFS) $(EMULATOR:%=--emulator %) \
		--results $(or $(RESULTS),build/results)/accelerator-$(BASE) \
		$(if $(RESULTS),--check,--document $(BENCH_PAGE))

check-series:
	@rig/bin/install-deps $(BASE) check-series
	@$(MAKE) --no-print-directory unpatched
	@UNPATCHED=$(UNPATCHED)/.build rig/bin/check-series $(BASE) $(LINUX) $(B)/linux-commits

refresh:
	@rig/bin/refresh $(BASE) $(LINUX)

port:
	@rig/bin/install-deps $(BASE)
	@rig/bin/port $(BASE) $(LINUX)

# The name may have spaces, and make exports it.
series:
	@rig/bin/series $(BASE) $(B) "$$OUT"

quilt: tree
	@rig/bin/install-deps $(BASE) quilt
	@rig/bin/quilt $(BASE) $(LINUX) "$$OUT"

clean:
	rm -rf build
