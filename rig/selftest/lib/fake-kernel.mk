# SPDX-License-Identifier: GPL-2.0
#
# The Makefile of the kernel that check-series.sh makes.  It has only the targets that
# check-series builds, and runs real compilers and a real sparse.

MAKEFLAGS += -r
-include $(O)/include/config/auto.conf

define directory
obj-y :=
obj-m :=
-include $(1)Makefile
$(1): $$(addprefix $(1),$$(obj-y) $$(obj-m))
endef
$(foreach dir,crypto/ drivers/md/ arch/x86/crypto/,$(eval $(call directory,$(dir))))
drivers/: drivers/md/
arch/x86/: arch/x86/crypto/

%.o: FORCE
	@mkdir -p $(O)/$(@D)
	@$(CC) $(if $(filter i386,$(ARCH)),-m32) $(if $(W),-Wall) -Iinclude \
		-c -o $(O)/$@ $(@:.o=.c)
	@echo 'source := $(@:.o=.c)' >$(O)/$(@D)/.$(@F).cmd
	$(if $(C),@echo '  CHECK   $(@:.o=.c)' && sparse $(CF) -Iinclude $(@:.o=.c))
allnoconfig:
	@mkdir -p $(O)
	@grep -v '^# [A-Z]' $(KCONFIG_ALLCONFIG) >$(O)/.config
	@if [ -f drop ]; then sed -i "/$$(cat drop)/d" $(O)/.config; fi
$(O)/include/config/auto.conf: $(O)/.config $(wildcard crypto/Kconfig)
	@mkdir -p $(@D)
	@grep -qs DATA_UNIT crypto/Kconfig || sed -i /DATA_UNIT/d $(O)/.config
	@grep ^CONFIG_ $(O)/.config >$@
vmlinux modules:
	@! grep -r '^UNEXPORTED' crypto/*.c /dev/null | \
		sed 's/.*UNEXPORTED/ERROR: modpost: undefined!/' | grep .
htmldocs:
	@for page in $(wildcard $(addsuffix /*.rst,$(addprefix Documentation/,$(SPHINXDIRS)))); do \
		grep -nH BAD $$page | sed 's/BAD.*/WARNING: it is bad/'; \
		grep -q NOT_OUT $$page && continue; \
		mkdir -p $(O)/Documentation/output/$$(basename $$(dirname $$page)); \
		cp $$page $(O)/Documentation/output/crypto/$$(basename $$page .rst).html; \
	done
FORCE:
.PHONY: FORCE allnoconfig vmlinux modules htmldocs
.PHONY: crypto/ drivers/ drivers/md/ arch/x86/ arch/x86/crypto/
