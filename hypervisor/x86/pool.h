/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot pool: one physically contiguous piece of RAM, reserved once. Structures are carved
 * from its start; when boot is over, what is left becomes boot_pool's free pages.
 */
#pragma once

#include "core/page_pool.h"
#include "core/types.h"

extern struct page_pool boot_pool;

/* Reserves so many bytes to carve from and in pages. False: the machine has no such free piece. */
bool pool_init(u64 carve, u64 pages);

/* Zeroed, page-aligned, physically contiguous, never freed. Panics when the pool is too small. */
void *pool_alloc(size_t size);
