# SPDX-License-Identifier: GPL-2.0
#
# The Makefile of the kernel that fake-kernel.sh makes.

$(filter %.o,$(MAKECMDGOALS)): FORCE
	@mkdir -p $(O)/$(@D)
	@$(CC) $(if $(filter i386,$(ARCH)),-m32) $(if $(W),-Wall) -Iinclude \
		-c -o $(O)/$@ $(@:.o=.c)
	$(if $(C),@cd $(O) && $(CHECK) -I../include ../$(@:.o=.c))
allnoconfig:
	@mkdir -p $(O)
	@grep -v -e '^# [A-Z]' -e NOT_HERE $(KCONFIG_ALLCONFIG) >$(O)/.config
	@if [ -f drop ]; then sed -i "/$$(cat drop)/d" $(O)/.config; fi
syncconfig:
	@mkdir -p $(O)/include/config
	@grep -qs DATA_UNIT crypto/Kconfig || sed -i /DATA_UNIT/d $(O)/.config
	@grep ^CONFIG_ $(O)/.config >$(O)/include/config/auto.conf
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
.PHONY: FORCE allnoconfig syncconfig vmlinux modules htmldocs
