/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8042 keyboard controller with a PS/2 keyboard and a PS/2 mouse (IBM PS/2 Hardware Interface
 * Technical Reference, keyboard and auxiliary device controller), and the fast port 92h. Ports 60h,
 * 64h, 92h; IRQ 1 and 12.
 *
 * A20 is always enabled: the gate's bit can be written and read back, and memory does not change.
 */
#ifndef VDEV_I8042_H
#define VDEV_I8042_H

#include "board/device.h"
#include "board/irq.h"

struct vdev_i8042;

int must_check vdev_i8042_create(struct vdev_board *board, struct vdev_irq_line *irq1,
				 struct vdev_irq_line *irq12, struct vdev_i8042 **ret_kbc);
struct vdev_device *vdev_i8042_device(struct vdev_i8042 *kbc);

/*
 * A key goes down (or repeats) or up. Keys are named by their scan code of set 1, with 0xe000 added
 * for the extended ones: 0x1e is A, 0xe048 the grey up arrow, 0xe11d Pause, 0xe037 Print Screen.
 * Unknown keys are ignored. A key that finds the keyboard's buffer full is lost whole.
 */
void vdev_i8042_key(struct vdev_i8042 *kbc, uint16_t key, bool down);

#define VDEV_MOUSE_LEFT   BIT(0)
#define VDEV_MOUSE_RIGHT  BIT(1)
#define VDEV_MOUSE_MIDDLE BIT(2)
#define VDEV_MOUSE_SIDE   BIT(3)
#define VDEV_MOUSE_EXTRA  BIT(4)

/* The mouse moved, to the right and up positive; `wheel` positive is towards the user. */
void vdev_i8042_mouse(struct vdev_i8042 *kbc, int dx, int dy, int wheel, unsigned int buttons);

/* The lights: bit 0 scroll, 1 num, 2 caps lock. */
unsigned int vdev_i8042_leds(const struct vdev_i8042 *kbc);

#endif
