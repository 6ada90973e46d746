/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/* Hypercall status codes (TLFS appendix B). */
#ifndef HV_STATUS_H
#define HV_STATUS_H

typedef unsigned short hv_status;

#define HV_STATUS_SUCCESS                     0x0000
#define HV_STATUS_INVALID_HYPERCALL_CODE      0x0002
#define HV_STATUS_INVALID_HYPERCALL_INPUT     0x0003
#define HV_STATUS_INVALID_ALIGNMENT           0x0004
#define HV_STATUS_INVALID_PARAMETER           0x0005
#define HV_STATUS_ACCESS_DENIED               0x0006
#define HV_STATUS_INVALID_PARTITION_STATE     0x0007
#define HV_STATUS_OPERATION_DENIED            0x0008
#define HV_STATUS_UNKNOWN_PROPERTY            0x0009
#define HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE 0x000a
#define HV_STATUS_INSUFFICIENT_MEMORY         0x000b
#define HV_STATUS_PARTITION_TOO_DEEP          0x000c
#define HV_STATUS_INVALID_PARTITION_ID        0x000d
#define HV_STATUS_INVALID_VP_INDEX            0x000e
#define HV_STATUS_INVALID_PORT_ID             0x0011
#define HV_STATUS_INVALID_CONNECTION_ID       0x0012
#define HV_STATUS_INSUFFICIENT_BUFFERS        0x0013
#define HV_STATUS_NOT_ACKNOWLEDGED            0x0014
#define HV_STATUS_INVALID_VP_STATE            0x0015
#define HV_STATUS_INVALID_REGISTER_VALUE      0x0050
#define HV_STATUS_INVALID_LP_INDEX            0x0041
#define HV_STATUS_INVALID_SYNIC_STATE         0x0018
#define HV_STATUS_NO_RESOURCES                0x001d
#define HV_STATUS_INVALID_VTL_STATE           0x0071

#endif
