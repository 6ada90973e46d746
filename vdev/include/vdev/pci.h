/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A conventional PCI bus and its functions: 256 bytes of configuration space each, base address
 * registers that move while the machine runs, INTx# (PCI Local Bus Specification 2.1, chapter 6).
 *
 * A base address that lies on top of another range is remembered and comes to life when the other
 * one has left; it is never an error, as a guest moves addresses around one at a time.
 */
#ifndef VDEV_PCI_H
#define VDEV_PCI_H

#include "board/bus.h"
#include "board/irq.h"
#include "board/state.h"

struct vdev_board;
struct vdev_pci_bus;
struct vdev_pci_function;

#define VDEV_PCI_CONFIG_SIZE             256u
#define VDEV_PCI_BAR_COUNT               6u
#define VDEV_PCI_INTX_COUNT              4u

/* Offsets and bits of configuration space. */
#define PCI_VENDOR_ID                    0x00
#define PCI_DEVICE_ID                    0x02
#define PCI_COMMAND                      0x04
#define PCI_STATUS                       0x06
#define PCI_REVISION                     0x08
#define PCI_PROG_IF                      0x09
#define PCI_CLASS                        0x0a /* subclass in the low byte */
#define PCI_CACHE_LINE                   0x0c
#define PCI_LATENCY                      0x0d
#define PCI_HEADER_TYPE                  0x0e
#define PCI_BAR0                         0x10
#define PCI_SUBSYSTEM_VENDOR             0x2c
#define PCI_SUBSYSTEM_ID                 0x2e
#define PCI_CAPABILITIES                 0x34
#define PCI_INTERRUPT_LINE               0x3c
#define PCI_INTERRUPT_PIN                0x3d

#define PCI_COMMAND_IO                   BIT(0)
#define PCI_COMMAND_MEMORY               BIT(1)
#define PCI_COMMAND_MASTER               BIT(2)
#define PCI_COMMAND_SPECIAL              BIT(3)
#define PCI_COMMAND_SERR                 BIT(8)

#define PCI_HEADER_MULTI                 0x80

#define VDEV_PCI_DEVFN(device, function) ((unsigned int)(device) << 3 | (unsigned int)(function))

struct vdev_pci_function_ops {
	/*
	 * After a write of `width` bytes at `offset` was merged into config[] by the write masks and the
	 * base addresses were moved. NULL: nothing to do.
	 */
	void (*config_written)(struct vdev_pci_function *f, unsigned int offset,
			       unsigned int width);
};

enum vdev_pci_bar_kind {
	VDEV_PCI_BAR_NONE,
	VDEV_PCI_BAR_IO,
	VDEV_PCI_BAR_MEM32,
	VDEV_PCI_BAR_MEM32_PREFETCH,
	VDEV_PCI_BAR_MEM64_PREFETCH, /* takes two registers */
};

struct vdev_pci_bar {
	enum vdev_pci_bar_kind kind;
	struct vdev_range range; /* base is valid while mapped */
	bool mapped;
};

/* Embedded in a device. */
struct vdev_pci_function {
	const struct vdev_pci_function_ops *ops;
	struct vdev_pci_bus *bus; /* NULL: not attached */
	uint8_t devfn;
	uint8_t config[VDEV_PCI_CONFIG_SIZE];
	uint8_t write_mask[VDEV_PCI_CONFIG_SIZE];   /* bits that a write sets and clears */
	uint8_t clear_mask[VDEV_PCI_CONFIG_SIZE];   /* bits that a write of 1 clears */
	uint8_t reset_config[VDEV_PCI_CONFIG_SIZE]; /* config[] as it was when attached */
	struct vdev_pci_bar bars[VDEV_PCI_BAR_COUNT];
	struct vdev_irq intx;
};

struct vdev_pci_id {
	uint16_t vendor, device;
	uint16_t class; /* base class and subclass */
	uint8_t prog_if, revision;
};

/* Zeroes the function and fills in the identity; command, interrupt line, latency become writable. */
void vdev_pci_function_init(struct vdev_pci_function *f, const struct vdev_pci_function_ops *ops,
			    const struct vdev_pci_id *id);

/*
 * What a function's data sheet lets be written in the common registers instead: bits of the command
 * and of the latency timer; neither cache line size nor interrupt line. Before attaching.
 */
void vdev_pci_allow_common(struct vdev_pci_function *f, uint16_t command, uint8_t latency);

/* For setting up configuration space before attaching, little-endian. */
void vdev_pci_set16(struct vdev_pci_function *f, unsigned int offset, uint16_t value);
void vdev_pci_set32(struct vdev_pci_function *f, unsigned int offset, uint32_t value);
uint16_t vdev_pci_get16(const struct vdev_pci_function *f, unsigned int offset);
uint32_t vdev_pci_get32(const struct vdev_pci_function *f, unsigned int offset);

/*
 * Declares base address register `index`: `size` is a power of two, at least 4 (ports) or 16
 * (memory). Offsets in `ops` are relative to the base. Before attaching.
 */
void vdev_pci_bar_init(struct vdev_pci_function *f, unsigned int index, enum vdev_pci_bar_kind kind,
		       uint64_t size, const struct vdev_range_ops *ops, void *owner,
		       const char *name);

/* INTA# to INTD# are 1 to 4. Before attaching. */
void vdev_pci_set_interrupt_pin(struct vdev_pci_function *f, unsigned int pin);

/* Puts the function on the bus. -EEXIST: that device and function number is taken. */
int must_check vdev_pci_attach(struct vdev_pci_bus *bus, struct vdev_pci_function *f,
			       unsigned int devfn);
void vdev_pci_detach(struct vdev_pci_function *f);

/* Back to the configuration of vdev_pci_attach(); INTx# off. To be called by the device's reset. */
void vdev_pci_function_reset(struct vdev_pci_function *f);

/* INTx# of the function; nothing if it has no pin. */
void vdev_pci_set_irq(struct vdev_pci_function *f, bool level);

/* DMA of a bus master. -EACCES: the guest has not enabled it; -EFAULT as vid_gpa_read(). */
int must_check vdev_pci_dma_read(struct vdev_pci_function *f, uint64_t gpa, void *buffer,
				 size_t size);
int must_check vdev_pci_dma_write(struct vdev_pci_function *f, uint64_t gpa, const void *buffer,
				  size_t size);

/*
 * Configuration space in a device's record, under `tag`. Restoring takes over the bits that a guest
 * can write, keeps the others, and moves the base addresses.
 */
void vdev_pci_save(const struct vdev_pci_function *f, struct vdev_state_writer *writer,
		   uint16_t tag);
int must_check vdev_pci_restore(struct vdev_pci_function *f, const struct vdev_state_record *record,
				uint16_t tag);

/* ---- the bus ---- */

struct vdev_pci_bus {
	struct vdev_board *board;
	struct vdev_pci_function *functions[256];        /* by devfn */
	struct vdev_irq_line *intx[VDEV_PCI_INTX_COUNT]; /* INTA# to INTD# of device 1 */
};

/*
 * `intx` are the lines of the interrupt router, PIRQA# first; entries may be NULL. They are wired as
 * SeaBIOS takes for granted on a 440: INTA# of device 1 to PIRQA#, of device 2 to PIRQB#, and so on.
 */
void vdev_pci_bus_init(struct vdev_pci_bus *bus, struct vdev_board *board,
		       struct vdev_irq_line *const intx[VDEV_PCI_INTX_COUNT]);

/* Gives the bus its interrupt lines later than init, but before a function with a pin is attached. */
void vdev_pci_bus_route(struct vdev_pci_bus *bus,
			struct vdev_irq_line *const intx[VDEV_PCI_INTX_COUNT]);

/* A configuration cycle; width 1, 2, 4, inside one dword. Nobody there: all ones. */
uint32_t vdev_pci_config_read(struct vdev_pci_bus *bus, unsigned int devfn, unsigned int offset,
			      unsigned int width);
void vdev_pci_config_write(struct vdev_pci_bus *bus, unsigned int devfn, unsigned int offset,
			   unsigned int width, uint32_t value);

#endif
