/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring is an array of pieces, each with the number of the line piece that it holds. A writer
 * reserves numbers by one atomic add, so writers never wait; `number` is 0 while a piece is being
 * written, and a reader checks it before and after the copy. A writer that is overtaken by a whole
 * turn of the ring spoils the text of a piece, never more.
 */
#include "core/log.h"
#include "core/arch.h"
#include "core/format.h"

struct piece {
	u64 number; /* atomic: 1 + position; 0: not valid */
	char text[LOG_PIECE_TEXT];
};
_Static_assert(sizeof(struct piece) == 128, "pieces share no cache line");

#define PIECES (LOG_RING_SIZE / sizeof(struct piece))

static struct piece ring[PIECES] aligned_to(64);
static u64 next_position; /* atomic */

static void (*sink)(const char *text, size_t length);
static enum log_level echo_level;
static u32 sink_owner; /* atomic: 1 + processor that is writing to the sink */

void log_init(void (*to)(const char *text, size_t length), enum log_level echo)
{
	sink = to;
	echo_level = echo;
}

/*
 * Keeps the lines of two processors apart. Does not wait for itself (NMI, panic inside a write)
 * and not forever: a torn line is better than a hang.
 */
static bool sink_enter(void)
{
	u64 give_up = arch_tsc() + arch_tsc_hz() / 8;
	u32 me = arch_cpu_index() + 1;
	u32 owner = 0;

	while (!__atomic_compare_exchange_n(&sink_owner, &owner, me, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (owner == me || arch_tsc() > give_up)
			return false;
		owner = 0;
		arch_pause();
	}
	return true;
}

static void echo(const char *line, size_t length)
{
	bool entered = sink_enter();

	sink(line, length);
	if (entered)
		__atomic_store_n(&sink_owner, 0, __ATOMIC_RELEASE);
}

static void write_piece(u64 position, const char *text, size_t length)
{
	struct piece *piece = &ring[position % PIECES];

	__atomic_store_n(&piece->number, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(piece->text, text, length);
	memset(piece->text + length, 0, sizeof(piece->text) - length);
	__atomic_store_n(&piece->number, position + 1, __ATOMIC_RELEASE);
}

static size_t put_time(char *line, size_t size)
{
	u64 tsc = arch_tsc(), hz = arch_tsc_hz();

	if (!hz)
		return format_text(line, size, "[    -.------] ");
	return format_text(line, size, "[%5lu.%06lu] ", tsc / hz, tsc % hz * 1000000 / hz);
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX + 1];
	size_t length, done, count;
	va_list args;
	u64 position;

	length = put_time(line, sizeof(line) - 1);
	va_start(args, format);
	length += format_va(line + length, sizeof(line) - 1 - length, format, args);
	va_end(args);
	line[length++] = '\n';

	count = (length + LOG_PIECE_TEXT - 1) / LOG_PIECE_TEXT;
	position = __atomic_fetch_add(&next_position, count, __ATOMIC_RELAXED);
	for (done = 0; done < length; done += LOG_PIECE_TEXT)
		write_piece(position++, line + done, min_u64(length - done, LOG_PIECE_TEXT));
	if (sink && level <= echo_level)
		echo(line, length);
}

/* False: the piece is gone (overwritten) or not there yet. */
static bool read_piece(u64 position, char *text)
{
	const struct piece *piece = &ring[position % PIECES];

	if (__atomic_load_n(&piece->number, __ATOMIC_ACQUIRE) != position + 1)
		return false;
	memcpy(text, piece->text, LOG_PIECE_TEXT);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&piece->number, __ATOMIC_RELAXED) == position + 1;
}

static size_t piece_length(const char *text)
{
	size_t n = 0;

	while (n < LOG_PIECE_TEXT && text[n])
		n++;
	return n;
}

size_t log_read(u64 *cursor, char *buffer, size_t size, u64 *ret_lost)
{
	u64 end = __atomic_load_n(&next_position, __ATOMIC_ACQUIRE);
	u64 oldest = end > PIECES ? end - PIECES : 0;
	u64 position = min_u64(max_u64(*cursor, oldest), end);
	u64 lost = position > *cursor ? position - *cursor : 0;
	char text[LOG_PIECE_TEXT];
	size_t done = 0, length;

	for (; position < end; position++) {
		if (!read_piece(position, text)) {
			/* Being written: stop in front of it. Overwritten: skip it. */
			if (__atomic_load_n(&next_position, __ATOMIC_ACQUIRE) - position <= PIECES)
				break;
			lost++;
			continue;
		}
		length = piece_length(text);
		if (done + length > size)
			break;
		memcpy(buffer + done, text, length);
		done += length;
	}
	*cursor = position;
	*ret_lost = lost;
	return done;
}
