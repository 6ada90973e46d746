// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end: one processor prints registers, stack trace with symbols and its VP's last exits, the
 * others are stopped by NMI, and the machine halts or resets as the command line says.
 */
#include "core/arch.h"
#include "core/exit.h"
#include "core/format.h"
#include "core/log.h"
#include "core/panic.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/cmdline.h"
#include "x86/cpu.h"
#include "x86/image.h"
#include "x86/stack_guard.h"
#include "x86/symbols.h"
#include "x86/trap.h"

static u32 panicking; /* atomic: the first one prints */
static bool cpu_ready;

void panic_cpu_ready(void)
{
	cpu_ready = true;
}

bool panic_in_progress(void)
{
	return __atomic_load_n(&panicking, __ATOMIC_ACQUIRE);
}

static void begin(void)
{
	__asm__ volatile("cli");
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL))
		halt_forever();
	if (cpu_ready)
		apic_send_all_but_self_nmi();
}

static void print_address(const char *what, u64 address)
{
	u64 offset;
	const char *name = symbols_lookup(address, &offset);

	log_error("  %s %016lx %s+0x%lx", what, address, name, offset);
}

static bool on_stack(u64 frame)
{
	bool own = frame >= STACK_BASE && frame < STACK_BASE + (u64)MAX_CPUS * STACK_SLOT_SIZE;
	bool boot = frame >= IMAGE_BASE && frame < (u64)image_end;

	return !(frame & 7) && (own || boot);
}

/* Frame pointers chain upwards; a corrupted chain ends the walk, not the panic. */
static void print_trace(u64 rip, u64 rbp)
{
	log_error("stack trace:");
	print_address("at  ", rip);
	for (u32 depth = 0; depth < 24 && on_stack(rbp); depth++) {
		const u64 *frame = (const u64 *)rbp;

		if (!frame[1])
			break;
		print_address("from", frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static _Noreturn void end(void)
{
	if (cpu_ready && this_cpu()->vp)
		exit_dump_history(this_cpu()->vp);
	if (panic_reboots) {
		log_error("panic: resetting the machine");
		arch_reset();
	}
	log_error("panic: halted");
	halt_forever();
}

void panic(const char *format, ...)
{
	char text[200];
	va_list args;

	begin();
	va_start(args, format);
	format_va(text, sizeof(text), format, args);
	va_end(args);
	log_error("panic on processor %u: %s", cpu_ready ? this_cpu()->index : 0, text);
	print_trace((u64)__builtin_return_address(0), (u64)__builtin_frame_address(0));
	end();
}

void panic_trap(const struct trap_frame *f)
{
	begin();
	log_error("panic on processor %u: exception %lu, error %lx, cr2 %lx",
		  cpu_ready ? this_cpu()->index : 0, f->vector, f->error, read_cr2());
	log_error("  rip %016lx cs %04lx rflags %08lx rsp %016lx ss %04lx", f->rip, f->cs,
		  f->rflags, f->rsp, f->ss);
	log_error("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
	log_error("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx", f->rsi, f->rdi, f->rbp, f->r8);
	log_error("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx", f->r9, f->r10, f->r11, f->r12);
	log_error("  r13 %016lx r14 %016lx r15 %016lx", f->r13, f->r14, f->r15);
	log_error("  cr0 %lx cr3 %lx cr4 %lx efer %lx", read_cr0(), read_cr3(), read_cr4(),
		  rdmsr(MSR_EFER));
	print_trace(f->rip, f->rbp);
	end();
}

/* What this boot makes of it: stack_guard_init(). */
u64 __stack_chk_guard = STACK_GUARD_BUILT;

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
	panic("stack overwritten in the caller of %lx", (u64)__builtin_return_address(0));
}
