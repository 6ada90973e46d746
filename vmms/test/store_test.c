/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's tables, constraints, migrations, and what it does with files that are damaged or
 * newer than it is.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store_dump.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

static char directory[64], path[128];
static struct vm_error err;

static void setup(void)
{
	snprintf(directory, sizeof(directory), "/tmp/keelson-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/vmms.db", directory);
}

static void teardown(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char file[160];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
		unlink(file);
	}
	rmdir(directory);
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

	ck_assert_int_lt(store_open(path, NULL, &second, &err), 0);
	ck_assert_int_eq(err.code, VM_ERROR_STORE);
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
	tcase_add_test(tcase, history_is_pruned_but_open_operations_stay);
	tcase_add_test(tcase, every_older_version_is_migrated);
	tcase_add_test(tcase, newer_version_is_refused);
	tcase_add_test(tcase, truncated_database_is_refused_and_kept);
	tcase_add_test(tcase, garbage_is_refused_and_kept);
	tcase_add_test(tcase, second_daemon_is_kept_out);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
