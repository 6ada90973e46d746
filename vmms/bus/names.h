/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's names on D-Bus.
 */
#ifndef VMMS_BUS_NAMES_H
#define VMMS_BUS_NAMES_H

#define BUS_NAME              "org.keelson.vmms1"
#define BUS_PATH              "/org/keelson/vmms1"
#define BUS_VM_PREFIX         "/org/keelson/vmms1/vm"
#define BUS_JOB_PREFIX        "/org/keelson/vmms1/job"
#define BUS_MANAGER_INTERFACE "org.keelson.vmms1.Manager"
#define BUS_VM_INTERFACE      "org.keelson.vmms1.VM"
#define BUS_JOB_INTERFACE     "org.keelson.vmms1.Job"

#endif
