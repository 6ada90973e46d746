/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt lines. A line is asserted as long as one of its sources is (wired or); its listener
 * hears of changes only. Whether that is an edge or a level, and its polarity on the board, is the
 * listener's business: `true` is asserted.
 *
 * A line's state is not saved: a device's restore() sets its sources again, and the interrupt
 * controllers save what they saw of the line.
 */
#ifndef BOARD_IRQ_H
#define BOARD_IRQ_H

#include <stdbool.h>
#include <stddef.h>

struct vdev_irq_line {
	void (*notify)(void *owner, unsigned int pin, bool level); /* NULL: leads nowhere */
	void *owner;
	unsigned int pin;
	unsigned int asserted; /* sources that assert it */
};

/* One device's end of a line. Zeroed memory is a source that is not connected. */
struct vdev_irq {
	struct vdev_irq_line *line;
	bool level;
};

/* Connects to `line` (NULL: to none), taking along the present level. */
void vdev_irq_connect(struct vdev_irq *irq, struct vdev_irq_line *line);

void vdev_irq_set(struct vdev_irq *irq, bool level);

/* One edge: asserted, then not. */
void vdev_irq_pulse(struct vdev_irq *irq);

static inline bool vdev_irq_line_level(const struct vdev_irq_line *line)
{
	return line->asserted > 0;
}

#endif
