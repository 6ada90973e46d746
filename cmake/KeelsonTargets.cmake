# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every target shares: warnings, sanitizers, and how a unit test or a fuzz target is declared.

# Warnings for all C code, hypervisor and user space alike.
add_library(keelson_warnings INTERFACE)
target_compile_options(keelson_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Werror;-Wshadow;-Wundef;-Wstrict-prototypes;-Wmissing-prototypes;-Wno-unused-parameter>)

# User space on top of that: hardening, sanitizers. The hypervisor does not use this one.
add_library(keelson_user INTERFACE)
target_link_libraries(keelson_user INTERFACE keelson_warnings)
target_compile_definitions(keelson_user INTERFACE _GNU_SOURCE)
if(KEELSON_SANITIZE)
  target_compile_options(keelson_user INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(keelson_user INTERFACE -fsanitize=address,undefined)
else()
  target_compile_options(keelson_user INTERFACE -fstack-protector-strong -fPIE)
endif()
if(KEELSON_FUZZ)
  target_compile_options(keelson_user INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(KEELSON_COVERAGE)
  target_compile_options(keelson_user INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(keelson_user INTERFACE --coverage)
endif()

# keelson_unit_test(NAME SOURCES… LIBS…): one check(3) program, one ctest entry, label "unit".
find_package(PkgConfig REQUIRED)
pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
function(keelson_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(KEELSON_FUZZ OR NOT KEELSON_TESTS)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE keelson_user PkgConfig::CHECK ${ARG_LIBS})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# keelson_fuzz_target(NAME CORPUS dir RUNS n SOURCES… LIBS…): a libFuzzer program with a fixed
# seed, a fixed number of runs and, where that is allowed, fixed addresses, which find their way into
# its inputs: so the test does the same work each time. Label "fuzz".
set(KEELSON_FIXED_ADDRESSES setarch --addr-no-randomize)
execute_process(COMMAND ${KEELSON_FIXED_ADDRESSES} true RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
if(NOT result EQUAL 0)
  set(KEELSON_FIXED_ADDRESSES)
endif()
function(keelson_fuzz_target name)
  cmake_parse_arguments(ARG "" "CORPUS;RUNS" "SOURCES;LIBS" ${ARGN})
  if(NOT KEELSON_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE keelson_user ${ARG_LIBS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  # What it finds goes into a folder of the build that is made anew: the corpus stays as it is, and each
  # run begins with the same.
  list(JOIN KEELSON_FIXED_ADDRESSES " " prefix)
  add_test(NAME ${name} COMMAND sh -c
    "rm -rf \"$0.found\" && mkdir \"$0.found\" && exec ${prefix} \"$0\" -seed=1 -runs=${ARG_RUNS} -max_len=4096 \"$0.found\" \"$@\""
    $<TARGET_FILE:${name}> ${ARG_CORPUS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 600)
endfunction()
