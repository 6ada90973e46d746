/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's own address space: image text RX, rodata R, data RW, RAM by direct map RW and
 * never executable, stacks between unmapped pages, the local APIC's page. Built once, before any
 * guest; never changed afterwards.
 */
#pragma once

#include "core/page_pool.h"
#include "core/types.h"

/* Builds it with pages of the pool and switches to it. Boot processor. */
void paging_init(struct page_pool *pool);

/* Root of the tables, for the other processors. */
u64 paging_cr3(void);
