# SPDX-License-Identifier: GPL-2.0-or-later
# core/: what a partition is, arch-neutral. fake/: its stand-in machine for host tests.
set(HV_CORE_FILES
  format.c
  gpa_map.c
  log.c
  page_pool.c
  string.c
  timer.c)
set(HV_FAKE_FILES
  format.c
  machine.c)
