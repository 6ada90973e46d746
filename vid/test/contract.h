/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every back end of libvid does in the same way, seen through its public functions. The same
 * source is run on the fake one, on the host, and on the driver, in the demo's machine.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "vid/partition.h"
#include "vid/vp.h"

#define CONTRACT_CODE 0x1000u /* guest address of code, in the first page but one */

struct contract_backend {
	int (*create)(struct vid_partition **ret_partition);
	/*
	 * The VP, which begins anew, writes one byte to a port. True: this has not reached the worker. Memory
	 * at CONTRACT_CODE is there, at `host`.
	 */
	bool (*out)(struct vid_partition *p, struct vid_vp *vp, uint8_t *host, uint8_t port,
		    uint8_t value);
};

/* Ends the process, and says where, when something is not so. */
void contract_run(const struct contract_backend *backend);

#endif
