/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser of the worker's configuration. One table of keys; each has a function that takes the
 * value. Nothing is guessed and nothing is ignored.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FILE_MAX 65536
#define FD_MAX   1048576u

static int fail(struct config_error *ret_error, const char *format, ...) printf_like(2, 3);

static int fail(struct config_error *ret_error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof ret_error->text, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

void config_init(struct config *config)
{
	*config = (struct config){.partition_fd = -1,
				  .firmware_fd = -1,
				  .kernel_fd = -1,
				  .initrd_fd = -1,
				  .debug_fd = -1,
				  .processors = 1,
				  .resets = CONFIG_RESETS_ANY};
	for (unsigned int i = 0; i < CONFIG_DRIVES; i++)
		config->drive[i].fd = -1;
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		config->serial[i].fd = -1;
}

/* --- values --- */

/* A decimal number and nothing else. */
static bool parse_number(const char *text, uint32_t max, uint32_t *ret_number)
{
	uint64_t n = 0;

	if (*text == 0)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > max)
			return false;
	}
	*ret_number = (uint32_t)n;
	return true;
}

static bool parse_fd(const char *text, int *ret_fd)
{
	uint32_t n;

	if (!parse_number(text, FD_MAX, &n))
		return false;
	*ret_fd = (int)n;
	return true;
}

/* Digits alone are a descriptor's number, right or wrong; everything else is a path. */
static bool parse_file(const char *text, size_t length, int *ret_fd, char *ret_path)
{
	if (length == 0 || length >= CONFIG_PATH_MAX)
		return false;
	memcpy(ret_path, text, length);
	ret_path[length] = 0;
	if (strspn(ret_path, "0123456789") != length)
		return true;
	if (!parse_fd(ret_path, ret_fd))
		return false;
	*ret_path = 0;
	return true;
}

/* An entry of the table takes the value; false: it is not one. */
struct key {
	const char *name;
	const char *expected;
	bool (*take)(struct config *config, unsigned int index, const char *value);
	unsigned int index;
};

static bool take_name(struct config *config, unsigned int index, const char *value)
{
	size_t length = strlen(value);

	if (length == 0 || length > CONFIG_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return false;
	memcpy(config->name, value, length + 1);
	return true;
}

static bool take_memory(struct config *config, unsigned int index, const char *value)
{
	return parse_number(value, CONFIG_MEMORY_MAX_MIB, &config->memory_mib) &&
	       config->memory_mib >= CONFIG_MEMORY_MIN_MIB;
}

static bool take_processors(struct config *config, unsigned int index, const char *value)
{
	return parse_number(value, CONFIG_VPS_MAX, &config->processors) && config->processors > 0;
}

static bool take_file(struct config *config, unsigned int index, const char *value)
{
	int *const fds[] = {&config->partition_fd, &config->firmware_fd, &config->kernel_fd,
			    &config->initrd_fd, &config->debug_fd};

	return parse_file(value, strlen(value), fds[index], config->path[index]);
}

static bool take_cmdline(struct config *config, unsigned int index, const char *value)
{
	if (strlen(value) >= sizeof config->cmdline)
		return false;
	memcpy(config->cmdline, value, strlen(value) + 1);
	config->has_cmdline = true;
	return true;
}

static bool take_cdrom(struct config *config, unsigned int index, const char *value)
{
	struct config_drive *drive = &config->drive[index];

	drive->kind = CONFIG_DRIVE_CDROM;
	drive->read_only = true;
	if (*value == 0)
		return true;
	return parse_file(value + 1, strlen(value + 1), &drive->fd,
			  config->path[CONFIG_HDA + index]);
}

static bool take_drive(struct config *config, unsigned int index, const char *value)
{
	struct config_drive *drive = &config->drive[index];
	size_t length = strlen(value);

	if (strcmp(value, "cdrom") == 0 || strncmp(value, "cdrom,", 6) == 0)
		return take_cdrom(config, index, value + 5);
	drive->kind = CONFIG_DRIVE_DISK;
	drive->read_only = length > 3 && strcmp(value + length - 3, ",ro") == 0;
	if (drive->read_only)
		length -= 3;
	return parse_file(value, length, &drive->fd, config->path[CONFIG_HDA + index]);
}

static bool take_scsi(struct config *config, unsigned int index, const char *value)
{
	return take_drive(config, index, value) && config->drive[index].kind == CONFIG_DRIVE_DISK;
}

static bool take_serial(struct config *config, unsigned int index, const char *value)
{
	struct config_serial *serial = &config->serial[index];

	serial->kind = strcmp(value, "pty") == 0     ? CONFIG_SERIAL_PTY
		       : strcmp(value, "stdio") == 0 ? CONFIG_SERIAL_STDIO
						     : CONFIG_SERIAL_FD;
	return serial->kind != CONFIG_SERIAL_FD || parse_fd(value, &serial->fd);
}

static bool take_choice(bool *ret_second, const char *value, const char *first, const char *second)
{
	*ret_second = strcmp(value, second) == 0;
	return *ret_second || strcmp(value, first) == 0;
}

static bool take_reset(struct config *config, unsigned int index, const char *value)
{
	bool exits;

	if (parse_number(value, CONFIG_RESETS_ANY - 1, &config->resets))
		return true;
	if (!take_choice(&exits, value, "restart", "exit"))
		return false;
	config->resets = exits ? 0 : CONFIG_RESETS_ANY;
	return true;
}

static bool take_triple_fault(struct config *config, unsigned int index, const char *value)
{
	return take_choice(&config->exit_on_triple_fault, value, "reset", "exit");
}

static bool take_crash(struct config *config, unsigned int index, const char *value)
{
	return take_choice(&config->exit_on_crash, value, "continue", "exit");
}

#define A_FILE   "a path, or the number of a descriptor"
#define A_DRIVE  "FILE, FILE,ro, cdrom or cdrom,FILE"
#define A_SCSI   "FILE or FILE,ro"
#define A_SERIAL "the number of a descriptor, pty or stdio"

static const struct key keys[] = {
	{"name", "1 to 64 printable characters", take_name, 0},
	{"memory", "16 to 1048576 (MiB)", take_memory, 0},
	{"processors", "1 to 64", take_processors, 0},
	{"partition", A_FILE, take_file, CONFIG_PARTITION},
	{"firmware", A_FILE, take_file, CONFIG_FIRMWARE},
	{"kernel", A_FILE, take_file, CONFIG_KERNEL},
	{"initrd", A_FILE, take_file, CONFIG_INITRD},
	{"debug", A_FILE, take_file, CONFIG_DEBUG},
	{"cmdline", "at most 2047 bytes", take_cmdline, 0},
	{"hda", A_DRIVE, take_drive, 0},
	{"hdb", A_DRIVE, take_drive, 1},
	{"hdc", A_DRIVE, take_drive, 2},
	{"hdd", A_DRIVE, take_drive, 3},
	{"sda", A_SCSI, take_scsi, CONFIG_IDE_DRIVES},
	{"sdb", A_SCSI, take_scsi, CONFIG_IDE_DRIVES + 1},
	{"sdc", A_SCSI, take_scsi, CONFIG_IDE_DRIVES + 2},
	{"sdd", A_SCSI, take_scsi, CONFIG_IDE_DRIVES + 3},
	{"com1", A_SERIAL, take_serial, 0},
	{"com2", A_SERIAL, take_serial, 1},
	{"reset", "restart, exit or a number of resets", take_reset, 0},
	{"triple-fault", "reset or exit", take_triple_fault, 0},
	{"crash", "continue or exit", take_crash, 0},
};

static const struct key *find_key(const char *word, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].name) == length && memcmp(keys[i].name, word, length) == 0)
			return &keys[i];
	return NULL;
}

int config_word(struct config *config, const char *word, struct config_error *ret_error)
{
	const char *equals = strchr(word, '=');
	const struct key *key;
	uint32_t bit;

	if (!equals)
		return fail(ret_error, "\"%.64s\" is not of the form key=value", word);
	key = find_key(word, (size_t)(equals - word));
	if (!key)
		return fail(ret_error, "\"%.64s\": there is no such key", word);
	bit = 1u << (key - keys);
	if (config->given & bit)
		return fail(ret_error, "%s is given twice", key->name);
	config->given |= bit;
	if (!key->take(config, key->index, equals + 1))
		return fail(ret_error, "%s: \"%.64s\" is not %s", key->name, equals + 1,
			    key->expected);
	return 0;
}

/* --- files --- */

static int read_file(int fd, char *text, size_t *ret_size, struct config_error *ret_error)
{
	size_t size = 0;

	for (;;) {
		ssize_t n = read(fd, text + size, FILE_MAX - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(ret_error, "config: cannot be read: %s", strerror(errno));
		if (n == 0)
			break;
		size += (size_t)n;
		if (size == FILE_MAX)
			return fail(ret_error, "config: is longer than %d bytes", FILE_MAX - 1);
	}
	*ret_size = size;
	return 0;
}

static int take_lines(struct config *config, char *text, size_t size,
		      struct config_error *ret_error)
{
	char *end = text + size;

	*end = 0;
	while (text < end) {
		char *line = text;
		size_t length = strcspn(line, "\n");

		if (line + length < end && line[length] == 0)
			return fail(ret_error, "config: holds a zero byte");
		line[length] = 0;
		text = line + length + 1;
		if (*line && *line != '#') {
			int r = config_word(config, line, ret_error);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

int config_file(struct config *config, int fd, struct config_error *ret_error)
{
	char *text = malloc(FILE_MAX + 1);
	size_t size = 0;
	int r;

	if (!text)
		return fail(ret_error, "config: not enough memory");
	r = read_file(fd, text, &size, ret_error);
	if (r == 0)
		r = take_lines(config, text, size, ret_error);
	free(text);
	return r;
}

static int named_file(struct config *config, const char *value, struct config_error *ret_error)
{
	_cleanup_close_ int opened = -1;
	char path[CONFIG_PATH_MAX] = "";
	int fd = -1;

	if (!parse_file(value, strlen(value), &fd, path))
		return fail(ret_error, "config: \"%.64s\" is not " A_FILE, value);
	if (*path) {
		fd = opened = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fail(ret_error, "config: %s: %s", path, strerror(errno));
	}
	return config_file(config, fd, ret_error);
}

int config_arguments(struct config *config, int count, char *const *words,
		     struct config_error *ret_error)
{
	for (int i = 0; i < count; i++) {
		int r = strncmp(words[i], "config=", 7) == 0
				? named_file(config, words[i] + 7, ret_error)
				: config_word(config, words[i], ret_error);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --- what belongs together --- */

static int check_boot(const struct config *config, struct config_error *ret_error)
{
	bool kernel = config->kernel_fd >= 0 || *config->path[CONFIG_KERNEL];
	bool firmware = config->firmware_fd >= 0 || *config->path[CONFIG_FIRMWARE];

	if (!kernel && !firmware)
		return fail(ret_error, "neither firmware nor kernel is given");
	if (kernel && firmware)
		return fail(ret_error, "both firmware and kernel are given");
	if (!kernel && (config->initrd_fd >= 0 || *config->path[CONFIG_INITRD]))
		return fail(ret_error, "initrd is given without kernel");
	if (!kernel && config->has_cmdline)
		return fail(ret_error, "cmdline is given without kernel");
	return 0;
}

struct fd_use {
	const char *key;
	int fd;
};

const char *config_file_key(enum config_file file)
{
	static const char *const names[CONFIG_FILES] = {
		"partition", "firmware", "kernel", "initrd", "debug", "hda", "hdb",
		"hdc",       "hdd",      "sda",    "sdb",    "sdc",   "sdd",
	};

	return names[file];
}

static size_t list_fds(const struct config *config, struct fd_use *uses)
{
	static const char *const serial[] = {"com1", "com2"};
	const int files[CONFIG_HDA] = {config->partition_fd, config->firmware_fd, config->kernel_fd,
				       config->initrd_fd, config->debug_fd};
	size_t n = 0;

	for (; n < CONFIG_HDA; n++)
		uses[n] = (struct fd_use){config_file_key(n), files[n]};
	for (unsigned int i = 0; i < CONFIG_DRIVES; i++, n++)
		uses[n] = (struct fd_use){config_file_key(n), config->drive[i].fd};
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		uses[n++] = (struct fd_use){serial[i], config->serial[i].fd};
	return n;
}

/* Each descriptor is open, and no two keys share one. */
static int check_fds(const struct config *config, struct config_error *ret_error)
{
	struct fd_use uses[CONFIG_FILES + CONFIG_SERIALS];
	size_t count = list_fds(config, uses);

	for (size_t i = 0; i < count; i++) {
		if (uses[i].fd < 0)
			continue;
		if (fcntl(uses[i].fd, F_GETFD) < 0)
			return fail(ret_error, "%s: descriptor %d is not open", uses[i].key,
				    uses[i].fd);
		for (size_t j = 0; j < i; j++)
			if (uses[j].fd == uses[i].fd)
				return fail(ret_error, "%s and %s: both have descriptor %d",
					    uses[j].key, uses[i].key, uses[i].fd);
	}
	return 0;
}

int config_check(const struct config *config, struct config_error *ret_error)
{
	int r;

	if (config->memory_mib == 0)
		return fail(ret_error, "memory is not given");
	r = check_boot(config, ret_error);
	return r < 0 ? r : check_fds(config, ret_error);
}
