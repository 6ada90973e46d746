/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI commands of a disk (SPC-4, SBC-3): what is answered at once, and what becomes a request to the
 * disk. Knows nothing of VMBus or of guest memory.
 */
#ifndef VSP_SCSI_H
#define VSP_SCSI_H

#include <stdbool.h>
#include <stdint.h>

#include "disk/disk.h"

#define SCSI_LUNS_MAX        64u
#define SCSI_SERIAL_SIZE     20u
#define SCSI_SENSE_SIZE      18u
#define SCSI_CDB_SIZE        16u
#define SCSI_DATA_MAX        (8 + SCSI_LUNS_MAX * 8)
#define SCSI_PARAMETERS_MAX  24u /* of the one command that has some */

#define SCSI_GOOD            0x00u
#define SCSI_CHECK_CONDITION 0x02u

#define SCSI_UNMAP           0x42u

struct scsi_lun {
	struct disk *disk; /* NULL: there is none */
	char serial[SCSI_SERIAL_SIZE + 1];
	uint8_t id[8]; /* NAA: 3, locally assigned */
};

struct scsi_target {
	struct scsi_lun lun[SCSI_LUNS_MAX];
	uint32_t max_transfer; /* bytes */
};

enum scsi_outcome {
	SCSI_DONE,   /* status and sense; `data` goes to the guest */
	SCSI_IO,     /* `op`, `offset`, `length`; then scsi_finish() */
	SCSI_NO_LUN, /* nothing is there that could answer */
};

struct scsi_command {
	enum scsi_outcome outcome;
	uint8_t status;
	uint8_t sense[SCSI_SENSE_SIZE]; /* with CHECK CONDITION */
	uint8_t data[SCSI_DATA_MAX];
	uint32_t data_size;
	struct disk *disk;
	enum disk_op op;
	uint64_t offset, length;
	bool flush_after; /* the write is to be on stable storage */
};

/* `parameters`: of UNMAP, from the guest; zeros where it has fewer. */
/*
 * `lun` SCSI_LUNS_MAX: of a target that there is not, which has no units. (That it is not there must not
 * be said: Linux then takes unit 0 of the one that is for gone.)
 */
void scsi_begin(const struct scsi_target *target, unsigned int lun, const uint8_t *cdb,
		const uint8_t *parameters, struct scsi_command *ret_command);

/* The disk's result (0 or -errno) becomes status and sense. */
void scsi_finish(struct scsi_command *command, int result);

/* The guest's memory was not there, or less than the command is about. */
void scsi_fail_transfer(struct scsi_command *command);
void scsi_fail_length(struct scsi_command *command);

#endif
