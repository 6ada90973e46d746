// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the hypervisor tells that a waiting VP can go on, or a doorbell rang: it sets an event flag in
 * the SynIC of a processor – a VP's, of the one that ran it last – and raises a vector there. Linux
 * has one vector for the hypervisor's use, and a slot for its handler (linux.h).
 *
 * A processor's page of flags lives as long as the module; the SynIC is on while the processor is.
 * When one goes, every VP is woken, and looks for itself.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <asm/msr.h>

#include "hv/msr.h"
#include "hv/synic.h"
#include "flag_numbers.h"
#include "linux.h"
#include "vid.h"

#define WORDS (HV_EVENT_FLAGS / 64)

static DEFINE_PER_CPU(unsigned long, flags_page);
static DEFINE_PER_CPU(bool, is_on);
static int online_state;

static DEFINE_MUTEX(flags_lock);
static struct flag_numbers numbers;                  /* flags_lock */
static struct vid_flag __rcu *owner[HV_EVENT_FLAGS]; /* changed under flags_lock */

static void tell_owner(u32 number)
{
	struct vid_flag *flag = rcu_dereference(owner[number]);

	/* None: it went while the flag was on its way. */
	if (flag)
		flag->raised(flag);
}

static void take_word(unsigned long *word, u32 first)
{
	unsigned long set = xchg(word, 0);
	unsigned int bit;

	for_each_set_bit(bit, &set, BITS_PER_LONG) tell_owner(first + bit);
}

/* In hard interrupt context, or on a processor that takes no more of them. */
static void take_flags(void)
{
	unsigned long *word = (unsigned long *)this_cpu_read(flags_page) +
			      VID_SYNIC_SINT * HV_EVENT_FLAGS_SIZE / sizeof(*word);
	u32 i;

	rcu_read_lock();
	for (i = 0; i < WORDS; i++)
		if (READ_ONCE(word[i]))
			take_word(word + i, i * 64);
	rcu_read_unlock();
}

/* Out of every processor's page. */
static void clear_flags(const u64 set[FLAG_WORDS])
{
	unsigned long *word;
	u32 i;
	int cpu;

	for_each_possible_cpu(cpu)
	{
		word = (unsigned long *)per_cpu(flags_page, cpu) +
		       VID_SYNIC_SINT * HV_EVENT_FLAGS_SIZE / sizeof(*word);
		for (i = 0; i < FLAG_WORDS; i++)
			if (set[i])
				atomic_long_andnot(set[i], (atomic_long_t *)(word + i));
	}
}

/*
 * First nobody is in the hypervisor any more who found the number there, so the flag is not set again;
 * then it is cleared; then no handler has it that took it before.
 */
static void clean(struct work_struct *work)
{
	bool any;

	for (;;) {
		mutex_lock(&flags_lock);
		any = flag_numbers_begin_cleaning(&numbers);
		mutex_unlock(&flags_lock);
		if (!any)
			return;
		synchronize_rcu();
		clear_flags(numbers.cleaning);
		synchronize_rcu();
		mutex_lock(&flags_lock);
		flag_numbers_end_cleaning(&numbers);
		mutex_unlock(&flags_lock);
	}
}

static DECLARE_WORK(cleaning, clean);

static void wake_all(void)
{
	struct vid_flag *flag;
	u32 i;

	rcu_read_lock();
	for (i = 0; i < HV_EVENT_FLAGS; i++) {
		flag = rcu_dereference(owner[i]);
		if (flag && flag->waits)
			flag->raised(flag);
	}
	rcu_read_unlock();
}

bool vid_synic_is_on(void)
{
	return this_cpu_read(is_on);
}

static int start_processor(unsigned int cpu)
{
	wrmsrl(HV_MSR_SIEFP, __pa(per_cpu(flags_page, cpu)) | HV_MSR_PAGE_ENABLE);
	wrmsrl(HV_MSR_SINT0 + VID_SYNIC_SINT, linux_callback_vector());
	wrmsrl(HV_MSR_SCONTROL, HV_SCONTROL_ENABLE);
	this_cpu_write(is_on, true);
	return 0;
}

/*
 * From `is_on` on, no VP waits for this processor; those that did are told. When SCONTROL is off, the
 * hypervisor sets no more flags; what it has set is taken.
 */
static int stop_processor(unsigned int cpu)
{
	this_cpu_write(is_on, false);
	wrmsrl(HV_MSR_SINT0 + VID_SYNIC_SINT, HV_SINT_MASKED);
	wrmsrl(HV_MSR_SCONTROL, 0);
	wrmsrl(HV_MSR_SIEFP, 0);
	take_flags();
	wake_all();
	return 0;
}

static void free_pages_of_all(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
	{
		free_page(per_cpu(flags_page, cpu));
		per_cpu(flags_page, cpu) = 0;
	}
}

int vid_synic_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
	{
		per_cpu(flags_page, cpu) = get_zeroed_page(GFP_KERNEL);
		if (!per_cpu(flags_page, cpu)) {
			free_pages_of_all();
			return -ENOMEM;
		}
	}
	linux_set_callback(take_flags);
	online_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "keelson/vid:online", start_processor,
					 stop_processor);
	if (online_state >= 0)
		return 0;
	linux_set_callback(NULL);
	free_pages_of_all();
	return online_state;
}

/* No VPs are left, so no flags come any more. */
void vid_synic_exit(void)
{
	flush_work(&cleaning);
	cpuhp_remove_state(online_state);
	linux_set_callback(NULL);
	/* Handlers that are under way end before the code and the pages go. */
	synchronize_rcu();
	free_pages_of_all();
}

static int take_number(struct vid_flag *flag, u32 first)
{
	int number;

	mutex_lock(&flags_lock);
	number = flag_numbers_take(&numbers, first);
	if (number >= 0) {
		flag->number = number;
		rcu_assign_pointer(owner[number], flag);
	}
	mutex_unlock(&flags_lock);
	return number < 0 ? -ENOSPC : 0;
}

int vid_synic_add(struct vid_partition *p, struct vid_flag *flag, u32 first)
{
	int r = vid_quota_take_flag(p);

	if (r)
		return r;
	r = take_number(flag, first);
	/* Perhaps some only rest. */
	if (r) {
		flush_work(&cleaning);
		r = take_number(flag, first);
	}
	if (r)
		vid_quota_give_flag(p);
	else
		flag->partition = p;
	return r;
}

void vid_synic_remove(struct vid_flag *flag)
{
	vid_quota_give_flag(flag->partition);
	mutex_lock(&flags_lock);
	rcu_assign_pointer(owner[flag->number], NULL);
	flag_numbers_retire(&numbers, flag->number);
	mutex_unlock(&flags_lock);
	schedule_work(&cleaning);
}
