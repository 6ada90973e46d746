/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Microcode of AMD processors. A kernel that sees a hypervisor loads none, so this does it, from where
 * Linux has it: kernel/x86/microcode/AuthenticAMD.bin, in the uncompressed archive (cpio, "newc") at
 * the beginning of the initrd.
 */
#pragma once

#include "core/types.h"

/*
 * The newest patch for a processor (CPUID 1 EAX) that is newer than `revision`, or NULL. The archive
 * may be anything.
 */
const u8 *microcode_find(const u8 *archive, u64 size, u32 signature, u32 revision, u32 *ret_size);

/* Keeps the patch that the initrd has for this processor. Boot processor, before the others start. */
void microcode_init(const u8 *initrd, u64 size);
/* Loads it on the calling processor. */
void microcode_load(void);
