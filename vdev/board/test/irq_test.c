/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt lines: wired or, changes only, reconnecting.
 */
#include <string.h>

#include "board/irq.h"
#include "test_main.h"

static char heard[32];
static struct vdev_irq_line lines[2];

static void hear(void *owner, unsigned int pin, bool level)
{
	size_t n = strlen(heard);

	heard[n] = (char)(level ? 'A' + pin : 'a' + pin);
	heard[n + 1] = 0;
}

static void setup(void)
{
	heard[0] = 0;
	for (unsigned int i = 0; i < 2; i++)
		lines[i] = (struct vdev_irq_line){hear, NULL, i, 0};
}

static void teardown(void)
{
}

START_TEST(a_shared_line_falls_with_its_last_source)
{
	struct vdev_irq one = {0}, two = {0};

	vdev_irq_connect(&one, &lines[0]);
	vdev_irq_connect(&two, &lines[0]);
	vdev_irq_set(&one, true);
	vdev_irq_set(&one, true);
	vdev_irq_set(&two, true);
	vdev_irq_set(&one, false);
	ck_assert_str_eq(heard, "A");
	ck_assert(vdev_irq_line_level(&lines[0]));
	vdev_irq_set(&two, false);
	ck_assert_str_eq(heard, "Aa");
}
END_TEST

START_TEST(reconnecting_carries_the_level)
{
	struct vdev_irq irq = {0};

	vdev_irq_set(&irq, true);
	vdev_irq_connect(&irq, &lines[0]);
	vdev_irq_connect(&irq, &lines[1]);
	vdev_irq_connect(&irq, &lines[1]);
	vdev_irq_connect(&irq, NULL);
	ck_assert_str_eq(heard, "AaBb");
	vdev_irq_set(&irq, false);
	ck_assert_str_eq(heard, "AaBb");
}
END_TEST

START_TEST(a_pulse_is_one_edge)
{
	struct vdev_irq irq = {0}, other = {0};

	vdev_irq_connect(&irq, &lines[0]);
	vdev_irq_connect(&other, &lines[0]);
	vdev_irq_pulse(&irq);
	ck_assert_str_eq(heard, "Aa");
	vdev_irq_set(&other, true);
	vdev_irq_pulse(&irq);
	ck_assert_str_eq(heard, "AaA");
}
END_TEST

TEST_MAIN("vdev/irq", setup, teardown, a_shared_line_falls_with_its_last_source,
	  reconnecting_carries_the_level, a_pulse_is_one_edge)
