/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host bridge. Invariant: what the shadow interface was told last is what PAM0–PAM6 and SMRAM
 * say.
 */
#include "vdev/i82443bx.h"

#include <errno.h>
#include <stdlib.h>

#define INTEL         0x8086
#define DEVICE_82443  0x7192 /* AGP disabled */
#define DEVICE_82441  0x1237
#define CLASS_HOST    0x0600
#define FW_CFG_VENDOR 0x1af4
#define FW_CFG_SYSTEM 0x1100

#define REG_NBXCFG    0x50 /* 4 bytes */
#define REG_DRAMC     0x57
#define REG_PAM0      0x59
#define REG_PAM6      0x5f
#define REG_DRB       0x60 /* 8 bytes */
#define REG_SMRAM     0x72
#define PAM_MASK      0x33
#define PAM_HIGH      4 /* the upper nibble's shift */

#define SMRAM_OPEN    BIT(6)
#define SMRAM_CLOSED  BIT(5)
#define SMRAM_LOCK    BIT(4)
#define SMRAM_ENABLE  BIT(3)
#define SMRAM_MASK    (SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCK | SMRAM_ENABLE)
#define SMRAM_RESET   0x02

#define TAG_CONFIG    1

struct vdev_i82443bx {
	struct vdev_device device;
	struct vdev_pci_function function;
	const struct vdev_shadow_ops *shadow;
	void *shadow_owner;
};

/* PAM0's upper nibble is F0000h; PAM1 to PAM6 hold two segments each, the lower nibble first. */
static unsigned int segment_access(const struct vdev_i82443bx *bridge, unsigned int segment)
{
	unsigned int pam, shift = segment % 2 ? PAM_HIGH : 0;

	if (segment == VDEV_SHADOW_SEGMENTS - 1) {
		pam = REG_PAM0;
		shift = PAM_HIGH;
	} else {
		pam = REG_PAM0 + 1 + segment / 2;
	}
	return bridge->function.config[pam] >> shift & (VDEV_SHADOW_READ | VDEV_SHADOW_WRITE);
}

/* Open and lock "function only when G_SMRAME bit is set" (290633, SMRAM). */
static bool smram_has(const struct vdev_i82443bx *bridge, uint8_t bit)
{
	uint8_t smram = bridge->function.config[REG_SMRAM];

	return (smram & bit) && (smram & SMRAM_ENABLE);
}

static void apply(struct vdev_i82443bx *bridge)
{
	for (unsigned int n = 0; n < VDEV_SHADOW_SEGMENTS; n++)
		bridge->shadow->set(bridge->shadow_owner, n, segment_access(bridge, n));
	bridge->shadow->open_smram(bridge->shadow_owner, smram_has(bridge, SMRAM_OPEN));
}

/*
 * The lock closes SMRAM until reset and leaves D_CLS writable alone: were SMRAM's enable bit to
 * follow, clearing it would take the lock away.
 */
static void follow_lock(struct vdev_i82443bx *bridge)
{
	bool locked = smram_has(bridge, SMRAM_LOCK);

	if (locked)
		bridge->function.config[REG_SMRAM] &= (uint8_t)~SMRAM_OPEN;
	bridge->function.write_mask[REG_SMRAM] = locked ? SMRAM_CLOSED : SMRAM_MASK;
}

static void config_written(struct vdev_pci_function *f, unsigned int offset, unsigned int width)
{
	struct vdev_i82443bx *bridge = container_of(f, struct vdev_i82443bx, function);

	if (offset > REG_SMRAM || offset + width <= REG_PAM0)
		return;
	follow_lock(bridge);
	apply(bridge);
}

static const struct vdev_pci_function_ops function_ops = {.config_written = config_written};

static void init_function(struct vdev_pci_function *f, bool as_82441fx)
{
	const struct vdev_pci_id id = {
		.vendor = INTEL,
		.device = as_82441fx ? DEVICE_82441 : DEVICE_82443,
		.class = CLASS_HOST,
		.revision = 2,
	};

	vdev_pci_function_init(f, &function_ops, &id);
	vdev_pci_set16(f, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	vdev_pci_allow_common(f, PCI_COMMAND_SERR, 0xf8);
	vdev_pci_set16(f, PCI_STATUS, 0x0200); /* medium DEVSEL# timing */
	vdev_pci_set16(f, PCI_SUBSYSTEM_VENDOR, FW_CFG_VENDOR);
	vdev_pci_set16(f, PCI_SUBSYSTEM_ID, FW_CFG_SYSTEM);
	for (unsigned int i = REG_NBXCFG; i < REG_PAM0; i++)
		f->write_mask[i] = 0xff;
	for (unsigned int i = REG_PAM0 + 1; i <= REG_PAM6; i++)
		f->write_mask[i] = PAM_MASK;
	f->write_mask[REG_PAM0] = PAM_MASK & 0xf0;
	for (unsigned int i = REG_DRB; i < REG_DRB + 8; i++)
		f->write_mask[i] = 0xff;
	f->config[REG_DRAMC] = 0x01;
	f->config[REG_SMRAM] = SMRAM_RESET;
	f->write_mask[REG_SMRAM] = SMRAM_MASK;
}

/* ---- device ---- */

static struct vdev_i82443bx *to_bridge(struct vdev_device *device)
{
	return container_of(device, struct vdev_i82443bx, device);
}

static void i82443bx_reset(struct vdev_device *device)
{
	struct vdev_i82443bx *bridge = to_bridge(device);

	vdev_pci_function_reset(&bridge->function);
	follow_lock(bridge);
	apply(bridge);
}

static void i82443bx_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	const struct vdev_i82443bx *bridge =
		container_of(device, const struct vdev_i82443bx, device);

	vdev_pci_save(&bridge->function, writer, TAG_CONFIG);
}

static int i82443bx_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_i82443bx *bridge = to_bridge(device);
	uint8_t mask = bridge->function.write_mask[REG_SMRAM];
	int r;

	bridge->function.write_mask[REG_SMRAM] = SMRAM_MASK;
	r = vdev_pci_restore(&bridge->function, record, TAG_CONFIG);
	if (r < 0) {
		bridge->function.write_mask[REG_SMRAM] = mask;
		return r;
	}
	follow_lock(bridge);
	apply(bridge);
	return 0;
}

static void i82443bx_destroy(struct vdev_device *device)
{
	struct vdev_i82443bx *bridge = to_bridge(device);

	vdev_pci_detach(&bridge->function);
	free(bridge);
}

static const struct vdev_device_class i82443bx_class = {
	.type = "82443BX",
	.version = 1,
	.reset = i82443bx_reset,
	.save = i82443bx_save,
	.restore = i82443bx_restore,
	.destroy = i82443bx_destroy,
};

int vdev_i82443bx_create(struct vdev_pci_bus *bus, const struct vdev_shadow_ops *shadow,
			 void *shadow_owner, bool as_82441fx, struct vdev_i82443bx **ret_bridge)
{
	struct vdev_i82443bx *bridge = calloc(1, sizeof(*bridge));
	int r;

	if (!bridge)
		return -ENOMEM;
	vdev_device_init(&bridge->device, &i82443bx_class, "i82443bx");
	bridge->shadow = shadow;
	bridge->shadow_owner = shadow_owner;
	init_function(&bridge->function, as_82441fx);
	r = vdev_pci_attach(bus, &bridge->function, VDEV_PCI_DEVFN(0, 0));
	if (r < 0) {
		free(bridge);
		return r;
	}
	apply(bridge);
	*ret_bridge = bridge;
	return 0;
}

struct vdev_device *vdev_i82443bx_device(struct vdev_i82443bx *bridge)
{
	return &bridge->device;
}
