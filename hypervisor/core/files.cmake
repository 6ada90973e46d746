# SPDX-License-Identifier: GPL-2.0-or-later
# core/: what a partition is, arch-neutral. fake/: its stand-in machine for host tests.
set(HV_CORE_FILES
  cpuid.c
  exit.c
  format.c
  gpa_map.c
  hypercall.c
  keelson_calls.c
  lapic.c
  lapic_ipi.c
  lapic_msr.c
  lapic_timer.c
  log.c
  msr.c
  page_pool.c
  partition.c
  reftime.c
  string.c
  synthetic_msr.c
  timer.c
  vp.c)
set(HV_FAKE_FILES
  format.c
  machine.c
  virt.c)
