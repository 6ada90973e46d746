/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's tables, constraints, migrations, and what it does with files that are damaged or
 * newer than it is.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "fault_vfs.h"
#include "store/backup.h"
#include "store/queue.h"
#include "store_dump.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

static char directory[64], path[192];
static struct vm_error err;

static void setup(void)
{
	snprintf(directory, sizeof(directory), "/tmp/keelson-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/vmms.db", directory);
}

static void teardown(void)
{
	_cleanup_free_ char *command = NULL;

	ck_assert_int_gt(asprintf(&command, "rm -r '%s'", directory), 0);
	ck_assert_int_eq(system(command), 0);
}

static struct store *open_store(void)
{
	struct store *store = NULL;

	ck_assert_msg(store_open(path, NULL, &store, &err) == 0, "%s", err.text);
	return store;
}

static int put_vm(struct store *store, const char *uuid, const char *name, uint32_t uid)
{
	return store_vm_put(store,
			    &(struct store_vm){.uuid = uuid,
					       .name = name,
					       .xml = "<x/>",
					       .power = "off",
					       .reason = "none",
					       .notes = "n",
					       .stop_action = "shutdown",
					       .autostart = true,
					       .autostart_order = 3,
					       .autostart_delay = 4,
					       .stop_timeout = 5,
					       .worker_uid = uid,
					       .created = 6},
			    &err);
}

START_TEST(what_is_put_is_there_after_reopening)
{
	struct store *store = open_store();
	_cleanup_free_ char *before = NULL, *after = NULL, *value = NULL;
	int64_t id = 0, sequence = 0;

	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	ck_assert_int_eq(put_vm(store, UUID_B, "b", 11), 0);
	ck_assert_int_eq(store_operation_begin(store,
					       &(struct store_operation){.uuid = UUID_A,
									 .name = "a",
									 .kind = "start",
									 .detail = "",
									 .started = 1},
					       &id, &err),
			 0);
	ck_assert_int_eq(id, 1);
	ck_assert_int_eq(
		store_event_add(store,
				&(struct store_event){
					.uuid = UUID_A, .name = "a", .kind = "k", .detail = "d"},
				&sequence, &err),
		0);
	ck_assert_int_eq(store_meta_set(store, "boot", "x", &err), 0);
	ck_assert_int_eq(store_meta_set(store, "boot", "y", &err), 0);
	before = store_dump(store);
	store_close(store);

	store = open_store();
	after = store_dump(store);
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(store_meta_get(store, "boot", &value, &err), 0);
	ck_assert_str_eq(value, "y");
	free(value);
	ck_assert_int_eq(store_meta_get(store, "nothing", &value, &err), 0);
	ck_assert_ptr_null(value);
	store_close(store);
}
END_TEST

static int count_row(void *data, const struct store_operation *op)
{
	(*(int *)data)++;
	return 0;
}

START_TEST(open_operations_are_found_until_they_end)
{
	struct store *store = open_store();
	int64_t ids[2];
	int open = 0;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(store_operation_begin(store,
						       &(struct store_operation){.uuid = UUID_A,
										 .name = "a",
										 .kind = "start",
										 .detail = ""},
						       &ids[i], &err),
				 0);
	ck_assert_int_eq(store_operation_each_open(store, count_row, &open, &err), 0);
	ck_assert_int_eq(open, 2);
	ck_assert_int_eq(store_operation_end(store, ids[0], "failed", "E", "m", 4, &err), 0);
	open = 0;
	ck_assert_int_eq(store_operation_each_open(store, count_row, &open, &err), 0);
	ck_assert_int_eq(open, 1);
	store_close(store);
}
END_TEST

START_TEST(names_and_uids_are_unique)
{
	struct store *store = open_store();
	_cleanup_free_ char *before = NULL, *after = NULL;

	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	before = store_dump(store);
	ck_assert_int_lt(put_vm(store, UUID_B, "a", 11), 0);
	ck_assert_int_eq(err.code, VM_ERROR_STORE);
	ck_assert_int_lt(put_vm(store, UUID_B, "b", 10), 0);
	after = store_dump(store);
	ck_assert_str_eq(before, after);
	store_close(store);
}
END_TEST

static int count_vms(void *data, const struct store_vm *vm)
{
	(*(int *)data)++;
	return 0;
}

static struct store_request *await_finished(struct store *store, int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	struct store_request *request;

	while (!(request = store_next_finished(store)))
		ck_assert_int_ge(poll(&poller, 1, -1), 0);
	return request;
}

static int refuse(struct store *store, struct store_request *request, struct vm_error *why)
{
	return vm_error_set(why, VM_ERROR_INVALID_ARGUMENT, "not like that");
}

/* In order, each a transaction; the failure of one is its own. */
START_TEST(requests_are_carried_out_by_the_queue)
{
	struct store_request twice = {.owned = true}, refused = {.owned = true, .run = refuse},
			     good = {.owned = true};
	struct store_request *requests[] = {&twice, &refused, &good};
	struct store *store = open_store();
	int fd, count = 0;

	ck_assert_int_eq(store_queue_start(store, &fd), 0);
	store_gather(store, &twice);
	ck_assert_int_eq(put_vm(store, UUID_A, "a", 1), 0);
	ck_assert_int_eq(put_vm(store, UUID_B, "a", 2), 0); /* the name is taken */
	store_hand_over(store, &twice);
	store_gather(store, &refused);
	ck_assert_int_eq(put_vm(store, UUID_A, "a", 1), 0);
	store_hand_over(store, &refused);
	store_gather(store, &good);
	ck_assert_int_eq(put_vm(store, UUID_B, "b", 2), 0);
	store_hand_over(store, &good);
	ck_assert_int_eq(put_vm(store, UUID_A, "a", 3), 0); /* nobody's */
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		ck_assert_ptr_eq(await_finished(store, fd), requests[i]);
	ck_assert_int_lt(twice.result, 0);
	ck_assert_int_eq(refused.err.code, VM_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(good.result, 0);
	ck_assert(store_queue_stop(store, 300));
	store_queue_free(store);
	ck_assert_int_eq(store_vm_each(store, count_vms, &count, &err), 0);
	ck_assert_int_eq(count, 2);
	store_close(store);
}
END_TEST

START_TEST(history_is_pruned_but_open_operations_stay)
{
	struct store *store = open_store();
	int64_t id, sequence;
	int rows = 0;

	ck_assert_int_eq(store_begin(store, &err), 0);
	for (int i = 0; i < STORE_OPERATIONS_KEPT + 10; i++) {
		ck_assert_int_eq(store_operation_begin(store,
						       &(struct store_operation){.uuid = UUID_A,
										 .name = "a",
										 .kind = "k",
										 .detail = ""},
						       &id, &err),
				 0);
		if (i > 0)
			ck_assert_int_eq(store_operation_end(store, id, "done", "", "", 1, &err),
					 0);
	}
	for (int i = 0; i < STORE_EVENTS_KEPT + 10; i++)
		ck_assert_int_eq(store_event_add(store,
						 &(struct store_event){.uuid = UUID_A,
								       .name = "a",
								       .kind = "k",
								       .detail = ""},
						 &sequence, &err),
				 0);
	ck_assert_int_eq(store_commit(store, &err), 0);
	ck_assert_int_eq(store_prune(store, &err), 0);
	ck_assert_int_eq(store_operation_each(store, UUID_A, 100000, count_row, &rows, &err), 0);
	ck_assert_int_eq(rows, STORE_OPERATIONS_KEPT + 1);
	rows = 0;
	ck_assert_int_eq(store_operation_each_open(store, count_row, &rows, &err), 0);
	ck_assert_int_eq(rows, 1);
	store_close(store);
}
END_TEST

START_TEST(every_older_version_is_migrated)
{
	for (int version = 1; version < store_schema_version(); version++) {
		struct store *store;

		ck_assert_int_eq(store_open_version(path, version, &err), 0);
		store = open_store();
		ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
		ck_assert_int_eq(store_network_put(store,
						   &(struct store_network){.name = "n",
									   .mode = "nat",
									   .bridge = "b",
									   .address = ""},
						   &err),
				 0);
		store_close(store);
		unlink(path);
	}
	ck_assert_int_ge(store_schema_version(), 2);
}
END_TEST

/* The version lies at byte 60 of the file, big-endian; the format is documented and stable. */
static void set_version(uint8_t version)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_pwrite_full(fd, &version, 1, 63), 0);
}

START_TEST(newer_version_is_refused)
{
	struct store *store = open_store();

	store_close(store);
	set_version(99);
	ck_assert_int_lt(store_open(path, NULL, &store, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "version 99"));
	ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

static off_t file_size(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

START_TEST(truncated_database_is_refused_and_kept)
{
	struct store *store = open_store();
	off_t full;

	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	store_close(store);
	full = file_size();
	for (off_t size = full - 4096; size > 0; size -= 4096) {
		ck_assert_int_eq(truncate(path, size), 0);
		ck_assert_int_lt(store_open(path, NULL, &store, &err), 0);
		ck_assert_ptr_nonnull(strstr(err.text, "damaged"));
		ck_assert_ptr_nonnull(strstr(err.text, path));
		ck_assert_int_eq(file_size(), size);
	}
}
END_TEST

START_TEST(garbage_is_refused_and_kept)
{
	char garbage[8192];
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct store *store;

	memset(garbage, 'g', sizeof(garbage));
	ck_assert_int_eq(fd_write_full(fd, garbage, sizeof(garbage)), 0);
	ck_assert_int_lt(store_open(path, NULL, &store, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "damaged"));
	ck_assert_int_eq(file_size(), (off_t)sizeof(garbage));
}
END_TEST

START_TEST(second_daemon_is_kept_out)
{
	struct store *store = open_store(), *second = NULL;

	ck_assert_int_eq(store_open(path, NULL, &second, &err), -EBUSY);
	ck_assert_int_eq(err.code, VM_ERROR_STORE);
	ck_assert_ptr_nonnull(strstr(err.text, "in use by another process"));
	ck_assert_ptr_null(strstr(err.text, "damaged"));
	store_close(store);
}
END_TEST

/* Each class by its own words and with its own remedy; only a damaged file is called that. */
static const struct {
	enum fault_point at;
	int code, errnum;
	const char *word;
} faults[] = {
	{FAULT_OPEN, SQLITE_CANTOPEN, EACCES, "cannot be written"},
	{FAULT_OPEN, SQLITE_CANTOPEN, EROFS, "read-only"},
	{FAULT_OPEN, SQLITE_CANTOPEN, ENOSPC, "full"},
	{FAULT_OPEN, SQLITE_CANTOPEN, EIO, "Input/output error"},
	{FAULT_READ, SQLITE_IOERR_READ, EIO, "journalctl -k"},
	{FAULT_READ, SQLITE_CORRUPT, 0, "damaged"},
	{FAULT_LOCK, SQLITE_BUSY, 0, "in use by another process"},
	{FAULT_LOCK, SQLITE_IOERR_LOCK, ENOLCK, "journalctl -k"},
	{FAULT_WRITE, SQLITE_FULL, 0, "full"},
	{FAULT_WRITE, SQLITE_IOERR_WRITE, ENOSPC, "full"},
	{FAULT_WRITE, SQLITE_IOERR_WRITE, EDQUOT, "full"},
	{FAULT_WRITE, SQLITE_IOERR_WRITE, EIO, "journalctl -k"},
	{FAULT_WRITE, SQLITE_READONLY, 0, "read-only"},
	{FAULT_SYNC, SQLITE_IOERR_FSYNC, EIO, "journalctl -k"},
};

static void check_words(size_t row)
{
	bool damaged = strcmp(faults[row].word, "damaged") == 0;

	ck_assert_int_eq(err.code, VM_ERROR_STORE);
	ck_assert_msg(strstr(err.text, faults[row].word), "%zu: no '%s' in: %s", row,
		      faults[row].word, err.text);
	ck_assert_msg((strstr(err.text, "damaged") != NULL) == damaged, "%zu: %s", row, err.text);
	ck_assert_msg((strstr(err.text, "move it away") != NULL) == damaged, "%zu: %s", row,
		      err.text);
	ck_assert_ptr_nonnull(strstr(err.text, path));
}

START_TEST(errors_are_told_apart_when_it_is_opened)
{
	struct store *store = open_store();

	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	store_close(store);
	fault_vfs_register();
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		if (faults[i].at == FAULT_WRITE || faults[i].at == FAULT_SYNC)
			continue; /* an open writes nothing */
		fault_at = faults[i].at;
		fault_code = faults[i].code;
		fault_errno = faults[i].errnum;
		err = (struct vm_error){0};
		ck_assert_msg(store_open(path, FAULT_VFS_NAME, &store, &err) < 0, "row %zu", i);
		fault_at = FAULT_NONE;
		check_words(i);
	}
	ck_assert_int_eq(store_open(path, FAULT_VFS_NAME, &store, &err), 0);
	store_close(store);
}
END_TEST

START_TEST(errors_are_told_apart_when_it_is_written)
{
	fault_vfs_register();
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		struct store *store;
		_cleanup_free_ char *before = NULL, *after = NULL;

		if (faults[i].at != FAULT_WRITE && faults[i].at != FAULT_SYNC)
			continue;
		ck_assert_int_eq(store_open(path, FAULT_VFS_NAME, &store, &err), 0);
		before = store_dump(store);
		fault_at = faults[i].at;
		fault_code = faults[i].code;
		fault_errno = faults[i].errnum;
		err = (struct vm_error){0};
		ck_assert_msg(put_vm(store, UUID_A, "a", 10) < 0, "row %zu", i);
		fault_at = FAULT_NONE;
		check_words(i);
		after = store_dump(store);
		ck_assert_str_eq(before, after);
		store_close(store);
	}
}
END_TEST

START_TEST(emptied_inventory_is_told)
{
	struct store *store = NULL;
	bool created = false;

	/* none at all: made anew, and told */
	ck_assert_int_eq(store_open_or_create(path, &store, &created, &err), 0);
	ck_assert(created);
	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	store_close(store);
	ck_assert_int_eq(store_open_or_create(path, &store, &created, &err), 0);
	ck_assert(!created);
	store_close(store);
	/* of no size */
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_lt(store_open_or_create(path, &store, &created, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "is empty"));
	ck_assert_ptr_nonnull(strstr(err.text, "--restore-config"));
	ck_assert_int_eq(file_size(), 0);
	/* a database, but without a table */
	ck_assert_int_eq(store_open_version(path, 0, &err), 0);
	ck_assert_int_lt(store_open_or_create(path, &store, &created, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "is empty"));
	/* what a crash left of a first start is no inventory */
	unlink(path);
	snprintf(path + strlen(path), 8, ".new");
	ck_assert_int_eq(store_open_version(path, 0, &err), 0);
	path[strlen(path) - 4] = '\0';
	ck_assert_int_eq(store_open_or_create(path, &store, &created, &err), 0);
	ck_assert(created);
	store_close(store);
}
END_TEST

/* ── backup ────────────────────────────────────────────────────────────────────────────────── */

static void save(int fd, const char *to)
{
	_cleanup_close_ int in = fd, out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char buffer[4096];
	ssize_t n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		ck_assert_int_eq(fd_write_full(out, buffer, (size_t)n), 0);
	ck_assert_int_eq(n, 0);
}

static int put_worker(struct store *store, const char *uuid, int32_t pid)
{
	return store_worker_put(store,
				&(struct store_worker){.uuid = uuid,
						       .pid = pid,
						       .start_time = 1,
						       .boot_id = "b",
						       .socket = "s",
						       .nonce = "n"},
				&err);
}

START_TEST(backup_is_made_while_it_is_open_and_comes_back)
{
	struct store *store = open_store(), *copy = NULL;
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct store_restored restored = {0};
	char backup[128];
	int fd = -1;

	snprintf(backup, sizeof(backup), "%s/backup", directory);
	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	before = store_dump(store);
	ck_assert_msg(store_backup(store, &fd, &err) == 0, "%s", err.text);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS),
			 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	save(fd, backup);
	/* in use: neither restored nor touched */
	ck_assert_int_lt(store_restore(backup, path, &restored, &err), 0);
	ck_assert_int_eq(err.code, VM_ERROR_BUSY);
	/* after the backup: a machine that starts, and another one, which runs */
	ck_assert_int_eq(put_worker(store, UUID_A, 77), 0);
	ck_assert_int_eq(put_vm(store, UUID_B, "b", 11), 0);
	ck_assert_int_eq(put_worker(store, UUID_B, 78), 0);
	store_close(store);

	ck_assert_msg(store_restore(backup, path, &restored, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(restored.vms, 1);
	ck_assert_uint_eq(restored.abandoned, 1);
	ck_assert_ptr_nonnull(restored.kept);
	ck_assert_int_eq(store_open_existing(restored.kept, &copy, &err), 0);
	store_close(copy);
	store_restored_free(&restored);
	ck_assert_int_eq(store_open_existing(path, &store, &err), 0);
	ck_assert_int_eq(store_worker_remove(store, UUID_A, &err), 0); /* was kept */
	after = store_dump(store);
	ck_assert_str_eq(before, after);
	store_close(store);
}
END_TEST

START_TEST(backup_replaces_a_damaged_inventory)
{
	struct store *store = open_store();
	struct store_restored restored = {0};
	char backup[128], wal[200];
	_cleanup_close_ int log = -1;
	int fd = -1;

	snprintf(backup, sizeof(backup), "%s/backup", directory);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	ck_assert_int_eq(store_backup(store, &fd, &err), 0);
	save(fd, backup);
	store_close(store);
	ck_assert_int_eq(truncate(path, 5000), 0);
	log = open(wal, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_full(log, "stale", 5), 0);
	ck_assert_msg(store_restore(backup, path, &restored, &err) == 0, "%s", err.text);
	ck_assert_int_eq(access(wal, F_OK), -1);
	store_restored_free(&restored);
	ck_assert_msg(store_open_existing(path, &store, &err) == 0, "%s", err.text);
	store_close(store);
	/* and where there is none */
	unlink(path);
	ck_assert_int_eq(store_restore(backup, path, &restored, &err), 0);
	ck_assert_ptr_null(restored.kept);
}
END_TEST

START_TEST(what_is_no_backup_changes_nothing)
{
	struct store *store = open_store(), *newer = NULL;
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct store_restored restored = {0};
	char bad[128], keep[192];

	ck_assert_int_eq(put_vm(store, UUID_A, "a", 10), 0);
	before = store_dump(store);
	store_close(store);
	snprintf(keep, sizeof(keep), "%s", path);
	snprintf(bad, sizeof(bad), "%s/bad", directory);
	ck_assert_int_lt(store_restore(bad, keep, &restored, &err), 0); /* is not there */
	ck_assert_int_lt(store_restore("/dev/null", keep, &restored, &err), 0);
	ck_assert_int_lt(store_restore(directory, keep, &restored, &err), 0);
	ck_assert_int_eq(store_open_version(bad, 0, &err), 0); /* is empty */
	ck_assert_int_lt(store_restore(bad, keep, &restored, &err), 0);
	ck_assert_int_eq(store_open(bad, NULL, &newer, &err), 0);
	store_close(newer);
	snprintf(path, sizeof(path), "%s", bad);
	set_version(99);
	ck_assert_int_lt(store_restore(bad, keep, &restored, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "version 99"));
	ck_assert_int_eq(truncate(bad, 5000), 0);
	ck_assert_int_lt(store_restore(bad, keep, &restored, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "no backup that can be used"));
	ck_assert_int_eq(store_open_existing(keep, &store, &err), 0);
	after = store_dump(store);
	ck_assert_str_eq(before, after);
	store_close(store);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_put_is_there_after_reopening);
	tcase_add_test(tcase, open_operations_are_found_until_they_end);
	tcase_add_test(tcase, names_and_uids_are_unique);
	tcase_add_test(tcase, requests_are_carried_out_by_the_queue);
	tcase_add_test(tcase, history_is_pruned_but_open_operations_stay);
	tcase_add_test(tcase, every_older_version_is_migrated);
	tcase_add_test(tcase, newer_version_is_refused);
	tcase_add_test(tcase, truncated_database_is_refused_and_kept);
	tcase_add_test(tcase, garbage_is_refused_and_kept);
	tcase_add_test(tcase, second_daemon_is_kept_out);
	tcase_add_test(tcase, errors_are_told_apart_when_it_is_opened);
	tcase_add_test(tcase, errors_are_told_apart_when_it_is_written);
	tcase_add_test(tcase, emptied_inventory_is_told);
	tcase_add_test(tcase, backup_is_made_while_it_is_open_and_comes_back);
	tcase_add_test(tcase, backup_replaces_a_damaged_inventory);
	tcase_add_test(tcase, what_is_no_backup_changes_nothing);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
