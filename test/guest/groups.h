/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test groups, one file each. All run on the boot processor, interrupts off, others idle. */
#ifndef GUEST_GROUPS_H
#define GUEST_GROUPS_H

void test_cpuid(void);
void test_msr(void);
void test_hypercall(void);
void test_memory(void);
void test_lapic(void);
void test_timer(void);
void test_ipi(void);
void test_time(void);
void test_device(void);
void test_machine(void);
void test_state(void);
void test_child(void);
void test_child_event(void);
void test_child_fault(void);
void test_child_task(void);
void test_child_fuzz(void);
void test_child_irq(void);
void test_child_timer(void);
void test_bench(void);

#endif
