/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/* Synthetic MSRs (TLFS appendix F) and their fields. */
#ifndef HV_MSR_H
#define HV_MSR_H

#define HV_MSR_GUEST_OS_ID           0x40000000u
#define HV_MSR_HYPERCALL             0x40000001u /* TLFS 3.13 */
#define HV_MSR_VP_INDEX              0x40000002u /* TLFS 7.8.1 */
#define HV_MSR_TIME_REF_COUNT        0x40000020u /* TLFS 12.4 */
#define HV_MSR_REFERENCE_TSC         0x40000021u /* TLFS 12.7 */
#define HV_MSR_TSC_FREQUENCY         0x40000022u /* TLFS 12.5 */
#define HV_MSR_APIC_FREQUENCY        0x40000023u
#define HV_MSR_EOI                   0x40000070u /* TLFS 10.2.1 */
#define HV_MSR_ICR                   0x40000071u
#define HV_MSR_TPR                   0x40000072u
#define HV_MSR_VP_ASSIST             0x40000073u /* TLFS 7.8.7 */
#define HV_MSR_SCONTROL              0x40000080u /* TLFS 11.8 */
#define HV_MSR_SVERSION              0x40000081u
#define HV_MSR_SIEFP                 0x40000082u
#define HV_MSR_SIMP                  0x40000083u
#define HV_MSR_EOM                   0x40000084u
#define HV_MSR_SINT0                 0x40000090u
#define HV_MSR_SINT15                0x4000009fu
#define HV_MSR_STIMER0_CONFIG        0x400000b0u /* TLFS 12.3; CONFIG, COUNT of four timers */
#define HV_MSR_STIMER3_COUNT         0x400000b7u
#define HV_MSR_CRASH_P0              0x40000100u /* TLFS 14.4 */
#define HV_MSR_CRASH_P4              0x40000104u
#define HV_MSR_CRASH_CTL             0x40000105u
#define HV_MSR_TSC_INVARIANT_CONTROL 0x40000118u

/* Pages given to the hypervisor by MSR: bit 0 enables, bits 63:12 are the page's number. */
#define HV_MSR_PAGE_ENABLE           0x1ull
#define HV_MSR_HYPERCALL_LOCKED      0x2ull
#define HV_MSR_PAGE_MASK             0xfffffffffffff000ull

#define HV_CRASH_NOTIFY              (1ull << 63)
#define HV_CRASH_MESSAGE             (1ull << 62) /* P3: GPA of a text, P4: its length */

#define HV_TSC_INVARIANT_EXPOSED     0x1ull

#endif
