# SPDX-License-Identifier: GPL-2.0-or-later
#
# What of the daemon and its tool is installed where; component of the package keelson.
set(vmms_etc ${CMAKE_SOURCE_DIR}/etc/vmms)
set(vmms_man ${CMAKE_SOURCE_DIR}/doc/man)

function(vmms_install destination)
  install(FILES ${ARGN} DESTINATION ${destination} COMPONENT keelson)
endfunction()

install(TARGETS vmms DESTINATION /usr/sbin COMPONENT keelson)
install(TARGETS vmctl DESTINATION /usr/bin COMPONENT keelson)
vmms_install(/usr/share/keelson ${CMAKE_CURRENT_SOURCE_DIR}/config/domain.rng)
vmms_install(/etc/keelson ${vmms_etc}/vmms.conf)
vmms_install(/lib/systemd/system ${vmms_etc}/vmms.service ${vmms_etc}/keelson.slice
  ${vmms_etc}/keelson-guests.service ${vmms_etc}/keelson-dnsmasq@.service)
vmms_install(/lib/systemd/network ${vmms_etc}/10-keelson.network)
vmms_install(/usr/share/dbus-1/system.d ${vmms_etc}/org.keelson.vmms1.conf)
vmms_install(/usr/share/dbus-1/system-services ${vmms_etc}/org.keelson.vmms1.service)
vmms_install(/usr/share/polkit-1/actions ${vmms_etc}/org.keelson.vmms1.policy)
install(FILES ${vmms_etc}/keelson.rules RENAME 60-keelson.rules
  DESTINATION /usr/share/polkit-1/rules.d COMPONENT keelson)
install(FILES ${vmms_etc}/keelson.sysusers RENAME keelson.conf
  DESTINATION /usr/lib/sysusers.d COMPONENT keelson)
install(FILES ${vmms_etc}/completion/vmctl.bash RENAME vmctl
  DESTINATION /usr/share/bash-completion/completions COMPONENT keelson)
vmms_install(/usr/share/zsh/vendor-completions ${vmms_etc}/completion/_vmctl)
vmms_install(/usr/share/man/man1 ${vmms_man}/vmctl.1)
vmms_install(/usr/share/man/man5 ${vmms_man}/vmms.conf.5 ${vmms_man}/org.keelson.vmms1.5)
vmms_install(/usr/share/man/man7 ${vmms_man}/keelson.7)
vmms_install(/usr/share/man/man8 ${vmms_man}/vmms.8)
vmms_install(/usr/share/doc/keelson ${CMAKE_SOURCE_DIR}/doc/management.md ${CMAKE_SOURCE_DIR}/doc/operations.md
  ${CMAKE_SOURCE_DIR}/doc/domain-xml.md)
vmms_install(/usr/share/doc/keelson/examples ${CMAKE_SOURCE_DIR}/etc/examples/direct-boot.xml
  ${CMAKE_SOURCE_DIR}/etc/examples/disk-and-cdrom.xml)
