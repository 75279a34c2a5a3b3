# SPDX-License-Identifier: GPL-2.0
#
# What a person types. How the module is built stands in Kbuild, how it is
# tested in selftests/. Nothing but install changes the system, and deps
# installs packages, none of them a kernel.

KERNELS ?= 6.1-cloud 6.12-cloud
JOBS ?= $(shell nproc)
DESTDIR ?=
prefix ?= /usr
export KERNELS JOBS ACCEL TIME

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KDIR := /lib/modules/$(shell uname -r)/build
VM := selftests/vm
# The newest kernel of the list.
DEMO_KERNEL := $(lastword $(KERNELS))

help:
	@echo 'make all          the module for the running kernel, and the command'
	@echo 'make modules      the module for each of KERNELS, in build/module-*'
	@echo 'make tools        the command, tools/piotrap'
	@echo 'make bpf          piosnoop, piotop, pendingdbg..., in build/bpf;'
	@echo '                  needs clang, bpftool and libbpf'
	@echo 'make demo         see it work, in a virtual machine'
	@echo 'make check        all tests; ends with a line of totals'
	@echo 'make check-debug  the selftests on a kernel with KASAN, lockdep...;'
	@echo '                  builds that kernel first, once: half an hour'
	@echo 'make check-kcsan  the same with KCSAN, which finds data races'
	@echo 'make check-preempt  on PREEMPT_RT, and with each preempt= of KERNELS'
	@echo 'make fuzz         the emulator, for TIME seconds (60), with libFuzzer or ENGINE=afl;'
	@echo '                  AGAINST=unicorn: beside Unicorn'
	@echo 'make stress       load and killed owners, TIME=60 seconds for each part'
	@echo 'make coverage     lines and branches that the tests execute: of the emulator,'
	@echo '                  and, on the debug kernel, of the module'
	@echo 'make scoreboard   debug traps in this and in other emulators, a table'
	@echo 'make bench        how fast, beside other emulators; QUICK=1: this one alone'
	@echo 'make bench-kernel what a run costs in the kernel, in instructions'
	@echo 'make bench-smp    how much more two sandboxes do at once than one'
	@echo 'make lint         checkpatch, sparse, W=1, coccicheck, clang'\''s analyzer, shellcheck'
	@echo 'make install      sources for dkms, ABI header, command, udev rule'
	@echo 'make install-bpf  piosnoop and the others'
	@echo 'make uninstall    remove these'
	@echo 'make clean        remove what was built; kernels are kept'
	@echo 'make distclean    remove build/ altogether'
	@echo 'make deps         install the Debian packages all this needs'
	@echo
	@echo 'KERNELS="$(KERNELS)"  to test on; also 6.1-rt, 6.1-generic'
	@echo 'SUITES="..."  which to check, by the beginning of their names'
	@echo 'ACCEL=tcg|kvm  for virtual machines (default: kvm if the CPU can)'
	@echo 'JOBS=$(JOBS)  DESTDIR=  prefix=$(prefix)'
	@echo 'PIOTRAP_VECTORS=DIR  test vectors of real CPUs'

all: tools
	@if [ -e $(KDIR) ]; then \
		$(MAKE) -C $(KDIR) M=$(CURDIR) modules; \
	else \
		echo 'No headers of the running kernel ($(KDIR)): module not built.'; \
		echo 'Install linux-headers-$(shell uname -r), or try make demo.'; \
	fi

modules: deps
	@for k in $(KERNELS); do $(VM)/module.sh $$k || exit; done

tools:
	$(MAKE) -C tools

bpf:
	$(MAKE) -C bpf

demo: deps
	@PIOTRAP_BPF=1 $(VM)/piotrap.sh --kernel $(DEMO_KERNEL) --disk -- sh /root/demo.sh

check: deps
	@selftests/check.sh $(SUITES)

check-debug: deps
	@selftests/check.sh --debug $(SUITES)

check-kcsan: deps
	@selftests/check.sh --kcsan $(SUITES)

check-preempt: deps
	@selftests/check.sh --preempt $(SUITES)

coverage: deps
	@$(MAKE) -s --no-print-directory -C emulator coverage
	@selftests/coverage.sh

TIME ?= 60

fuzz: deps
	@[ '$(ENGINE)' != afl ] || selftests/vm/deps.sh afl
	@$(MAKE) -s --no-print-directory -C emulator fuzz TIME=$(TIME)

stress: deps
	@selftests/check.sh --stress $(SUITES)

# Bochs, QEMU, Unicorn, KVM; a few minutes. Writes Documentation/scoreboard.rst.
scoreboard: deps
	@$(MAKE) -s --no-print-directory -C emulator scoreboard

# ROUNDS=15; ten minutes. QUICK=1: less than a minute. UPDATE=1: also into
# Documentation/speed.rst.
bench: deps
	@$(VM)/deps.sh bench
	@$(MAKE) -s --no-print-directory -C emulator/bench bench

# Deterministic; a minute. Writes selftests/bench-kernel/figures.txt.
bench-kernel: deps
	@selftests/bench-kernel/run.sh --update

# A few minutes; needs two CPUs that have nothing else to do.
bench-smp: deps
	@selftests/bench-kernel/smp.sh

lint: deps
	@selftests/lint.sh

deps:
	@$(VM)/deps.sh

# dkms builds from its own copy of the sources.
SRC := $(DESTDIR)$(prefix)/src/piotrap-$(VERSION)
SOURCES = Kbuild dkms.conf COPYING \
	$(shell find module emulator \( -name 'test*' -o -name bench \) -prune -o \
		\( -name '*.[chS]' -o -name '*.mk' -o -name 'Kbuild*' \) -print)
MAN = $(wildcard Documentation/*.[1-7] Documentation/man/*.[1-7] tools/*.[1-7])
# The tools on libbpf and their pages.
BPF := piosnoop piotop pendingdbg repbreak piolat
MAN_BPF = $(wildcard Documentation/man/*.8)

install: tools
	for f in $(SOURCES); do install -D -m 644 $$f $(SRC)/$$f || exit; done
	for f in piotrap.h piotrap_convert.h; do \
		install -D -m 644 module/uapi/linux/$$f \
			$(DESTDIR)$(prefix)/include/linux/$$f || exit; done
	install -D -m 755 tools/piotrap $(DESTDIR)$(prefix)/bin/piotrap
	install -D -m 644 tools/60-piotrap.rules \
		$(DESTDIR)$(prefix)/lib/udev/rules.d/60-piotrap.rules
	install -D -m 644 tools/piotrap.sysusers \
		$(DESTDIR)$(prefix)/lib/sysusers.d/piotrap.conf
	for f in $(MAN); do install -D -m 644 $$f \
		$(DESTDIR)$(prefix)/share/man/man$${f##*.}/$${f##*/} || exit; done
	@echo 'Next, as root: systemd-sysusers; udevadm control --reload;'
	@echo 'dkms install piotrap/$(VERSION); modprobe piotrap'

install-bpf: bpf
	for f in $(BPF); do install -D -m 755 build/bpf/$$f \
		$(DESTDIR)$(prefix)/sbin/$$f || exit; done
	for f in $(MAN_BPF); do install -D -m 644 $$f \
		$(DESTDIR)$(prefix)/share/man/man8/$${f##*/} || exit; done

uninstall:
	rm -rf $(SRC)
	rm -f $(DESTDIR)$(prefix)/include/linux/piotrap.h \
		$(DESTDIR)$(prefix)/include/linux/piotrap_convert.h \
		$(DESTDIR)$(prefix)/bin/piotrap \
		$(DESTDIR)$(prefix)/lib/udev/rules.d/60-piotrap.rules \
		$(DESTDIR)$(prefix)/lib/sysusers.d/piotrap.conf
	for f in $(BPF); do rm -f $(DESTDIR)$(prefix)/sbin/$$f; done
	for f in $(MAN) $(MAN_BPF); do \
		rm -f $(DESTDIR)$(prefix)/share/man/man$${f##*.}/$${f##*/}; done

# Kernels, and what takes long to fetch or build, stay.
clean:
	rm -rf build/module-* build/selftests build/results build/logs build/vm \
		build/tmp.*
	-$(MAKE) -C tools clean
	-$(MAKE) -C emulator clean
	-$(MAKE) -C bpf clean
	@if [ -e $(KDIR) ]; then $(MAKE) -C $(KDIR) M=$(CURDIR) clean; fi

distclean: clean
	rm -rf build

.PHONY: help all modules tools bpf demo check check-debug check-kcsan check-preempt coverage fuzz \
	stress scoreboard bench bench-kernel bench-smp lint deps install install-bpf uninstall \
	clean distclean
.DEFAULT_GOAL := all
