# SPDX-License-Identifier: GPL-2.0-or-later
#
# The two packages of vid.ko: keelson-dkms builds it where it is installed, keelson-modules has it
# built, for the kernels of KEELSON_KERNEL_HEADERS. Either gives /dev/vid its group.
function(keelson_install_vid component)
  install(FILES etc/vid/60-keelson-vid.rules DESTINATION /usr/lib/udev/rules.d
    COMPONENT ${component})
  install(FILES etc/vid/keelson-vid.sysusers DESTINATION /usr/lib/sysusers.d
    RENAME keelson-vid.conf COMPONENT ${component})
  install(FILES etc/vid/keelson-vid.tmpfiles DESTINATION /usr/lib/tmpfiles.d
    RENAME keelson-vid.conf COMPONENT ${component})
endfunction()

keelson_package(keelson-dkms
  ARCHITECTURE all
  SUMMARY "Kernel module for virtual machines on the Keelson hypervisor (source)"
  DESCRIPTION
"vid.ko, by which the root partition makes virtual machines. DKMS builds it
for each kernel that is installed, Linux 6.1 and 6.12, and needs the kernel's
headers for that (linux-headers-amd64)."
  DEPENDS "dkms" "systemd" "udev")
set(CPACK_DEBIAN_KEELSON-DKMS_PACKAGE_CONFLICTS keelson-modules)
install(DIRECTORY ${CMAKE_BINARY_DIR}/kmod/source/
  DESTINATION /usr/src/keelson-${PROJECT_VERSION} COMPONENT keelson-dkms)
keelson_install_vid(keelson-dkms)

if(KEELSON_KERNEL_HEADERS)
  keelson_package(keelson-modules
    ARCHITECTURE amd64
    SUMMARY "Kernel module for virtual machines on the Keelson hypervisor (built)"
    DESCRIPTION
"vid.ko, by which the root partition makes virtual machines, for some of
Debian's kernels, in place of keelson-dkms."
    DEPENDS "kmod" "systemd" "udev")
  set(CPACK_DEBIAN_KEELSON-MODULES_PACKAGE_CONFLICTS keelson-dkms)
  set(CPACK_DEBIAN_KEELSON-MODULES_PACKAGE_PROVIDES keelson-dkms)
  keelson_install_vid(keelson-modules)
endif()
