# SPDX-License-Identifier: GPL-2.0
# The one list of the emulator's objects, for the module and for userspace.
emulator-objs := alu.o bcd.o bit.o block.o bmi.o branch.o cpuid.o data.o debug.o \
	decode.o descriptor.o event.o external.o fetch.o flag.o interrupt.o memory.o \
	msr.o muldiv.o opcodes.o paging.o port.o rep.o ring.o run.o segment.o shift.o \
	stack.o state.o string.o syscall.o system.o task.o transfer.o translate.o \
	uop-alu.o uop-branch.o uop-move.o uop-other.o uop-pair.o uop-port.o watch.o
