# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fails unless PROGRAM prints exactly what the file COMMITTED holds.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE status)
file(READ ${COMMITTED} committed)
if(NOT status EQUAL 0 OR NOT printed STREQUAL committed)
  message(FATAL_ERROR "${COMMITTED} is not what ${PROGRAM} prints; build the target operations-doc")
endif()
