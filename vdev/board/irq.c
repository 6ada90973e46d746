/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wired-or interrupt lines. Invariant: line->asserted is the number of sources connected to the line
 * whose level is true.
 */
#include "board/irq.h"

#include "base/macros.h"

static void change(struct vdev_irq_line *line, bool asserted)
{
	bool before = vdev_irq_line_level(line);

	CHECK(asserted || line->asserted > 0);
	line->asserted += asserted ? 1 : -1u;
	if (vdev_irq_line_level(line) != before && line->notify)
		line->notify(line->owner, line->pin, !before);
}

void vdev_irq_connect(struct vdev_irq *irq, struct vdev_irq_line *line)
{
	if (irq->line == line)
		return;
	if (irq->line && irq->level)
		change(irq->line, false);
	irq->line = line;
	if (irq->line && irq->level)
		change(irq->line, true);
}

void vdev_irq_set(struct vdev_irq *irq, bool level)
{
	if (irq->level == level)
		return;
	irq->level = level;
	if (irq->line)
		change(irq->line, level);
}

void vdev_irq_pulse(struct vdev_irq *irq)
{
	vdev_irq_set(irq, true);
	vdev_irq_set(irq, false);
}
