/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host bridge, as either of two chips: the 82443BX (290633) with AGP disabled by its strap, or
 * the 82441FX (290549), which SeaBIOS knows. Both have PAM0–PAM6 and SMRAM at the same places; each
 * has a table of its own of what else there is. Invariants: what the shadow interface was told last
 * is what PAM0–PAM6 and SMRAM say; the write masks are the table's, less what is locked.
 */
#include "vdev/i82443bx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INTEL              0x8086
#define DEVICE_82443       0x7192 /* AGP disabled */
#define DEVICE_82441       0x1237
#define CLASS_HOST         0x0600
#define FW_CFG_VENDOR      0x1af4
#define FW_CFG_SYSTEM      0x1100

#define REG_PAM0           0x59
#define REG_PAM6           0x5f
#define REG_DRB7           0x67
#define REG_SMRAM          0x72
#define REG_ESMRAMC        0x73
#define REG_DWTC           0xe0 /* 16 bytes with DRTC */
#define REG_TLOCK          0xe7
#define THROTTLE_SIZE      16u
#define TLOCK              BIT(7)
#define PAM_MASK           0x33
#define PAM_HIGH           4 /* the upper nibble's shift */

#define SMRAM_OPEN         BIT(6)
#define SMRAM_CLOSED       BIT(5)
#define SMRAM_LOCK         BIT(4)
#define SMRAM_ENABLE       BIT(3)
#define SMRAM_MASK         (SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCK | SMRAM_ENABLE)
#define SMRAM_RESET        0x02

#define PCI_COMMAND_PARITY BIT(6)

#define TAG_CONFIG         1

/* One to four bytes of configuration space: value after reset, bits that keep what is written. */
struct config_register {
	uint8_t at, width;
	uint32_t reset, mask;
};

struct chip {
	uint16_t device;
	uint16_t command; /* writable bits of PCICMD */
	bool extended;    /* it has ESMRAMC and TLOCK */
	const struct config_register *registers;
	size_t register_count;
};

/* clang-format off */
#define PAM_REGISTERS                                                                              \
	{0x59, 1, 0, PAM_MASK & 0xf0}, {0x5a, 4, 0, 0x33333333}, {0x5e, 2, 0, 0x3333},                 \
	{REG_SMRAM, 1, SMRAM_RESET, SMRAM_MASK}
/* clang-format on */

/*
 * Straps read as 0 – 100 MHz, a queue of one –, but for AGP_DIS. The registers of AGP (APBASE, CAPPTR
 * and A0h to BFh) are not there then. What is cleared by ones (EAP, ERRSTS) is never set.
 */
static const struct config_register registers_82443bx[] = {
	PAM_REGISTERS,
	{0x50, 4, 0x00000000, 0xff078fe8}, /* NBXCFG */
	{0x57, 1, 0x00, 0x1f},             /* DRAMC */
	{0x58, 1, 0x03, 0x03},             /* DRAMT */
	{0x60, 4, 0x01010101, 0xffffffff}, /* DRB0–DRB3 */
	{0x64, 4, 0x01010101, 0xffffffff}, /* DRB4–DRB7 */
	{0x68, 1, 0x00, 0xc0},             /* FDHC */
	{0x69, 1, 0x00, 0xff},             /* MBSC: bits 47:40 are reserved */
	{0x6a, 4, 0x00000000, 0xffffffff},
	{0x73, 1, 0x38, 0x87},             /* ESMRAMC */
	{0x74, 2, 0x0000, 0xffff},         /* RPS */
	{0x76, 2, 0x0000, 0x03ff},         /* SDRAMC */
	{0x78, 2, 0x0000, 0xff0f},         /* PGPOL */
	{0x7a, 1, 0x02, 0xf5},             /* PMCR: AGP_DIS */
	{0x7b, 2, 0x0038, 0x1fff},         /* SCRR */
	{0x90, 1, 0x80, 0xff},             /* ERRCMD */
	{0xca, 3, 0x000000, 0x7fffff},     /* MBFS */
	{0xd0, 4, 0x00000000, 0xffffffff}, /* BSPAD */
	{0xd4, 4, 0x00000000, 0xffffffff},
	{0xe0, 4, 0x00000000, 0xffffffff}, /* DWTC */
	{0xe4, 4, 0x00000000, 0x80003fff},
	{0xe8, 4, 0x00000000, 0xffffffff}, /* DRTC */
	{0xec, 4, 0x00000000, 0x00003fff},
	{0xf0, 2, 0x0000, 0x03c0},         /* BUFFC */
	{0xf8, 4, 0x00000f20, 0x00000000}, /* MFGID */
};

/* Straps: 66 MHz, a queue of one. TRC (93h) is not there: resets are the PIIX4's. */
static const struct config_register registers_82441fx[] = {
	PAM_REGISTERS,
	{0x50, 2, 0x0200, 0xc070},         /* PMCCFG */
	{0x52, 1, 0x00, 0xff},             /* DETURBO */
	{0x53, 1, 0x80, 0xff},             /* DBC */
	{0x54, 1, 0x00, 0x82},             /* AXC */
	{0x55, 2, 0x0000, 0xffff},         /* DRT */
	{0x57, 1, 0x01, 0x77},             /* DRAMC */
	{0x58, 1, 0x10, 0x7f},             /* DRAMT */
	{0x60, 4, 0x01010101, 0xffffffff}, /* DRB0–DRB3 */
	{0x64, 4, 0x01010101, 0xffffffff}, /* DRB4–DRB7 */
	{0x68, 1, 0x00, 0xc0},             /* FDHC */
	{0x70, 1, 0x00, 0xf8},             /* MTT */
	{0x71, 1, 0x10, 0x1f},             /* CLT */
	{0x90, 1, 0x00, 0x1b},             /* ERRCMD */
};

/* PCICMD: the 82441FX can be told to keep PCI masters from memory, which is kept without effect. */
static const struct chip chips[] = {
	{DEVICE_82443, PCI_COMMAND_SERR | PCI_COMMAND_PARITY, true, registers_82443bx,
	 ARRAY_SIZE(registers_82443bx)},
	{DEVICE_82441, PCI_COMMAND_SERR | PCI_COMMAND_MEMORY, false, registers_82441fx,
	 ARRAY_SIZE(registers_82441fx)},
};

struct vdev_i82443bx {
	struct vdev_device device;
	const struct chip *chip;
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

static void unlock(struct vdev_i82443bx *bridge)
{
	for (size_t i = 0; i < bridge->chip->register_count; i++) {
		const struct config_register *r = &bridge->chip->registers[i];

		for (unsigned int j = 0; j < r->width; j++)
			bridge->function.write_mask[r->at + j] = (uint8_t)(r->mask >> 8 * j);
	}
}

/*
 * D_LCK closes SMRAM until reset and leaves D_CLS writable alone: were SMRAM's enable bit to follow,
 * clearing it would take the lock away. It also holds what tells where extended SMRAM is.
 */
static void lock_smram(struct vdev_i82443bx *bridge)
{
	bridge->function.config[REG_SMRAM] &= (uint8_t)~SMRAM_OPEN;
	bridge->function.write_mask[REG_SMRAM] = SMRAM_CLOSED;
	if (!bridge->chip->extended)
		return;
	bridge->function.write_mask[REG_ESMRAMC] = 0;
	bridge->function.write_mask[REG_DRB7] = 0;
}

static void follow_locks(struct vdev_i82443bx *bridge)
{
	if (smram_has(bridge, SMRAM_LOCK))
		lock_smram(bridge);
	if (bridge->chip->extended && (bridge->function.config[REG_TLOCK] & TLOCK))
		memset(bridge->function.write_mask + REG_DWTC, 0, THROTTLE_SIZE);
}

static void config_written(struct vdev_pci_function *f, unsigned int offset, unsigned int width)
{
	struct vdev_i82443bx *bridge = container_of(f, struct vdev_i82443bx, function);

	follow_locks(bridge);
	if (offset <= REG_SMRAM && offset + width > REG_PAM0)
		apply(bridge);
}

static const struct vdev_pci_function_ops function_ops = {.config_written = config_written};

static void set_reset_value(struct vdev_pci_function *f, const struct config_register *r)
{
	for (unsigned int j = 0; j < r->width; j++)
		f->config[r->at + j] = (uint8_t)(r->reset >> 8 * j);
}

static void init_function(struct vdev_i82443bx *bridge)
{
	const struct chip *chip = bridge->chip;
	const struct vdev_pci_id id = {
		.vendor = INTEL,
		.device = chip->device,
		.class = CLASS_HOST,
		.revision = 2,
	};
	struct vdev_pci_function *f = &bridge->function;

	vdev_pci_function_init(f, &function_ops, &id);
	vdev_pci_set16(f, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	vdev_pci_allow_common(f, chip->command, 0xf8);
	vdev_pci_set16(f, PCI_STATUS, 0x0200); /* medium DEVSEL# timing */
	vdev_pci_set16(f, PCI_SUBSYSTEM_VENDOR, FW_CFG_VENDOR);
	vdev_pci_set16(f, PCI_SUBSYSTEM_ID, FW_CFG_SYSTEM);
	for (size_t i = 0; i < chip->register_count; i++)
		set_reset_value(f, &chip->registers[i]);
	unlock(bridge);
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
	unlock(bridge);
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
	int r;

	unlock(bridge);
	r = vdev_pci_restore(&bridge->function, record, TAG_CONFIG);
	follow_locks(bridge);
	if (r < 0)
		return r;
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
	bridge->chip = &chips[as_82441fx];
	init_function(bridge);
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
