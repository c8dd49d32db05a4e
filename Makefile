# SPDX-License-Identifier: GPL-2.0
#
# Compose, build, boot and test the kernel with the series.  "make help" lists
# the commands.  Each command is a script that can also be run by hand.

BASES := $(notdir $(wildcard patches/[0-9]*))
LAST := $(lastword $(BASES))
BASE ?= 6.12
ARCH ?= x86_64
B := build/$(BASE)
COMPOSED := $(B)/linux
# With TOPIC, a tree with only the commits of that mail.
LINUX := $(COMPOSED)$(TOPIC:%=-%)
UNPATCHED := $(B)/linux-unpatched
# The programs of another architecture come from its Debian packages.
SUFFIX := $(patsubst %,-%,$(filter-out x86_64,$(ARCH)))
SYSROOT := $(patsubst %,build/sysroot-%,$(filter-out x86_64,$(ARCH)))
# A build directory right below its tree lets ccache share compiled files between all trees.
KBUILD := $(LINUX)/.build$(SUFFIX)$(VARIANT:%=-%)
KERNEL := $(KBUILD)/image
VARIANTS := kasan kcsan rt, and neon tags 16k 64k with ARCH=arm64
SELFTESTS := $(B)/kselftest$(SUFFIX)
ROOTFS := $(B)/rootfs$(SUFFIX).img

# Cache of downloads and compiled files, shared by all checkouts.
export DM_CRYPT_MDU_CACHE := $(or $(DM_CRYPT_MDU_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dm-crypt-mdu)
export CCACHE_DIR := $(DM_CRYPT_MDU_CACHE)/ccache
export CCACHE_MAXSIZE := 3G

.PHONY: help bench-accelerator bench-base deps tree kernel uml unpatched-tree unpatched unpatched-uml rootfs mutations qemu-xts shell demo deb demo-debian bench check check-long check-series test kunit refresh port series size quilt clean

help:
	@echo 'The kernel with the series, BASE=$(BASE) (there are: $(BASES))'
	@echo
	@echo '  make demo      build all, and show a LUKS2 volume with and without batching'
	@echo '  make bench     measure the gain: plots and performance.json in build/results, and'
	@echo '                 guide/performance.rst with its data; on all bases, or BASE; about'
	@echo '                 30 minutes, with QUICK=1 about 2, after the kernels are built'
	@echo '  make bench-accelerator'
	@echo '                 the same on QEMU'"'"'s virtio crypto device; about 5 minutes'
	@echo '  make check     run all tests but those of check-long; ends with'
	@echo '                 "N passed, N failed, N skipped"'
	@echo '  make check-long'
	@echo '                 run the tests that take hours: arm64, sanitizer kernels (VARIANT),'
	@echo '                 long random runs, damaged tables, each commit by itself'
	@echo '  make test T=name'
	@echo '                 build all changes, committed or not, and run only that selftest (or'
	@echo '                 several); natively in User-mode Linux where possible (7.3)'
	@echo '  make kunit     run KUnit and the ciphers'"'"' self-tests, natively in User-mode Linux;'
	@echo '                 with ARCH=i386 or s390 (big-endian) in QEMU'
	@echo '  make mutations break the series in each of the ways in rig/mutations, and check that'
	@echo '                 a test notices; on $(LAST), or on BASE; M=name for one mutation'
	@echo '  make check-series'
	@echo '                 check each commit, or those of TOPIC: text, builds, sparse, variants,'
	@echo '                 documentation'
	@echo '  make tree      compose the kernel source, a git tree: $(LINUX)'
	@echo '  make kernel    build the bootable kernel: $(KERNEL)'
	@echo '  make uml       build that kernel as a program of the host (7.3): build/$(LAST)/um/source/.build/image'
	@echo '  make rootfs    build the root file system with the tests: $(ROOTFS)'
	@echo '  make shell     boot that kernel in QEMU and start a shell, with cryptsetup, dmsetup'
	@echo '                 and fio; ACCELERATOR=1 adds a virtio crypto device'
	@echo '  make deb       build kernel packages with Debian'"'"'s configuration, and one with'
	@echo '                 the manual page, in OUT=dir (default $(B)/deb);'
	@echo '                 FLAVOUR=amd64 for all drivers'
	@echo '  make demo-debian'
	@echo '                 install Debian with these packages on a LUKS2 volume, boot it in'
	@echo '                 QEMU, and print its report about that volume'
	@echo '  make refresh   turn the commits in $(LINUX) into patches/ and the files here'
	@echo '  make port BASE=X.Y'
	@echo '                 put the series on another base with git'"'"'s three-way merge; conflicts'
	@echo '                 stay in its tree, and "make refresh" makes patches/X.Y of the result'
	@echo '  make series    write patches for mail, a directory with a cover letter for each topic,'
	@echo '                 to OUT=dir, or only those of TOPIC; see rig/bin/series --help'
	@echo '                 (SIGNOFF, UPSTREAM, FOR)'
	@echo '  make quilt     write the series for quilt and Debian'"'"'s source package to OUT=dir'
	@echo '  make qemu-xts  build a QEMU whose accelerator has XTS, for make check-long; about 10'
	@echo '                 minutes'
	@echo '  make size      count lines: of the product, of tests and rig, and of each commit'
	@echo '  make deps      install the Debian packages that all of this needs'
	@echo '  make clean     remove build/'
	@echo
	@echo '  BASE=X.Y       another base kernel, from a newer Debian if the host'"'"'s Debian'
	@echo '                 lacks it; a base without a series gets that of the nearest base'
	@echo '  TOPIC=name     only the commits of one mail, on those it is built on, for series,'
	@echo '                 check-series, tree, kernel, uml; patches/topics has the names;'
	@echo '                 except for series, also a directory of patches/X.Y/alternatives'
	@echo '  ARCH=arm64     another processor, for tree, kernel, rootfs, test, shell, bench'
	@echo '  VARIANT=kasan  a kernel that checks itself, for kernel, test and shell:'
	@echo '                 $(VARIANTS)'
	@echo '  KSRC=path      use this kernel tree or tarball as the base'
	@echo '  JOBS=N         parallel jobs (default: one per processor)'

deps:
	@rig/bin/install-deps $(BASE) $(ARCH)

tree:
	@rig/bin/unpack-base $(BASE) $(COMPOSED)
	@rig/bin/compose $(BASE) $(COMPOSED)
	@$(TOPIC:%=rig/bin/topic $(BASE) $(COMPOSED) % $(LINUX))

MODULES = $(addprefix --module rig/modules/,mdu_cipher virtio_crypto_device)
kernel: tree
	@rig/boot/build-kernel.sh --arch $(ARCH) \
		--log $(B)/logs/kernel$(SUFFIX)$(VARIANT:%=-%)$(TOPIC:%=-%).log \
		$(VARIANT:%=--fragment rig/boot/%.config) $(MODULES) $(if $(TOPIC),$(NOT_THERE)) \
		$(LINUX) $(KBUILD)

# build_uml TREE,DIR,LOG,OPTIONS: makes DIR/linux, User-mode Linux with the AES code of x86.
build_uml = rig/boot/copy-tree.sh $(1) $(2) rig/bench/uml.diff && \
	rig/boot/build-kernel.sh --arch um --log $(3) $(4) $(2)/source $(2)/source/.build && \
	ln -sf source/.build/linux $(2)/linux
uml: tree
	@$(call build_uml,$(LINUX),$(B)/um$(TOPIC:%=-%),$(B)/logs/um$(TOPIC:%=-%).log,\
		$(MODULES) $(if $(TOPIC),$(NOT_THERE)))

# Only a kernel with data-units has this option.
NOT_THERE = --allow-missing CRYPTO_SKCIPHER_DATA_UNIT_KUNIT_TEST
unpatched-uml: unpatched-tree
	@$(call build_uml,$(UNPATCHED),$(B)/um-unpatched,$(B)/logs/um-unpatched.log,\
		$(MODULES) $(NOT_THERE))

unpatched-tree: tree
	@rig/bin/unpatched $(BASE) $(COMPOSED) $(UNPATCHED)

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

# XTS on QEMU's accelerator: for boot.sh --emulator, bench-accelerator and check-long.
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
	@rig/debian/boot-image.sh $(DEBIAN_DISK)

# All bases, unless BASE names one.
CHECKED := $(if $(filter file,$(origin BASE)),$(BASES),$(BASE))
check:
	@rig/bin/check $(CHECKED)

check-long:
	@rig/bin/check --long $(CHECKED)

test:
	@rig/bin/test $(BASE) $(T)

# With an ARCH other than x86_64, kunit runs in QEMU.
kunit: tree
	@rig/bin/install-deps $(BASE) $(KUNIT_ARCH:%=kunit-%)
	@rig/bin/kunit $(BASE) $(KUNIT_ARCH)
KUNIT_ARCH = $(filter-out x86_64,$(ARCH))

# By default the last base, where the tests run natively.
mutations:
	@$(MAKE) --no-print-directory rootfs BASE=$(MUTATED)
	@$(if $(filter arm64-%,$(or $(M),arm64-all)),rig/bin/install-deps $(MUTATED) arm64 && \
		$(MAKE) --no-print-directory rootfs BASE=$(MUTATED) ARCH=arm64)
	@rig/bin/mutations $(MUTATED) $(M)
MUTATED = $(if $(filter file,$(origin BASE)),$(LAST),$(BASE))

# In QEMU, and also natively on the bases that can be built as User-mode Linux.  A build
# directory right below its tree lets ccache share compiled files between both trees.
BENCH_NATIVE = $(if $(SUFFIX),,$(shell sed -n 's|^BENCH_NATIVE=||p' patches/$(BASE)/base 2> /dev/null))
BENCH_PAGE := guide/performance.rst
BENCH_RESULTS = $(or $(RESULTS),build/results)
BENCH_LOG = $(BENCH_RESULTS)/logs/kernel-$(BASE)$(SUFFIX)
BENCH_BUILD = --module rig/bench/module --config rig/bench/kernel.config
bench_kernel = rig/boot/build-kernel.sh --arch $(ARCH) $(BENCH_BUILD) \
	--config rig/bench/$(ARCH).config --allow-missing DM_INLINECRYPT \
	--allow-missing CRYPTO_MANAGER_DISABLE_TESTS --log $(BENCH_LOG)-$(2).log \
	$(1) $(1)/.build-bench$(SUFFIX)
bench_uml = $(call build_uml,$(1),$(B)/uml/$(2),$(BENCH_LOG)-$(2)-um.log,\
	$(BENCH_BUILD) --config rig/bench/uml.config)
BENCH_RUN = --arch $(ARCH) --exact $(BASE)
BENCH_RUN += $(UNPATCHED)/.build-bench$(SUFFIX) $(LINUX)/.build-bench$(SUFFIX)
BENCH_RUN += $(if $(BENCH_NATIVE),--native $(BASE) $(UML_BUILDS))
UML_BUILDS = $(B)/uml/unpatched/source/.build $(B)/uml/patched/source/.build
bench-base:
	@rig/bin/install-deps $(BASE) bench $(ARCH)
	@$(MAKE) --no-print-directory unpatched-tree rootfs
	@$(call bench_kernel,$(UNPATCHED),unpatched)
	@$(call bench_kernel,$(LINUX),patched)
	@$(if $(BENCH_NATIVE),$(call bench_uml,$(UNPATCHED),unpatched))
	@$(if $(BENCH_NATIVE),$(call bench_uml,$(LINUX),patched))
	@rig/bench/bench.py $(BENCH_RUN) --rootfs $(ROOTFS) --results $(BENCH_RESULTS) \
		--command 'make bench$(SUFFIX:-%= ARCH=%)$(if $(QUICK), QUICK=1)' \
		$(if $(QUICK),--quick,--document $(BENCH_PAGE)) $(if $(RESULTS),--check)

bench:
	@for base in $(CHECKED); do \
		$(MAKE) --no-print-directory bench-base BASE=$$base || exit; \
	done

# With XTS, if "make qemu-xts" has built a QEMU for it.
EMULATOR = $(wildcard $(DM_CRYPT_MDU_CACHE)/qemu-xts/qemu-system-x86_64)
bench-accelerator: kernel rootfs
	@rig/bench/bench.py --accelerator $(KBUILD) --rootfs $(ROOTFS) $(EMULATOR:%=--emulator %) \
		--results $(BENCH_RESULTS)/accelerator-$(BASE) --command 'make bench-accelerator' \
		$(if $(RESULTS),--check,--document $(BENCH_PAGE))

# An alternative may change the code that callers of the crypto API execute.
ALTERNATIVE = $(if $(TOPIC),$(wildcard patches/*/alternatives/$(TOPIC)))
check-series:
	@rig/bin/install-deps $(BASE) check-series clang
	@$(if $(ALTERNATIVE),,$(MAKE) --no-print-directory unpatched)
	@$(if $(ALTERNATIVE),,UNPATCHED=$(UNPATCHED)/.build) \
		rig/bin/check-series $(BASE) $(LINUX) $(LINUX)-commits

refresh:
	@rig/bin/refresh $(BASE) $(COMPOSED)

port:
	@rig/bin/install-deps $(BASE)
	@rig/bin/port $(BASE) $(COMPOSED)

# The name in OUT may have spaces.  make exports OUT to the shell.
series:
	@rig/bin/series $(BASE) $(B) "$$OUT"

size: tree
	@rig/bin/size $(BASE) $(LINUX)

quilt: tree
	@rig/bin/install-deps $(BASE) quilt
	@rig/bin/quilt $(BASE) $(LINUX) "$$OUT"

clean:
	rm -rf build
