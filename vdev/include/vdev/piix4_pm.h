/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PIIX4's power management function (Intel 290562 chapter 7), function 3 of its device: ACPI PM1
 * and GPE registers, the PM timer, the APM control ports B2h and B3h, and an SMBus host controller
 * without slaves.
 *
 * There is no SMM: DEVACTB says, as after a boot, that SMIs from APMC are set up, so that SeaBIOS
 * does not try to; and ACPI enable and disable (F1h, F0h at B2h) act on SCI_EN at once.
 */
#ifndef VDEV_PIIX4_PM_H
#define VDEV_PIIX4_PM_H

#include "board/device.h"
#include "board/irq.h"
#include "vdev/pci.h"

#define VDEV_PM_BASE         0x0600 /* where SeaBIOS puts the registers, and the FADT says they are */
#define VDEV_PM_TIMER_HZ     3579545u
#define VDEV_PM_SCI_IRQ      9u
#define VDEV_PM_ACPI_ENABLE  0xf1
#define VDEV_PM_ACPI_DISABLE 0xf0
#define VDEV_PM_APM_PORT     0xb2
#define VDEV_PM_SLEEP_OFF    0 /* SLP_TYP of S5 */
#define VDEV_PM_SLEEP_RAM    1 /* of S3 */

struct vdev_piix4_pm;

/*
 * `pm_base` is the address that the registers have after reset, for a machine without firmware; 0:
 * none, firmware sets it.
 */
int must_check vdev_piix4_pm_create(struct vdev_pci_bus *bus, struct vdev_irq_line *sci,
				    uint16_t pm_base, struct vdev_piix4_pm **ret_pm);
struct vdev_device *vdev_piix4_pm_device(struct vdev_piix4_pm *pm);

/* The user pressed the power button: a polite wish for a shutdown. */
void vdev_piix4_pm_power_button(struct vdev_piix4_pm *pm);

/* General purpose event `n`, 0 to 15, happened. */
void vdev_piix4_pm_gpe(struct vdev_piix4_pm *pm, unsigned int n);

/* The machine goes on after VDEV_EVENT_SUSPEND. */
void vdev_piix4_pm_wake(struct vdev_piix4_pm *pm);

/* Whether the guest took over power management (SCI_EN): only then a power button is heard. */
bool vdev_piix4_pm_acpi_enabled(const struct vdev_piix4_pm *pm);

#endif
