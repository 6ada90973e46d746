// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the hypervisor tells that a waiting VP can go on: it sets the VP's event flag in the SynIC of
 * the processor that ran it last, and raises a vector there. Linux has one vector for the
 * hypervisor's use, and a slot for its handler (linux.h).
 *
 * A processor's page of flags lives as long as the module; the SynIC is on while the processor is.
 * When one goes, every VP is woken, and looks for itself.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <asm/msr.h>

#include "hv/msr.h"
#include "hv/synic.h"
#include "linux.h"
#include "vid.h"

#define WORDS (HV_EVENT_FLAGS / 64)

static DEFINE_PER_CPU(unsigned long, flags_page);
static DEFINE_PER_CPU(bool, is_on);
static int online_state;

static DEFINE_MUTEX(flags_lock);
static DECLARE_BITMAP(flags_used, HV_EVENT_FLAGS);      /* flags_lock */
static struct vid_vp __rcu *flag_owner[HV_EVENT_FLAGS]; /* changed under flags_lock */

static void wake_owner(u32 flag)
{
	struct vid_vp *vp = rcu_dereference(flag_owner[flag]);

	/* None: it went while the flag was on its way. */
	if (vp)
		vid_vp_wake(vp);
}

static void take_word(unsigned long *word, u32 first)
{
	unsigned long set = xchg(word, 0);
	unsigned int bit;

	for_each_set_bit(bit, &set, BITS_PER_LONG) wake_owner(first + bit);
}

/* In hard interrupt context. */
static void take_flags(void)
{
	unsigned long *word = (unsigned long *)this_cpu_read(flags_page) +
			      VID_SYNIC_SINT * HV_EVENT_FLAGS_SIZE / sizeof(*word);
	u32 i;

	if (!this_cpu_read(is_on))
		return;
	rcu_read_lock();
	for (i = 0; i < WORDS; i++)
		if (READ_ONCE(word[i]))
			take_word(word + i, i * 64);
	rcu_read_unlock();
}

static void wake_all(void)
{
	u32 flag;

	rcu_read_lock();
	for (flag = 0; flag < HV_EVENT_FLAGS; flag++)
		wake_owner(flag);
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

/* From `is_on` on, no VP waits for this processor; those that did are told. */
static int stop_processor(unsigned int cpu)
{
	this_cpu_write(is_on, false);
	wrmsrl(HV_MSR_SINT0 + VID_SYNIC_SINT, HV_SINT_MASKED);
	wrmsrl(HV_MSR_SCONTROL, 0);
	wrmsrl(HV_MSR_SIEFP, 0);
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
	cpuhp_remove_state(online_state);
	linux_set_callback(NULL);
	/* Handlers that are under way end before the code and the pages go. */
	synchronize_rcu();
	free_pages_of_all();
}

int vid_synic_add(struct vid_vp *vp)
{
	unsigned long flag;

	mutex_lock(&flags_lock);
	flag = find_first_zero_bit(flags_used, HV_EVENT_FLAGS);
	if (flag < HV_EVENT_FLAGS) {
		__set_bit(flag, flags_used);
		vp->flag = flag;
		rcu_assign_pointer(flag_owner[flag], vp);
	}
	mutex_unlock(&flags_lock);
	return flag < HV_EVENT_FLAGS ? 0 : -ENOSPC;
}

/* The VP's memory stays for an RCU period. */
void vid_synic_remove(struct vid_vp *vp)
{
	mutex_lock(&flags_lock);
	rcu_assign_pointer(flag_owner[vp->flag], NULL);
	__clear_bit(vp->flag, flags_used);
	mutex_unlock(&flags_lock);
}
