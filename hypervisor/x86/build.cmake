# SPDX-License-Identifier: GPL-2.0-or-later
#
# keelson.elf: core/ and x86/, freestanding. Linked twice: the second time with the symbol table
# that was made from the first, so that a panic can name functions.

list(TRANSFORM HV_CORE_FILES PREPEND core/ OUTPUT_VARIABLE hv_core_sources)
list(TRANSFORM HV_X86_FILES PREPEND x86/ OUTPUT_VARIABLE hv_x86_sources)

add_library(hv_objects OBJECT ${hv_core_sources} ${hv_x86_sources})
target_include_directories(hv_objects PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(hv_objects PRIVATE hv_abi keelson_warnings)
target_compile_definitions(hv_objects PRIVATE KEELSON_VERSION="${PROJECT_VERSION}")
set(hv_flags
  -O2 -g -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -fno-omit-frame-pointer -momit-leaf-frame-pointer
  -fno-strict-aliasing -fno-common -fno-asynchronous-unwind-tables -m64)
# Indirect branches by thunk.S; INT3 behind each RET and JMP, where the compiler can.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(hv_speculation -mindirect-branch=thunk-extern -mindirect-branch-register -mharden-sls=all)
else()
  set(hv_speculation -mretpoline-external-thunk)
endif()
target_compile_options(hv_objects PRIVATE ${hv_flags}
  "$<$<COMPILE_LANGUAGE:C>:${hv_speculation};-fno-jump-tables>"
  $<$<COMPILE_LANGUAGE:C>:-mgeneral-regs-only;-fstack-protector-strong;-mstack-protector-guard=global;-fno-delete-null-pointer-checks>)

set(hv_script ${CMAKE_CURRENT_BINARY_DIR}/keelson.lds)
add_custom_command(OUTPUT ${hv_script}
  COMMAND ${CMAKE_C_COMPILER} -E -P -x c -D__ASSEMBLER__ -I${CMAKE_CURRENT_SOURCE_DIR}
          ${CMAKE_CURRENT_SOURCE_DIR}/x86/keelson.lds.S -o ${hv_script}
  DEPENDS x86/keelson.lds.S x86/layout.h)

set(hv_link
  ${CMAKE_C_COMPILER} -m64 -nostdlib -static -Wl,-T,${hv_script} -Wl,--build-id=none
  -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack)
set(hv_pass1 ${CMAKE_CURRENT_BINARY_DIR}/keelson.pass1.elf)
set(hv_symbols ${CMAKE_CURRENT_BINARY_DIR}/symbols)
set(hv_elf ${CMAKE_CURRENT_BINARY_DIR}/keelson.elf)
add_custom_command(OUTPUT ${hv_elf}
  COMMAND ${hv_link} $<TARGET_OBJECTS:hv_objects> -o ${hv_pass1}
  COMMAND ${CMAKE_COMMAND} -D OBJDUMP=${CMAKE_OBJDUMP} -D ELF=${hv_pass1}
          -P ${CMAKE_CURRENT_SOURCE_DIR}/x86/branches.cmake
  COMMAND sh -c "${CMAKE_NM} -n ${hv_pass1} | awk -f ${CMAKE_CURRENT_SOURCE_DIR}/x86/symbols.awk > ${hv_symbols}.S"
  COMMAND ${CMAKE_C_COMPILER} -m64 -c ${hv_symbols}.S -o ${hv_symbols}.o
  COMMAND ${hv_link} $<TARGET_OBJECTS:hv_objects> ${hv_symbols}.o -o ${hv_elf}
  DEPENDS hv_objects $<TARGET_OBJECTS:hv_objects> ${hv_script} x86/symbols.awk x86/branches.cmake
  COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(keelson_elf ALL DEPENDS ${hv_elf})
