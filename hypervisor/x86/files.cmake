# SPDX-License-Identifier: GPL-2.0-or-later
# x86/: the processor and the machine under core/.
set(HV_X86_FILES
  boot.S entry.S native.S thunk.S svm/switch.S
  acpi.c apic.c arch.c boot_mem.c clock.c cmdline.c console.c cpu.c intr.c linux.c machine_check.c main.c microcode.c
  multiboot.c paging.c panic.c pool.c processor.c reset.c root.c smp.c speculation.c symbols.c trap.c xstate.c
  svm/child.c svm/cr8.c svm/event.c svm/exit.c svm/foreign.c svm/npt.c svm/regs.c svm/step.c svm/svm.c)
