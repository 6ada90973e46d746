# SPDX-License-Identifier: GPL-2.0-or-later
# x86/: the processor and the machine under core/.
set(HV_X86_FILES)
