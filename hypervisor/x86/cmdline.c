// SPDX-License-Identifier: GPL-2.0-or-later
/* See cmdline.h. The console is set up first, so that complaints about later words are seen. */
#include "core/format.h"
#include "core/log.h"
#include "x86/cmdline.h"
#include "x86/console.h"
#include "x86/svm/svm.h"

#define WORD_MAX 64

bool panic_reboots = true;

bool cmdline_parse_hex(const char *text, u64 *ret_value)
{
	u64 v = 0;

	if (text[0] != '0' || text[1] != 'x' || !text[2])
		return false;
	for (text += 2; *text; text++) {
		u8 c = (u8)(*text | 0x20);

		if (v >> 60)
			return false;
		if (c >= '0' && c <= '9')
			v = v << 4 | (u64)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (u64)(c - 'a' + 10);
		else
			return false;
	}
	*ret_value = v;
	return true;
}

/* Copies the next word and returns what follows it; NULL at the end. Long words are cut. */
static const char *next_word(const char *line, char word[WORD_MAX])
{
	size_t n = 0;

	while (*line == ' ')
		line++;
	if (!*line)
		return NULL;
	for (; *line && *line != ' '; line++)
		if (n < WORD_MAX - 1)
			word[n++] = *line;
	word[n] = 0;
	return line;
}

static const char *value_of(const char *word, const char *name)
{
	size_t n = strlen(name);

	return strncmp(word, name, n) || word[n] != '=' ? NULL : word + n + 1;
}

static bool parse_level(const char *name, enum log_level *ret_level)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i])) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* The image's own path: QEMU and old loaders pass it as the first word. */
static bool is_path(const char *word)
{
	for (; *word && *word != '='; word++)
		if (*word == '/')
			return true;
	return false;
}

static bool apply_word(const char *word, enum log_level *level)
{
	const char *v;

	if ((v = value_of(word, "console")))
		return console_init(v);
	if ((v = value_of(word, "loglevel")))
		return parse_level(v, level);
	if ((v = value_of(word, "panic"))) {
		panic_reboots = !strcmp(v, "reboot");
		return panic_reboots || !strcmp(v, "halt");
	}
	if ((v = value_of(word, "emulator"))) {
		svm_bochs = !strcmp(v, "bochs");
		return svm_bochs;
	}
	return is_path(word);
}

void cmdline_apply(const char *line)
{
	enum log_level level = LOG_INFO;
	char word[WORD_MAX];
	const char *p;

	for (p = line; (p = next_word(p, word));)
		apply_word(word, &level);
	log_init(console_write, level);
	for (p = line; (p = next_word(p, word));)
		if (!apply_word(word, &level))
			log_warning("command line: '%s' is not known or has a bad value; ignored",
				    word);
}
