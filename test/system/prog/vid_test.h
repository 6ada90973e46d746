/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests of vid_test, by file. Each makes its own guests and ends the program if one fails. */
#ifndef VID_TEST_H
#define VID_TEST_H

/* vid_test_exits.c: what stops a VP, and what it is given. */
void test_ports(void);
void test_memory_that_is_not_there(void);
void test_memory_comes_and_goes(void);
void test_memory_is_large(void);
void test_triple_fault(void);
void test_registers(void);
void test_addresses(void);
void test_states(void);
void test_cpuid_and_msrs(void);
void test_time(void);

/* vid_test_events.c: what comes from outside, and what does not stop. */
void test_kick_ends_a_run(void);
void test_signal_ends_a_run(void);
void test_interrupt_wakes(void);
void test_halt_waits_for_an_nmi(void);
void test_timer_wakes(void);
void test_extint(void);
void test_level_interrupt_tells_its_end(void);
void test_irqfds(void);
void test_doorbells(void);
void test_signals_are_doorbells(void);
void test_messages(void);
void test_event_flags(void);

/* vid_test_life.c: descriptors, processes, limits. */
void test_wrong_arguments(void);
void test_descriptors(void);
void test_pages_of_a_vp(void);
void test_vps_come_and_go(void);
void test_another_process_goes_on(void);
void test_locked_memory_is_limited(void);
void test_many_partitions(void);

/* vid_test_limits.c: quotas, and what is pinned. */
void test_quotas_of_a_partition(void);
void test_quotas_of_a_user(void);
void test_memory_is_the_files(void);

#endif
