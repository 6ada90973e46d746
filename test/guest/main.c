// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Start: processors, then the groups that the command line names, in its order. Words before them: "bochs"
 * is the emulator, "x2apic" the mode that the hypervisor must have the physical local APICs in.
 */
#include "boot.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"

void guest_main(const struct boot_params *params);

static const struct {
	const char *name;
	void (*run)(void);
} groups[] = {
	{"cpuid", test_cpuid},
	{"msr", test_msr},
	{"hypercall", test_hypercall},
	{"memory", test_memory},
	{"lapic", test_lapic},
	{"timer", test_timer},
	{"ipi", test_ipi},
	{"time", test_time},
	{"device", test_device},
	{"state", test_state},
	{"bench", test_bench},
	{"machine", test_machine},
	{"child", test_child},
	{"child_event", test_child_event},
	{"child_fault", test_child_fault},
	{"child_task", test_child_task},
	{"child_fuzz", test_child_fuzz},
	{"child_irq", test_child_irq},
	{"child_timer", test_child_timer},
};

static bool is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && !strncmp(text, word, length);
}

static void run_group(const char *name, size_t length)
{
	for (u32 i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!is_word(name, length, groups[i].name))
			continue;
		print_line("group %s", groups[i].name);
		groups[i].run();
		return;
	}
	check_abort("no group is named like '%s'", name);
}

static bool is_option(const char *word, size_t length)
{
	if (is_word(word, length, "bochs")) {
		boot.bochs = true;
		return true;
	}
	if (!is_word(word, length, "x2apic"))
		return false;
	check(hv_log_has("local APICs in x2APIC mode"), "x2apic-mode", "they are not");
	return true;
}

static void run_groups(const char *words)
{
	for (;;) {
		const char *start;

		while (*words == ' ')
			words++;
		if (!*words)
			return;
		for (start = words; *words && *words != ' ';)
			words++;
		if (!is_option(start, (size_t)(words - start)))
			run_group(start, (size_t)(words - start));
	}
}

void guest_main(const struct boot_params *params)
{
	boot_read(params);
	cpu_init_boot();
	hv_init();
	check(cpu_start_others(), "start-processors", "not all of %u started", cpu_count);
	run_groups(boot.words);
	check_end();
}
