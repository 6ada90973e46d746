/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's own address space: image text RX, rodata R, data RW, stacks between unmapped
 * pages, the local APIC's page, and by direct map, RW and never executable, what it keeps for itself.
 * Built once, before any guest; never changed afterwards.
 *
 * All other memory – the root's, the children's, deposited pages – is mapped by the first touch, page
 * by page and on the processor that touches, so that no speculation reaches what the hypervisor does
 * not work on. A processor has a fixed number of tables for that; when they have run out, or another
 * partition's child comes, it forgets them all. So a pointer from arch_map() is good at any time.
 */
#pragma once

#include "core/page_pool.h"
#include "core/types.h"

struct cpu;

#define CPU_TABLES 32 /* of a processor: the root, and those for what it touches */

/* Builds it with pages of the pool and switches to it. Boot processor. */
void paging_init(struct page_pool *pool);

/* Tables of another processor: its cr3. */
void paging_init_cpu(struct cpu *cpu);

/* A page fault at `va`, the page not being present. True: it is now. */
bool must_check paging_fault(u64 va);

/* What this processor mapped by touch is mapped no more. */
void paging_forget(void);
