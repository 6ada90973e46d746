# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian packages, made by `cpack -G DEB`. Each is an install component of its name; its
# maintainer scripts stand in etc/debian/NAME/. What a package installs is said here, in one place.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME keelson)
set(CPACK_PACKAGE_VENDOR Keelson)
set(CPACK_PACKAGE_CONTACT "The Keelson project")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Virtualization stack with a hypervisor of its own")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL "")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_STRIP_FILES ON)

set(debian_dir ${CMAKE_CURRENT_SOURCE_DIR}/etc/debian)
find_program(GZIP_PROGRAM gzip REQUIRED)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
  COMMAND ${GZIP_PROGRAM} -9nc ${debian_dir}/changelog > changelog.gz
  WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}
  DEPENDS ${debian_dir}/changelog VERBATIM)
add_custom_target(debian_changelog ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz)

# keelson_package(NAME ARCHITECTURE a SUMMARY s DESCRIPTION d DEPENDS d… RECOMMENDS r… LIBRARIES):
# what every package has. install(… COMPONENT NAME) adds its files. With LIBRARIES the packages of
# the shared libraries that its programs are linked with are added to DEPENDS.
macro(keelson_package name)
  cmake_parse_arguments(ARG "LIBRARIES" "ARCHITECTURE;SUMMARY;DESCRIPTION" "DEPENDS;RECOMMENDS"
    ${ARGN})
  list(APPEND CPACK_COMPONENTS_ALL ${name})
  string(TOUPPER ${name} upper)
  string(REPLACE ";" ", " depends "${ARG_DEPENDS}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_ARCHITECTURE ${ARG_ARCHITECTURE})
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}")
  string(REPLACE ";" ", " recommends "${ARG_RECOMMENDS}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_RECOMMENDS "${recommends}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_SHLIBDEPS ${ARG_LIBRARIES})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${ARG_SUMMARY}\n${ARG_DESCRIPTION}")
  file(GLOB control ${debian_dir}/${name}/*)
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${control}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_STRICT_PERMISSION ON)
  install(FILES ${debian_dir}/copyright DESTINATION /usr/share/doc/${name} COMPONENT ${name})
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz DESTINATION /usr/share/doc/${name}
    COMPONENT ${name})
endmacro()

if(TARGET keelson_elf)
  keelson_package(keelson-hypervisor
    ARCHITECTURE amd64
    SUMMARY "Bare-metal hypervisor that carries Debian as its root partition"
    DESCRIPTION
"The hypervisor itself, loaded by GRUB before the kernel, and what adds it
to GRUB's menu. It needs a processor with AMD SVM and nested paging. Where
that is missing, it says so and Debian starts without it."
    DEPENDS "grub2-common")
  install(FILES ${CMAKE_BINARY_DIR}/hypervisor/keelson.elf DESTINATION /boot
    RENAME keelson-${PROJECT_VERSION}.elf COMPONENT keelson-hypervisor)
  install(PROGRAMS etc/grub.d/20_linux_keelson DESTINATION /etc/grub.d
    COMPONENT keelson-hypervisor)
  install(FILES etc/default/grub.d/keelson.cfg DESTINATION /etc/default/grub.d
    COMPONENT keelson-hypervisor)
endif()

if(NOT KEELSON_FUZZ)
  keelson_package(keelson
    ARCHITECTURE amd64
    SUMMARY "Virtual machines on the Keelson hypervisor, as a service"
    DESCRIPTION
"The daemon vmms keeps the inventory of virtual machines and runs a worker
process without privileges for each one that is on; vmctl is its command
line, and D-Bus its interface for programs. Virtual machines run where
keelson-hypervisor has been started; without it they are only managed."
    DEPENDS "systemd" "dbus" "iproute2" "seabios"
    RECOMMENDS "keelson-hypervisor" "keelson-dkms" "polkitd" "nftables" "dnsmasq-base"
    LIBRARIES) # its files: vmms/install.cmake

  keelson_package(keelson-dev
    ARCHITECTURE amd64
    SUMMARY "Development files of the Keelson virtualization library"
    DESCRIPTION
"Partitions, virtual processors and guest memory for programs: the headers of
libvid, the library to link with, and what pkg-config needs to find them (its
name there is keelson-vid)."
    DEPENDS "libc6-dev")
  install(TARGETS vid base
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/keelson COMPONENT keelson-dev
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/keelson COMPONENT keelson-dev)
  configure_file(etc/keelson-vid.pc.in keelson-vid.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/keelson-vid.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT keelson-dev)
endif()

include(cmake/KeelsonKernelModule.cmake)

include(CPack)
