# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -D OBJDUMP=… -D ELF=… -P branches.cmake: fails if the hypervisor has a call or jump through a
# register or memory outside of .boot, which runs before any guest. Indirect branches go by the
# thunks of thunk.S.
execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn -j .text ${ELF}
                OUTPUT_VARIABLE code COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]*[ \t](call|jmp)[a-z]*[ \t]+\\*[^\n]*" naked "${code}")
string(REGEX MATCHALL "[^\n]*<__x86_indirect_thunk_[a-z0-9]+>\n" used "${code}")
if(naked)
  list(JOIN naked "\n" naked)
  message(FATAL_ERROR "indirect branches without a thunk in ${ELF}:\n${naked}")
elseif(NOT used)
  message(FATAL_ERROR "${ELF}: no branch by a thunk was found: this check does not work")
endif()
