/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two lists under one lock: what is to be done, and what has been.
 */
#include "store/queue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/sql.h"

struct list {
	struct store_request *first, **end;
};

struct store_queue {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;
	struct list waiting, finished;
	size_t length; /* not carried out: those that wait, and the one under way */
	bool ending;
	bool ended, refused; /* not the thread's */
	int fd;
};

static void list_init(struct list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void list_add(struct list *list, struct store_request *request)
{
	request->next = NULL;
	*list->end = request;
	list->end = &request->next;
}

static struct store_request *list_take(struct list *list)
{
	struct store_request *request = list->first;

	if (!request)
		return NULL;
	list->first = request->next;
	if (!list->first)
		list->end = &list->first;
	return request;
}

/* ── on the thread ─────────────────────────────────────────────────────────────────────────── */

static int write_all(struct store *store, const struct store_request *request, struct vm_error *err)
{
	int r = sql_script(store, "BEGIN IMMEDIATE", err);

	if (r < 0)
		return r;
	r = sql_write_all(store, request->writes, err);
	if (r == 0)
		r = sql_script(store, "COMMIT", err);
	if (r < 0) /* fails only where there is nothing to roll back any more */
		(void)!sql_script(store, "ROLLBACK", NULL);
	return r;
}

static int write_lazily(struct store *store, const struct store_request *request,
			struct vm_error *err)
{
	int r = sql_script(store, "PRAGMA synchronous = NORMAL", err);

	if (r == 0)
		r = write_all(store, request, err);
	if (sql_script(store, "PRAGMA synchronous = FULL", r == 0 ? err : NULL) < 0 && r == 0)
		r = -EIO;
	return r;
}

static void carry_out(struct store *store, struct store_request *request)
{
	int r = request->run ? request->run(store, request, &request->err) : 0;

	if (r == 0 && request->writes)
		r = request->lazy ? write_lazily(store, request, &request->err)
				  : write_all(store, request, &request->err);
	request->result = r;
}

/* Waits for one; NULL when the queue ends. */
static struct store_request *take_next(struct store_queue *queue)
{
	struct store_request *request;

	pthread_mutex_lock(&queue->lock);
	while (!queue->waiting.first && !queue->ending)
		pthread_cond_wait(&queue->work, &queue->lock);
	request = list_take(&queue->waiting);
	pthread_mutex_unlock(&queue->lock);
	return request;
}

static void give_back(struct store_queue *queue, struct store_request *request)
{
	uint64_t one = 1;

	pthread_mutex_lock(&queue->lock);
	list_add(&queue->finished, request);
	queue->length--;
	pthread_mutex_unlock(&queue->lock);
	CHECK(fd_write_full(queue->fd, &one, sizeof(one)) == 0);
}

static void *thread_main(void *data)
{
	struct store *store = data;
	struct store_request *request;

	while ((request = take_next(store->queue))) {
		carry_out(store, request);
		give_back(store->queue, request);
	}
	return NULL;
}

/* ── by its user ───────────────────────────────────────────────────────────────────────────── */

static int start_thread(struct store *store)
{
	sigset_t all, old;
	int r;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&store->queue->thread, NULL, thread_main, store);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

void store_queue_free(struct store *store)
{
	struct store_queue *queue = store->queue;
	struct store_request *request;

	while ((request = list_take(&queue->finished)))
		store_request_free(request);
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->work);
	fd_close(queue->fd);
	free(queue);
	store->queue = NULL;
}

int store_queue_start(struct store *store, int *ret_fd)
{
	struct store_queue *queue = calloc(1, sizeof(*queue));
	int r;

	if (!queue)
		return -ENOMEM;
	queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	list_init(&queue->waiting);
	list_init(&queue->finished);
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->work, NULL);
	store->queue = queue;
	r = queue->fd < 0 ? -errno : start_thread(store);
	if (r < 0) {
		store_queue_free(store);
		return r;
	}
	*ret_fd = queue->fd;
	return 0;
}

bool store_queue_stop(struct store *store, unsigned int seconds)
{
	struct store_queue *queue = store->queue;
	struct timespec until;

	pthread_mutex_lock(&queue->lock);
	queue->ending = true;
	pthread_cond_signal(&queue->work);
	pthread_mutex_unlock(&queue->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	queue->ended = pthread_timedjoin_np(queue->thread, NULL, &until) == 0;
	return queue->ended;
}

size_t store_queue_length(const struct store *store)
{
	size_t length;

	if (!store->queue)
		return 0;
	pthread_mutex_lock(&store->queue->lock);
	length = store->queue->length;
	pthread_mutex_unlock(&store->queue->lock);
	return length;
}

void store_gather(struct store *store, struct store_request *request)
{
	CHECK(!store->gathered);
	store->gathered = request;
}

bool store_may_add(struct store *store)
{
	if (store_queue_length(store) < STORE_QUEUE_MAX)
		return true;
	store->queue->refused = true;
	return false;
}

bool store_has_refused(struct store *store)
{
	bool refused = store->queue->refused;

	store->queue->refused = false;
	return refused;
}

void store_hand_over(struct store *store, struct store_request *request)
{
	struct store_queue *queue = store->queue;

	CHECK(!store->gathered || store->gathered == request);
	store->gathered = NULL;
	if (queue->ended)
		carry_out(store, request);
	pthread_mutex_lock(&queue->lock);
	list_add(queue->ended ? &queue->finished : &queue->waiting, request);
	queue->length += !queue->ended;
	pthread_cond_signal(&queue->work);
	pthread_mutex_unlock(&queue->lock);
}

void store_drop(struct store *store, struct store_request *request)
{
	CHECK(store->gathered == request);
	store->gathered = NULL;
	request->writes = sql_writes_free(request->writes);
}

struct store_request *store_next_finished(struct store *store)
{
	struct store_queue *queue = store->queue;
	struct store_request *request;
	uint64_t count;

	(void)!read(queue->fd, &count, sizeof(count));
	pthread_mutex_lock(&queue->lock);
	request = list_take(&queue->finished);
	pthread_mutex_unlock(&queue->lock);
	if (request)
		request->writes = sql_writes_free(request->writes);
	return request;
}

void store_request_free(struct store_request *request)
{
	request->writes = sql_writes_free(request->writes);
	if (!request->owned)
		free(request);
}
