/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/* Hypervisor CPUID leaves and their bits (TLFS chapter 2). */
#ifndef HV_CPUID_H
#define HV_CPUID_H

#define HV_CPUID_VENDOR             0x40000000u /* EAX: the last leaf; EBX, ECX, EDX: "Microsoft Hv" */
#define HV_CPUID_INTERFACE          0x40000001u /* EAX: "Hv#1" */
#define HV_CPUID_VERSION            0x40000002u
#define HV_CPUID_FEATURES           0x40000003u
#define HV_CPUID_RECOMMENDATIONS    0x40000004u
#define HV_CPUID_LIMITS             0x40000005u
#define HV_CPUID_HARDWARE           0x40000006u
#define HV_CPUID_LAST               0x400000ffu /* of the range set aside for hypervisors */

#define HV_INTERFACE_SIGNATURE      0x31237648u

/* Features EAX, the low half of the privilege mask: what the partition may reach (TLFS 4.2.2). */
#define HV_ACCESS_REFERENCE_COUNTER (1u << 1)
#define HV_ACCESS_SYNIC             (1u << 2)
#define HV_ACCESS_SYNTHETIC_TIMERS  (1u << 3)
#define HV_ACCESS_APIC_MSRS         (1u << 4)
#define HV_ACCESS_HYPERCALL_MSRS    (1u << 5)
#define HV_ACCESS_VP_INDEX          (1u << 6)
#define HV_ACCESS_REFERENCE_TSC     (1u << 9)
#define HV_ACCESS_FREQUENCY_MSRS    (1u << 11)
#define HV_ACCESS_TSC_INVARIANT     (1u << 15)

/* Features EBX, the high half. */
#define HV_CREATE_PARTITIONS        (1u << 0)
#define HV_ACCESS_MEMORY_POOL       (1u << 2)
#define HV_POST_MESSAGES            (1u << 4)
#define HV_SIGNAL_EVENTS            (1u << 5)
#define HV_CREATE_PORT              (1u << 6)
#define HV_CONNECT_PORT             (1u << 7)

/* Features EDX. */
#define HV_FEATURE_FREQUENCIES      (1u << 8)
#define HV_FEATURE_CRASH_MSRS       (1u << 10)
#define HV_FEATURE_DIRECT_TIMER     (1u << 19)

/* Recommendations EAX. */
#define HV_HINT_RELAXED_TIMING      (1u << 5)
#define HV_HINT_DEPRECATE_AUTOEOI   (1u << 9)

#endif
