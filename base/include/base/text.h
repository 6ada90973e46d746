/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text that others wrote: a guest's last words, a worker's, a file's name, notes. Before it goes to
 * D-Bus, a database or a terminal it passes text_make_safe(): D-Bus refuses a whole message for one
 * byte that is not UTF-8, and a terminal obeys escape sequences.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the UTF-8 character at `text`, 0 at the end and where there is none. Overlong forms,
 * surrogates and noncharacters (Unicode 15, 3.4 and 23.7; sd-bus refuses them too) are none.
 */
size_t text_character(const char *text, uint32_t *ret_code);

/* A control character (C0, DEL, C1), or one that turns or breaks lines (U+2028…E, U+2066…9). */
bool text_is_control(uint32_t code);

/* Only valid characters, and no control characters but those in `allowed`. */
bool text_is_safe(const char *text, const char *allowed);

/*
 * Copies at most size - 1 bytes, cut between characters. Each control character that is not in
 * `allowed`, and each byte that is no UTF-8, becomes a '?'; so the copy is never longer than the
 * original, and `to` may be `from`. size > 0.
 */
void text_make_safe(const char *from, char *to, size_t size, const char *allowed);

#endif
