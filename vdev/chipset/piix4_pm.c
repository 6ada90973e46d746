/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI power management. Registers are dwords written under a byte mask, so that an access of any
 * width means the same. Invariants: the SCI line is what update_sci() computes; the two port ranges
 * are on the bus if and only if configuration space enables them and nothing else is there.
 */
#include "vdev/piix4_pm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "piix4_smbus.h"

#define REG_PMBA      0x40
#define REG_CNTA      0x44
#define REG_DEVACTB   0x58
#define REG_PMREGMISC 0x80
#define REG_SMBBA     0x90
#define REG_SMBHSTCFG 0xd2
#define REG_SMBSLVC   0xd3
#define REG_SMBSHDW1  0xd4
#define REG_SMBSHDW2  0xd5
#define DEVACTB_APMC  BIT(1) /* of byte 3 */
#define BASE_IS_IO    BIT(0)
#define PMBA_MASK     0xffc0u
#define SMBBA_MASK    0xfff0u
#define ENABLE        BIT(0)

#define PM_SIZE       64u
#define PM1_STS       0x00 /* and PM1_EN in the upper half */
#define PM1_CNT       0x04
#define PM_TMR        0x08
#define GP_STS        0x0c /* and GP_EN */
#define P_CNTRL       0x10
#define P_LVL         0x14 /* PLVL2, PLVL3 */
#define GLB_STS       0x18
#define DEV_STS       0x1c
#define GLB_EN        0x20
#define GLB_CTL       0x28
#define DEV_CTL       0x2c
#define GPI_REG       0x30
#define GPO_REG       0x34

#define STS_TMROF     BIT(0)
#define STS_GBL       BIT(5)
#define STS_PWRBTN    BIT(8)
#define STS_RTC       BIT(10)
#define STS_WAK       BIT(15)
#define STS_ALL       (STS_TMROF | BIT(4) | STS_GBL | STS_PWRBTN | STS_RTC | STS_WAK)
#define EN_ALL        (STS_TMROF | STS_GBL | STS_PWRBTN | STS_RTC)
#define CNT_SCI_EN    BIT(0)
#define CNT_SLP_TYP   0x1c00u
#define CNT_SLP_EN    BIT(13)
#define CNT_KEPT      (CNT_SCI_EN | BIT(1) | CNT_SLP_TYP)
#define TIMER_MASK    0xffffffu
#define TIMER_HALF    23 /* TMROF is set whenever this bit changes */
#define GPO_RESET     0x7fffbfffu

#define TAG_CONFIG    1

struct vdev_piix4_pm {
	struct vdev_device device;
	struct vdev_pci_function function;
	struct vdev_irq sci;
	struct vdev_timer timer;
	struct vdev_range range, smbus_range, apm_range;
	bool on_bus, smbus_on_bus;
	uint16_t default_base;

	uint16_t sts, en, cnt;
	uint16_t gp_sts, gp_en;
	uint32_t plain[PM_SIZE / 4]; /* registers without effect, by dword */
	uint64_t timer_mark;         /* changes of the timer's top bit that TMROF tells of */
	uint8_t apm[2];              /* APMC, APMS */
	struct smbus smbus;
};

static struct vdev_board *board_of(const struct vdev_piix4_pm *pm)
{
	return pm->function.bus->board;
}

/* ---- timer and SCI ---- */

static uint64_t timer_ticks(const struct vdev_piix4_pm *pm)
{
	return vdev_ns_to_ticks(vdev_clock_now(&board_of(pm)->clock), VDEV_PM_TIMER_HZ);
}

static void account_timer(struct vdev_piix4_pm *pm)
{
	uint64_t mark = timer_ticks(pm) >> TIMER_HALF;

	if (mark != pm->timer_mark)
		pm->sts |= STS_TMROF;
	pm->timer_mark = mark;
}

/* Nobody waits for the overflow unless its interrupt is enabled and not yet raised. */
static void arm_timer(struct vdev_piix4_pm *pm)
{
	uint64_t next = (pm->timer_mark + 1) << TIMER_HALF;

	if ((pm->en & STS_TMROF) && !(pm->sts & STS_TMROF))
		vdev_timer_arm(&pm->timer, vdev_ticks_to_ns(next, VDEV_PM_TIMER_HZ));
	else
		vdev_timer_cancel(&pm->timer);
}

static void update_sci(struct vdev_piix4_pm *pm)
{
	bool asks = (pm->sts & pm->en & EN_ALL) || (pm->gp_sts & pm->gp_en);

	vdev_irq_set(&pm->sci, asks && (pm->cnt & CNT_SCI_EN));
	arm_timer(pm);
}

static void expire(void *owner)
{
	struct vdev_piix4_pm *pm = owner;

	account_timer(pm);
	update_sci(pm);
}

/* ---- PM registers ---- */

static uint32_t read_dword(struct vdev_piix4_pm *pm, unsigned int reg)
{
	switch (reg) {
	case PM1_STS:
		account_timer(pm);
		return pm->sts | (uint32_t)pm->en << 16;
	case PM1_CNT:
		return pm->cnt;
	case PM_TMR:
		return timer_ticks(pm) & TIMER_MASK;
	case GP_STS:
		return pm->gp_sts | (uint32_t)pm->gp_en << 16;
	default:
		return pm->plain[reg / 4];
	}
}

static void enter_sleep(struct vdev_piix4_pm *pm)
{
	unsigned int type = (pm->cnt & CNT_SLP_TYP) >> 10;

	if (type == VDEV_PM_SLEEP_OFF)
		vdev_board_event(board_of(pm), VDEV_EVENT_POWEROFF);
	else if (type == VDEV_PM_SLEEP_RAM)
		vdev_board_event(board_of(pm), VDEV_EVENT_SUSPEND);
}

/* `mask`: the bytes that are written. Bits of `value` outside it are 0. */
static void write_status(struct vdev_piix4_pm *pm, uint32_t value, uint32_t mask)
{
	account_timer(pm);
	pm->sts &= (uint16_t)~value;
	pm->en = (uint16_t)((pm->en & ~(mask >> 16)) | (value >> 16 & EN_ALL));
}

static void write_control(struct vdev_piix4_pm *pm, uint32_t value, uint32_t mask)
{
	pm->cnt = (uint16_t)((pm->cnt & ~mask) | (value & CNT_KEPT));
	if (value & CNT_SLP_EN)
		enter_sleep(pm);
}

static void write_gpe(struct vdev_piix4_pm *pm, uint32_t value, uint32_t mask)
{
	pm->gp_sts &= (uint16_t)~value;
	pm->gp_en = (uint16_t)((pm->gp_en & ~(mask >> 16)) | value >> 16);
}

static void write_dword(struct vdev_piix4_pm *pm, unsigned int reg, uint32_t value, uint32_t mask)
{
	switch (reg) {
	case PM1_STS:
		write_status(pm, value, mask);
		break;
	case PM1_CNT:
		write_control(pm, value, mask);
		break;
	case GP_STS:
		write_gpe(pm, value, mask);
		break;
	case PM_TMR:
	case P_LVL:
	case GPI_REG:
		break;
	case GLB_STS:
	case DEV_STS:
		pm->plain[reg / 4] &= ~value;
		break;
	default:
		pm->plain[reg / 4] = (pm->plain[reg / 4] & ~mask) | value;
	}
	update_sci(pm);
}

static uint64_t pm_read(void *owner, uint64_t offset, unsigned int width)
{
	return read_dword(owner, offset & ~3u) >> (8 * (offset & 3));
}

static void pm_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	unsigned int shift = 8 * (offset & 3);
	uint32_t mask = width == 4 ? UINT32_MAX : ((1u << (8 * width)) - 1) << shift;

	write_dword(owner, offset & ~3u, (uint32_t)(value << shift), mask);
}

static const struct vdev_range_ops pm_ops = {.read = pm_read, .write = pm_write, .max_width = 4};

/* ---- APM ports ---- */

static uint64_t apm_read(void *owner, uint64_t offset, unsigned int width)
{
	return ((struct vdev_piix4_pm *)owner)->apm[offset];
}

static void apm_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_piix4_pm *pm = owner;

	pm->apm[offset] = (uint8_t)value;
	if (offset != 0)
		return;
	if (value == VDEV_PM_ACPI_ENABLE)
		pm->cnt |= CNT_SCI_EN;
	else if (value == VDEV_PM_ACPI_DISABLE)
		pm->cnt &= (uint16_t)~CNT_SCI_EN;
	update_sci(pm);
}

static const struct vdev_range_ops apm_ops = {.read = apm_read, .write = apm_write};

/* ---- configuration space ---- */

static void place(struct vdev_bus *ports, struct vdev_range *range, bool *on_bus, uint16_t base)
{
	if (*on_bus && range->base == base)
		return;
	if (*on_bus)
		vdev_bus_remove(ports, range);
	range->base = base;
	*on_bus = base && vdev_bus_add(ports, range) == 0;
}

static uint16_t enabled_base(const struct vdev_pci_function *f, unsigned int reg, uint16_t mask,
			     unsigned int enable_reg)
{
	return f->config[enable_reg] & ENABLE ? vdev_pci_get16(f, reg) & mask : 0;
}

static void place_ranges(struct vdev_piix4_pm *pm)
{
	const struct vdev_pci_function *f = &pm->function;
	struct vdev_bus *ports = &board_of(pm)->ports;

	place(ports, &pm->range, &pm->on_bus, enabled_base(f, REG_PMBA, PMBA_MASK, REG_PMREGMISC));
	place(ports, &pm->smbus_range, &pm->smbus_on_bus,
	      enabled_base(f, REG_SMBBA, SMBBA_MASK, REG_SMBHSTCFG));
}

static void config_written(struct vdev_pci_function *f, unsigned int offset, unsigned int width)
{
	place_ranges(container_of(f, struct vdev_piix4_pm, function));
}

static const struct vdev_pci_function_ops function_ops = {.config_written = config_written};

/* From CNTA on, by dword: which devices are watched, and where their resources are. Kept only. */
static const uint32_t watch_masks[] = {
	0xffffffff, /* CNTA */
	0x0173ffff, /* CNTB */
	0x0fffffff, /* GPICTL */
	0x007f583f, /* DEVRESD */
	0xffffffff, /* DEVACTA */
	0x03ffff77, /* DEVACTB */
	0xffffffff, /* DEVRESA */
	0xf7ffffff, /* DEVRESB */
	0xffefffff, /* DEVRESC */
	0x001fffff, /* DEVRESE */
	0xffff80ff, /* DEVRESF */
	0x001fffff, /* DEVRESG */
	0xffff80ff, /* DEVRESH */
	0x001fffff, /* DEVRESI */
	0x001fffff, /* DEVRESJ */
};
_Static_assert(REG_CNTA + sizeof(watch_masks) == REG_PMREGMISC, "all registers up to PMREGMISC");

static void init_function(struct vdev_piix4_pm *pm)
{
	/* Earlier steppings than 3 have a timer that has to be read three times. */
	static const struct vdev_pci_id id = {
		.vendor = 0x8086, .device = 0x7113, .class = 0x0680, .revision = 3};
	struct vdev_pci_function *f = &pm->function;

	vdev_pci_function_init(f, &function_ops, &id);
	vdev_pci_allow_common(f, PCI_COMMAND_IO, 0);
	f->write_mask[PCI_INTERRUPT_LINE] = 0xff;
	vdev_pci_set16(f, PCI_STATUS, 0x0280);
	f->config[PCI_INTERRUPT_PIN] = 1; /* told, but the SCI is wired to IRQ 9 */
	f->config[PCI_INTERRUPT_LINE] = VDEV_PM_SCI_IRQ;
	vdev_pci_set32(f, REG_PMBA, BASE_IS_IO | pm->default_base);
	f->config[REG_PMREGMISC] = pm->default_base ? ENABLE : 0;
	vdev_pci_set32(f, REG_SMBBA, BASE_IS_IO);
	f->config[REG_DEVACTB + 3] = DEVACTB_APMC;
	f->write_mask[REG_PMBA] = (uint8_t)PMBA_MASK;
	f->write_mask[REG_PMBA + 1] = 0xff;
	for (unsigned int i = 0; i < ARRAY_SIZE(watch_masks); i++)
		bytes_put_le32(f->write_mask + REG_CNTA + 4 * i, watch_masks[i]);
	f->write_mask[REG_PMREGMISC] = ENABLE;
	f->write_mask[REG_SMBBA] = (uint8_t)SMBBA_MASK;
	f->write_mask[REG_SMBBA + 1] = 0xff;
	f->write_mask[REG_SMBHSTCFG] = 0x0f;
	f->write_mask[REG_SMBSLVC] = 0xff;
	f->write_mask[REG_SMBSHDW1] = f->write_mask[REG_SMBSHDW2] = 0xfe;
}

/* ---- the host's side ---- */

void vdev_piix4_pm_power_button(struct vdev_piix4_pm *pm)
{
	pm->sts |= STS_PWRBTN;
	update_sci(pm);
}

void vdev_piix4_pm_gpe(struct vdev_piix4_pm *pm, unsigned int n)
{
	CHECK(n < 16);
	pm->gp_sts |= (uint16_t)BIT(n);
	update_sci(pm);
}

void vdev_piix4_pm_wake(struct vdev_piix4_pm *pm)
{
	pm->sts |= STS_WAK;
	update_sci(pm);
}

bool vdev_piix4_pm_acpi_enabled(const struct vdev_piix4_pm *pm)
{
	return pm->cnt & CNT_SCI_EN;
}

/* ---- device ---- */

static const struct vdev_field fields[] = {
	VDEV_FIELD_MAX(2, struct vdev_piix4_pm, sts, STS_ALL),
	VDEV_FIELD_MAX(3, struct vdev_piix4_pm, en, EN_ALL),
	VDEV_FIELD_MAX(4, struct vdev_piix4_pm, cnt, CNT_KEPT),
	VDEV_FIELD(5, struct vdev_piix4_pm, gp_sts),
	VDEV_FIELD(6, struct vdev_piix4_pm, gp_en),
	VDEV_FIELD_ARRAY(7, struct vdev_piix4_pm, plain),
	VDEV_FIELD(8, struct vdev_piix4_pm, timer_mark),
	VDEV_FIELD_ARRAY(9, struct vdev_piix4_pm, apm),
	VDEV_FIELD_ARRAY(10, struct vdev_piix4_pm, smbus.registers),
	VDEV_FIELD_ARRAY(11, struct vdev_piix4_pm, smbus.block),
	VDEV_FIELD_MAX(12, struct vdev_piix4_pm, smbus.block_index, SMBUS_BLOCK - 1),
};

static struct vdev_piix4_pm *to_pm(struct vdev_device *device)
{
	return container_of(device, struct vdev_piix4_pm, device);
}

static void reset_registers(struct vdev_piix4_pm *pm)
{
	pm->sts = pm->en = pm->cnt = pm->gp_sts = pm->gp_en = 0;
	memset(pm->plain, 0, sizeof(pm->plain));
	memset(pm->apm, 0, sizeof(pm->apm));
	memset(&pm->smbus, 0, sizeof(pm->smbus));
	pm->plain[GPO_REG / 4] = GPO_RESET;
	pm->timer_mark = timer_ticks(pm) >> TIMER_HALF;
}

static void piix4_pm_reset(struct vdev_device *device)
{
	struct vdev_piix4_pm *pm = to_pm(device);

	vdev_pci_function_reset(&pm->function);
	reset_registers(pm);
	place_ranges(pm);
	update_sci(pm);
}

static void piix4_pm_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	const struct vdev_piix4_pm *pm = container_of(device, const struct vdev_piix4_pm, device);

	vdev_pci_save(&pm->function, writer, TAG_CONFIG);
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static int piix4_pm_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_piix4_pm *pm = to_pm(device);
	struct vdev_piix4_pm copy = *pm;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);

	if (r < 0)
		return r;
	if ((copy.sts & ~STS_ALL) || (copy.en & ~EN_ALL) || (copy.cnt & ~CNT_KEPT) ||
	    copy.timer_mark > timer_ticks(pm) >> TIMER_HALF)
		return -EBADMSG;
	r = vdev_pci_restore(&pm->function, record, TAG_CONFIG);
	if (r < 0)
		return r;
	smbus_mask(&copy.smbus);
	copy.function = pm->function;
	*pm = copy;
	place_ranges(pm);
	update_sci(pm);
	return 0;
}

static void piix4_pm_destroy(struct vdev_device *device)
{
	struct vdev_piix4_pm *pm = to_pm(device);
	struct vdev_board *board = board_of(pm);

	vdev_timer_cancel(&pm->timer);
	vdev_irq_connect(&pm->sci, NULL);
	vdev_bus_remove(&board->ports, &pm->range);
	vdev_bus_remove(&board->ports, &pm->smbus_range);
	vdev_bus_remove(&board->ports, &pm->apm_range);
	vdev_pci_detach(&pm->function);
	free(pm);
}

static const struct vdev_device_class piix4_pm_class = {
	.type = "82371AB power management",
	.version = 1,
	.reset = piix4_pm_reset,
	.save = piix4_pm_save,
	.restore = piix4_pm_restore,
	.destroy = piix4_pm_destroy,
};

static void init_ranges(struct vdev_piix4_pm *pm)
{
	pm->range = (struct vdev_range){.name = "PM", .size = PM_SIZE, .ops = &pm_ops, .owner = pm};
	pm->smbus_range = (struct vdev_range){
		.name = "SMBus", .size = SMBUS_SIZE, .ops = &smbus_ops, .owner = &pm->smbus};
	pm->apm_range = (struct vdev_range){
		.name = "APM", .base = VDEV_PM_APM_PORT, .size = 2, .ops = &apm_ops, .owner = pm};
}

int vdev_piix4_pm_create(struct vdev_pci_bus *bus, struct vdev_irq_line *sci, uint16_t pm_base,
			 struct vdev_piix4_pm **ret_pm)
{
	struct vdev_piix4_pm *pm = calloc(1, sizeof(*pm));
	int r;

	if (!pm)
		return -ENOMEM;
	vdev_device_init(&pm->device, &piix4_pm_class, "piix4-pm");
	pm->default_base = pm_base;
	init_ranges(pm);
	init_function(pm);
	r = vdev_pci_attach(bus, &pm->function, VDEV_PCI_DEVFN(1, 3));
	if (r < 0) {
		free(pm);
		return r;
	}
	vdev_timer_init(&pm->timer, &bus->board->clock, expire, pm);
	vdev_irq_connect(&pm->sci, sci);
	piix4_pm_reset(&pm->device);
	r = vdev_bus_add(&bus->board->ports, &pm->apm_range);
	if (r < 0) {
		piix4_pm_destroy(&pm->device);
		return r;
	}
	*ret_pm = pm;
	return 0;
}

struct vdev_device *vdev_piix4_pm_device(struct vdev_piix4_pm *pm)
{
	return &pm->device;
}
