/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power cut at every write: a run of the store's calls is recorded; then, for every prefix of its
 * writes, and with the next write torn in half, the store is opened again. It must open, and hold
 * exactly what was acknowledged, or that and the call under way.
 * Likewise with a disk that is full from the n-th write on.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "record_vfs.h"
#include "store_dump.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

enum { MAX_STEPS = 64 };

static char directory[64], path[128];
static struct store *store;
static struct vm_error err;

static int put_vm(const char *uuid, const char *name, uint32_t uid, const char *power)
{
	char xml[6000]; /* spills over one page */

	memset(xml, 'x', sizeof(xml) - 1);
	xml[sizeof(xml) - 1] = '\0';
	return store_vm_put(store,
			    &(struct store_vm){.uuid = uuid,
					       .name = name,
					       .xml = xml,
					       .power = power,
					       .reason = "none",
					       .notes = "",
					       .stop_action = "shutdown",
					       .worker_uid = uid,
					       .created = 1},
			    &err);
}

static int begin_operation(const char *uuid, const char *kind)
{
	int64_t id;

	return store_operation_begin(
		store,
		&(struct store_operation){
			.uuid = uuid, .name = "n", .kind = kind, .detail = "d", .started = 5},
		&id, &err);
}

/* Several tables in one transaction: all of it or nothing. */
static int finish_start(void)
{
	int64_t sequence;

	if (store_begin(store, &err) < 0)
		return -1;
	if (store_vm_power(store, UUID_A, "running", "started", &err) < 0 ||
	    store_operation_end(store, 1, "done", "", "", 9, &err) < 0 ||
	    store_event_add(store,
			    &(struct store_event){.time = 9,
						  .uuid = UUID_A,
						  .name = "a",
						  .kind = "state",
						  .detail = "running"},
			    &sequence, &err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, &err);
}

static int do_step(int step)
{
	switch (step) {
	case 0:
		return put_vm(UUID_A, "a", 1, "off");
	case 1:
		return put_vm(UUID_B, "b", 2, "off");
	case 2:
		return begin_operation(UUID_A, "start");
	case 3:
		return store_worker_put(store,
					&(struct store_worker){.uuid = UUID_A,
							       .pid = 9,
							       .start_time = 7,
							       .boot_id = "b",
							       .socket = "/s",
							       .nonce = "n"},
					&err);
	case 4:
		return finish_start();
	case 5:
		return begin_operation(UUID_B, "clone");
	case 6:
		return store_operation_detail(store, 2, "half", &err);
	case 7:
		return store_worker_remove(store, UUID_A, &err);
	case 8:
		return store_vm_remove(store, UUID_A, &err);
	case 9:
		return store_network_put(store,
					 &(struct store_network){.name = "n",
								 .mode = "nat",
								 .bridge = "kb0",
								 .address = "10.0.0.1/24"},
					 &err);
	case 10:
		return put_vm(UUID_B, "b-renamed", 2, "off");
	default:
		return -1;
	}
}

enum { STEPS = 11 };

static void remove_files(void)
{
	char wal[160];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(path);
	unlink(wal);
}

static void setup(void)
{
	snprintf(directory, sizeof(directory), "/tmp/keelson-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/vmms.db", directory);
	record_vfs_register();
}

static void teardown(void)
{
	remove_files();
	rmdir(directory);
}

static void open_store(void)
{
	ck_assert_msg(store_open(path, RECORD_VFS_NAME, &store, &err) == 0, "%s", err.text);
}

/* Runs all steps; dumps[i] is the content and marks[i] the number of changes after i steps. */
static void record_run(char *dumps[], size_t marks[])
{
	record_vfs_start();
	open_store();
	for (int i = 0;; i++) {
		dumps[i] = store_dump(store);
		marks[i] = record_vfs_count();
		if (i == STEPS)
			break;
		ck_assert_msg(do_step(i) == 0, "%s", err.text);
	}
	store = store_close(store); /* checkpoints into the database and removes the log */
	record_vfs_stop();
}

static void check_cut(char *const dumps[], const size_t marks[], size_t count, bool torn)
{
	_cleanup_free_ char *found = NULL;
	int acknowledged = 0;

	while (acknowledged < STEPS && marks[acknowledged + 1] <= count)
		acknowledged++;
	record_vfs_lay_down(path, count, torn);
	open_store();
	found = store_dump(store);
	store = store_close(store);
	if (strcmp(found, dumps[acknowledged]) == 0)
		return;
	ck_assert_msg(acknowledged < STEPS && strcmp(found, dumps[acknowledged + 1]) == 0,
		      "cut after %zu changes%s: step %d was acknowledged, found:\n%s", count,
		      torn ? " and a half" : "", acknowledged, found);
}

START_TEST(power_cut_at_every_write)
{
	char *dumps[MAX_STEPS];
	size_t marks[MAX_STEPS], total;

	record_run(dumps, marks);
	total = record_vfs_count();
	ck_assert_uint_gt(total, marks[STEPS]); /* the checkpoint is in it */
	ck_assert_uint_gt(marks[STEPS], 2 * STEPS);
	for (size_t count = 0; count <= total; count++) {
		check_cut(dumps, marks, count, false);
		check_cut(dumps, marks, count, true);
	}
	for (int i = 0; i <= STEPS; i++)
		free(dumps[i]);
}
END_TEST

/* One run with the disk full from write `n` on; false when nothing failed any more. */
static bool run_on_full_disk(long n)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	bool failed = false;

	remove_files();
	open_store();
	record_vfs_fail_at(n);
	for (int i = 0; i < STEPS && !failed; i++) {
		free(before);
		before = store_dump(store);
		failed = do_step(i) < 0;
	}
	if (failed) {
		ck_assert_int_eq(err.code, VM_ERROR_STORE);
		ck_assert_ptr_nonnull(strstr(err.text, "full"));
		after = store_dump(store);
		ck_assert_str_eq(before, after);
	}
	store = store_close(store);
	record_vfs_fail_at(-1);
	if (!failed)
		return false;
	free(after);
	open_store();
	after = store_dump(store);
	store = store_close(store);
	ck_assert_str_eq(before, after);
	return true;
}

START_TEST(full_disk_at_every_write)
{
	long n = 0;

	while (run_on_full_disk(n))
		n++;
	ck_assert_int_gt(n, 2 * STEPS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store-crash");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, power_cut_at_every_write);
	tcase_add_test(tcase, full_disk_at_every_write);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
