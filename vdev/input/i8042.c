/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard controller. One byte at a time stands in the output buffer; the next comes from the
 * controller's own answer, the keyboard, or the mouse, in this order, as soon as the guest has read
 * it. Invariant: when the buffer is empty, nobody who may send has anything (refill()).
 */
#include "vdev/i8042.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ps2.h"

#define RAM_SIZE          32u

#define STATUS_OBF        BIT(0)
#define STATUS_SYSTEM     BIT(2)
#define STATUS_COMMAND    BIT(3)
#define STATUS_UNLOCK     BIT(4)
#define STATUS_AUX        BIT(5)

/* The command byte, ram[0]. */
#define MODE_IRQ1         BIT(0)
#define MODE_IRQ12        BIT(1)
#define MODE_SYSTEM       BIT(2)
#define MODE_KBD_OFF      BIT(4)
#define MODE_AUX_OFF      BIT(5)
#define MODE_TRANSLATE    BIT(6)

#define OUTPORT_RESET     BIT(0) /* low active */
#define OUTPORT_A20       BIT(1)

#define CMD_READ_RAM      0x20u
#define CMD_WRITE_RAM     0x60u
#define CMD_AUX_OFF       0xa7u
#define CMD_AUX_ON        0xa8u
#define CMD_AUX_TEST      0xa9u
#define CMD_SELF_TEST     0xaau
#define CMD_KBD_TEST      0xabu
#define CMD_KBD_OFF       0xadu
#define CMD_KBD_ON        0xaeu
#define CMD_READ_INPORT   0xc0u
#define CMD_READ_OUTPORT  0xd0u
#define CMD_WRITE_OUTPORT 0xd1u
#define CMD_WRITE_KBD_OUT 0xd2u
#define CMD_WRITE_AUX_OUT 0xd3u
#define CMD_WRITE_AUX     0xd4u
#define CMD_READ_TEST     0xe0u
#define CMD_PULSE         0xf0u

#define SELF_TEST_OK      0x55u
#define INPORT            0x80u /* keyboard not locked */

#define PORT92_INIT       BIT(0)
#define PORT92_A20        BIT(1)

enum source { FROM_CONTROLLER, FROM_KEYBOARD, FROM_MOUSE };

struct vdev_i8042 {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range data_range, command_range, port92_range;
	struct vdev_irq irq1, irq12;

	uint8_t ram[RAM_SIZE];
	uint8_t outport;
	bool fast_init;    /* port 92h, bit 0 */
	uint8_t command;   /* waits for its data byte; 0: none */
	bool last_command; /* the last write went to port 64h */
	bool full;         /* the output buffer */
	uint8_t output;
	uint8_t source; /* enum source of output */
	bool answered;  /* a controller answer waits */
	uint8_t answer;
	bool answer_aux; /* it is to look like the mouse's (D3h) */
	bool breaking;   /* F0h was translated away: the next code is a break code */
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
};

static uint8_t mode(const struct vdev_i8042 *kbc)
{
	return kbc->ram[0];
}

/* ---- output buffer ---- */

static void update_irq(struct vdev_i8042 *kbc)
{
	bool aux = kbc->source == FROM_MOUSE;

	vdev_irq_set(&kbc->irq1, kbc->full && !aux && (mode(kbc) & MODE_IRQ1));
	vdev_irq_set(&kbc->irq12, kbc->full && aux && (mode(kbc) & MODE_IRQ12));
}

static void put(struct vdev_i8042 *kbc, uint8_t byte, enum source source)
{
	kbc->output = byte;
	kbc->source = (uint8_t)source;
	kbc->full = true;
}

/* A keyboard byte on its way; with translation, F0h only leaves its mark on the next one. */
static void put_key(struct vdev_i8042 *kbc, uint8_t byte)
{
	kbc->keyboard.last = byte;
	if (!(mode(kbc) & MODE_TRANSLATE)) {
		put(kbc, byte, FROM_KEYBOARD);
	} else if (byte == 0xf0) {
		kbc->breaking = true;
	} else {
		put(kbc, ps2_translate(byte) | (kbc->breaking ? 0x80 : 0), FROM_KEYBOARD);
		kbc->breaking = false;
	}
}

static bool refill_step(struct vdev_i8042 *kbc)
{
	if (kbc->full)
		return false;
	if (kbc->answered) {
		kbc->answered = false;
		put(kbc, kbc->answer, kbc->answer_aux ? FROM_MOUSE : FROM_CONTROLLER);
	} else if (kbc->keyboard.queue.count && !(mode(kbc) & MODE_KBD_OFF)) {
		put_key(kbc, ps2_queue_take(&kbc->keyboard.queue));
	} else if (kbc->mouse.queue.count && !(mode(kbc) & MODE_AUX_OFF)) {
		put(kbc, ps2_mouse_take(&kbc->mouse), FROM_MOUSE);
		ps2_mouse_drained(&kbc->mouse);
	} else {
		return false;
	}
	return true;
}

static void refill(struct vdev_i8042 *kbc)
{
	while (refill_step(kbc))
		continue;
	update_irq(kbc);
}

/* An answer replaces one that nobody has read. */
static void answer(struct vdev_i8042 *kbc, uint8_t byte, bool aux)
{
	if (kbc->full && kbc->source == FROM_CONTROLLER)
		kbc->full = false;
	update_irq(kbc); /* an edge for the new byte */
	kbc->answered = true;
	kbc->answer = byte;
	kbc->answer_aux = aux;
}

static uint64_t data_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_i8042 *kbc = owner;
	uint8_t value = kbc->output;

	kbc->full = false;
	update_irq(kbc);
	refill(kbc);
	return value;
}

/* ---- output port ---- */

static void write_outport(struct vdev_i8042 *kbc, uint8_t value)
{
	kbc->outport = value;
	if (!(value & OUTPORT_RESET))
		vdev_board_event(kbc->board, VDEV_EVENT_RESET);
}

static uint64_t port92_read(void *owner, uint64_t offset, unsigned int width)
{
	const struct vdev_i8042 *kbc = owner;

	return (kbc->outport & OUTPORT_A20 ? PORT92_A20 : 0) | (kbc->fast_init ? PORT92_INIT : 0);
}

/* INIT is pulsed as the bit goes to 1 (82371AB, 290562 section 4.2.6). */
static void port92_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8042 *kbc = owner;
	bool fires = (value & PORT92_INIT) && !kbc->fast_init;

	kbc->outport &= (uint8_t)~OUTPORT_A20;
	if (value & PORT92_A20)
		kbc->outport |= OUTPORT_A20;
	kbc->fast_init = value & PORT92_INIT;
	if (fires)
		vdev_board_event(kbc->board, VDEV_EVENT_INIT);
}

/* ---- commands ---- */

static void change_mode(struct vdev_i8042 *kbc, uint8_t clear, uint8_t set)
{
	kbc->ram[0] = (uint8_t)((kbc->ram[0] & ~clear) | set);
}

/* The pulsed lines are the low nibble of the output port; only reset is connected. */
static void pulse(struct vdev_i8042 *kbc, uint8_t command)
{
	if (!(command & OUTPORT_RESET))
		vdev_board_event(kbc->board, VDEV_EVENT_RESET);
}

static void do_simple_command(struct vdev_i8042 *kbc, uint8_t command)
{
	switch (command) {
	case CMD_AUX_OFF:
		change_mode(kbc, 0, MODE_AUX_OFF);
		break;
	case CMD_AUX_ON:
		change_mode(kbc, MODE_AUX_OFF, 0);
		break;
	case CMD_KBD_OFF:
		change_mode(kbc, 0, MODE_KBD_OFF);
		break;
	case CMD_KBD_ON:
		change_mode(kbc, MODE_KBD_OFF, 0);
		break;
	case CMD_SELF_TEST:
		change_mode(kbc, 0, MODE_SYSTEM);
		answer(kbc, SELF_TEST_OK, false);
		break;
	case CMD_AUX_TEST:
	case CMD_KBD_TEST:
	case CMD_READ_TEST:
		answer(kbc, 0, false);
		break;
	case CMD_READ_INPORT:
		answer(kbc, INPORT, false);
		break;
	case CMD_READ_OUTPORT:
		answer(kbc, kbc->outport, false);
		break;
	}
}

static bool takes_data(uint8_t command)
{
	return (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + RAM_SIZE) ||
	       (command >= CMD_WRITE_OUTPORT && command <= CMD_WRITE_AUX);
}

static void command_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8042 *kbc = owner;
	uint8_t command = (uint8_t)value;

	kbc->last_command = true;
	kbc->command = takes_data(command) ? command : 0;
	if (command >= CMD_PULSE)
		pulse(kbc, command);
	else if (command >= CMD_READ_RAM && command < CMD_READ_RAM + RAM_SIZE)
		answer(kbc, kbc->ram[command - CMD_READ_RAM], false);
	else
		do_simple_command(kbc, command);
	refill(kbc);
}

static uint64_t status_read(void *owner, uint64_t offset, unsigned int width)
{
	const struct vdev_i8042 *kbc = owner;
	uint8_t status = STATUS_UNLOCK;

	if (kbc->full)
		status |= STATUS_OBF;
	if (kbc->full && kbc->source == FROM_MOUSE)
		status |= STATUS_AUX;
	if (mode(kbc) & MODE_SYSTEM)
		status |= STATUS_SYSTEM;
	if (kbc->last_command)
		status |= STATUS_COMMAND;
	return status;
}

static void data_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8042 *kbc = owner;
	uint8_t command = kbc->command, byte = (uint8_t)value;

	kbc->last_command = false;
	kbc->command = 0;
	if (command == 0) {
		change_mode(kbc, MODE_KBD_OFF, 0);
		ps2_keyboard_write(&kbc->keyboard, byte);
	} else if (command < CMD_WRITE_RAM + RAM_SIZE) {
		kbc->ram[command - CMD_WRITE_RAM] = byte;
	} else if (command == CMD_WRITE_OUTPORT) {
		write_outport(kbc, byte);
	} else if (command == CMD_WRITE_AUX) {
		change_mode(kbc, MODE_AUX_OFF, 0);
		ps2_mouse_write(&kbc->mouse, byte);
	} else {
		answer(kbc, byte, command == CMD_WRITE_AUX_OUT);
	}
	refill(kbc);
}

static const struct vdev_range_ops data_ops = {.read = data_read, .write = data_write};
static const struct vdev_range_ops command_ops = {.read = status_read, .write = command_write};
static const struct vdev_range_ops port92_ops = {.read = port92_read, .write = port92_write};

/* ---- the host's side ---- */

void vdev_i8042_key(struct vdev_i8042 *kbc, uint16_t key, bool down)
{
	ps2_keyboard_key(&kbc->keyboard, key, down);
	refill(kbc);
}

void vdev_i8042_mouse(struct vdev_i8042 *kbc, int dx, int dy, int wheel, unsigned int buttons)
{
	ps2_mouse_move(&kbc->mouse, dx, dy, wheel, buttons);
	refill(kbc);
}

unsigned int vdev_i8042_leds(const struct vdev_i8042 *kbc)
{
	return kbc->keyboard.leds;
}

/* ---- device ---- */

static const struct vdev_field fields[] = {
	VDEV_FIELD_ARRAY(1, struct vdev_i8042, ram),
	VDEV_FIELD(2, struct vdev_i8042, outport),
	VDEV_FIELD(3, struct vdev_i8042, command),
	VDEV_FIELD(4, struct vdev_i8042, last_command),
	VDEV_FIELD(5, struct vdev_i8042, full),
	VDEV_FIELD(6, struct vdev_i8042, output),
	VDEV_FIELD_MAX(7, struct vdev_i8042, source, FROM_MOUSE),
	VDEV_FIELD(8, struct vdev_i8042, answered),
	VDEV_FIELD(9, struct vdev_i8042, answer),
	VDEV_FIELD(10, struct vdev_i8042, answer_aux),
	VDEV_FIELD(11, struct vdev_i8042, breaking),
	VDEV_FIELD(12, struct vdev_i8042, fast_init),

	VDEV_FIELD_ARRAY(0x100, struct vdev_i8042, keyboard.queue.data),
	VDEV_FIELD_MAX(0x101, struct vdev_i8042, keyboard.queue.first, PS2_QUEUE_SIZE - 1),
	VDEV_FIELD_MAX(0x102, struct vdev_i8042, keyboard.queue.count, PS2_QUEUE_SIZE),
	VDEV_FIELD(0x103, struct vdev_i8042, keyboard.command),
	VDEV_FIELD(0x104, struct vdev_i8042, keyboard.last),
	VDEV_FIELD_MAX(0x105, struct vdev_i8042, keyboard.leds, 7),
	VDEV_FIELD_MAX(0x106, struct vdev_i8042, keyboard.set, 2),
	VDEV_FIELD(0x107, struct vdev_i8042, keyboard.scanning),

	VDEV_FIELD_ARRAY(0x200, struct vdev_i8042, mouse.queue.data),
	VDEV_FIELD_MAX(0x201, struct vdev_i8042, mouse.queue.first, PS2_QUEUE_SIZE - 1),
	VDEV_FIELD_MAX(0x202, struct vdev_i8042, mouse.queue.count, PS2_QUEUE_SIZE),
	VDEV_FIELD(0x203, struct vdev_i8042, mouse.command),
	VDEV_FIELD_MAX(0x204, struct vdev_i8042, mouse.id, 4),
	VDEV_FIELD_ARRAY(0x205, struct vdev_i8042, mouse.rates),
	VDEV_FIELD_MAX(0x206, struct vdev_i8042, mouse.resolution, 3),
	VDEV_FIELD(0x207, struct vdev_i8042, mouse.scaling),
	VDEV_FIELD(0x208, struct vdev_i8042, mouse.reporting),
	VDEV_FIELD(0x209, struct vdev_i8042, mouse.remote),
	VDEV_FIELD(0x20a, struct vdev_i8042, mouse.wrap),
	VDEV_FIELD_MAX(0x20b, struct vdev_i8042, mouse.buttons, 0x1f),
	VDEV_FIELD_MAX(0x20c, struct vdev_i8042, mouse.reported, 0x1f),
	VDEV_FIELD(0x20d, struct vdev_i8042, mouse.dx),
	VDEV_FIELD(0x20e, struct vdev_i8042, mouse.dy),
	VDEV_FIELD(0x20f, struct vdev_i8042, mouse.dz),
	VDEV_FIELD(0x210, struct vdev_i8042, mouse.starts),
	VDEV_FIELD_ARRAY(0x211, struct vdev_i8042, mouse.sent),
	VDEV_FIELD_MAX(0x212, struct vdev_i8042, mouse.sent_count, PS2_PACKET_MAX),
};

static struct vdev_i8042 *to_kbc(struct vdev_device *device)
{
	return container_of(device, struct vdev_i8042, device);
}

static void i8042_reset(struct vdev_device *device)
{
	struct vdev_i8042 *kbc = to_kbc(device);

	memset(kbc->ram, 0, sizeof(kbc->ram));
	kbc->ram[0] = MODE_KBD_OFF | MODE_AUX_OFF;
	kbc->outport = OUTPORT_RESET | OUTPORT_A20;
	kbc->command = kbc->output = kbc->source = kbc->answer = 0;
	kbc->fast_init = kbc->last_command = kbc->full = kbc->answered = kbc->answer_aux =
		kbc->breaking = false;
	memset(&kbc->keyboard, 0, sizeof(kbc->keyboard));
	memset(&kbc->mouse, 0, sizeof(kbc->mouse));
	ps2_keyboard_reset(&kbc->keyboard);
	ps2_mouse_reset(&kbc->mouse);
	refill(kbc);
}

static void i8042_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static bool moved_within(int32_t distance)
{
	return distance >= -PS2_MOUSE_MOVE_MAX && distance <= PS2_MOUSE_MOVE_MAX;
}

static bool state_valid(const struct vdev_i8042 *kbc)
{
	return kbc->keyboard.set >= 1 && moved_within(kbc->mouse.dx) &&
	       moved_within(kbc->mouse.dy) && moved_within(kbc->mouse.dz) &&
	       (kbc->command == 0 || takes_data(kbc->command));
}

static int i8042_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_i8042 *kbc = to_kbc(device);
	struct vdev_i8042 copy = *kbc;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);

	if (r < 0)
		return r;
	if (!state_valid(&copy))
		return -EBADMSG;
	*kbc = copy;
	refill(kbc);
	return 0;
}

static void i8042_destroy(struct vdev_device *device)
{
	struct vdev_i8042 *kbc = to_kbc(device);

	vdev_irq_connect(&kbc->irq1, NULL);
	vdev_irq_connect(&kbc->irq12, NULL);
	vdev_bus_remove(&kbc->board->ports, &kbc->data_range);
	vdev_bus_remove(&kbc->board->ports, &kbc->command_range);
	vdev_bus_remove(&kbc->board->ports, &kbc->port92_range);
	free(kbc);
}

static const struct vdev_device_class i8042_class = {
	.type = "8042",
	.version = 3, /* the mouse's last packet */
	.reset = i8042_reset,
	.save = i8042_save,
	.restore = i8042_restore,
	.destroy = i8042_destroy,
};

static int add_ranges(struct vdev_i8042 *kbc)
{
	struct vdev_bus *ports = &kbc->board->ports;
	int r;

	kbc->data_range = (struct vdev_range){"8042 data", 0x60, 1, &data_ops, kbc, 0, 0};
	kbc->command_range = (struct vdev_range){"8042 command", 0x64, 1, &command_ops, kbc, 0, 0};
	kbc->port92_range = (struct vdev_range){"port 92h", 0x92, 1, &port92_ops, kbc, 0, 0};
	r = vdev_bus_add(ports, &kbc->data_range);
	if (r == 0)
		r = vdev_bus_add(ports, &kbc->command_range);
	return r < 0 ? r : vdev_bus_add(ports, &kbc->port92_range);
}

int vdev_i8042_create(struct vdev_board *board, struct vdev_irq_line *irq1,
		      struct vdev_irq_line *irq12, struct vdev_i8042 **ret_kbc)
{
	struct vdev_i8042 *kbc = calloc(1, sizeof(*kbc));
	int r;

	if (!kbc)
		return -ENOMEM;
	vdev_device_init(&kbc->device, &i8042_class, "i8042");
	kbc->board = board;
	vdev_irq_connect(&kbc->irq1, irq1);
	vdev_irq_connect(&kbc->irq12, irq12);
	i8042_reset(&kbc->device);
	r = add_ranges(kbc);
	if (r < 0) {
		i8042_destroy(&kbc->device);
		return r;
	}
	*ret_kbc = kbc;
	return 0;
}

struct vdev_device *vdev_i8042_device(struct vdev_i8042 *kbc)
{
	return &kbc->device;
}
