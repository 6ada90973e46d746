/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/* Fixed-size integers for the interface headers, in the hypervisor, in Linux and in user space. */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#endif
