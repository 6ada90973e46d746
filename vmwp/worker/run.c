/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one machine's states, and the only places where they change and where the daemon hears of it.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "vid/partition.h"
#include "vsp/services.h"
#include "worker_private.h"

static void enter(struct worker *w, enum run_state state, enum proto_cause cause, const char *text)
{
	static const enum proto_state told[] = {
		[RUN_CONFIGURED] = PROTO_STATE_CREATED, [RUN_FAILED] = PROTO_STATE_CREATED,
		[RUN_RUNNING] = PROTO_STATE_RUNNING,    [RUN_PAUSED] = PROTO_STATE_PAUSED,
		[RUN_ENDED] = PROTO_STATE_STOPPED,
	};

	w->state = state;
	if (w->controlled)
		proto_service_set_state(&w->service, told[state], cause, text);
}

static int start_processors(struct worker *w)
{
	int r = vcpus_start(&w->vcpus);

	return r < 0 ? worker_fail(w, r, "threads cannot be made: %s", strerror(-r)) : 0;
}

static int check_configuration(struct worker *w)
{
	struct config_error error;
	int r = config_check(&w->config, &error);

	return r < 0 ? worker_fail(w, r, "%s", error.text) : 0;
}

int worker_power_on(struct worker *w)
{
	int r = check_configuration(w);

	if (r == 0)
		r = worker_make_machine(w);
	if (r == 0) {
		worker_watch(w);
		log_info("running, %u MiB, %u processors", w->config.memory_mib,
			 w->config.processors); /* before what the processors have to say */
		r = start_processors(w);
	}
	if (r == 0)
		enter(w, RUN_RUNNING, PROTO_CAUSE_REQUEST, NULL);
	else
		w->state = RUN_FAILED; /* no news: the answer says it */
	return r;
}

/* Until go_on(), no processor runs and the guest's time stands still. */
static void stand_still(struct worker *w)
{
	vcpus_stop(&w->vcpus);
	vsp_services_pause(w->machine.services);
	machine_stop_clock(&w->machine);
	if (vid_partition_freeze_time(w->partition, true) < 0)
		log_warning("the guest's reference time goes on");
}

static int go_on(struct worker *w)
{
	if (vid_partition_freeze_time(w->partition, false) < 0)
		log_warning("the guest's reference time went on");
	machine_start_clock(&w->machine);
	vsp_services_resume(w->machine.services);
	return start_processors(w);
}

void worker_pause(struct worker *w)
{
	stand_still(w);
	enter(w, RUN_PAUSED, PROTO_CAUSE_REQUEST, NULL);
}

int worker_resume(struct worker *w)
{
	int r = go_on(w);

	if (r == 0)
		enter(w, RUN_RUNNING, PROTO_CAUSE_REQUEST, NULL);
	return r;
}

/* A machine that is paused stays so. */
void worker_reset(struct worker *w)
{
	struct machine_error error = {"the processors cannot be made again"};
	int r;

	vcpus_stop(&w->vcpus);
	r = machine_reset(&w->machine, &error);
	if (r == 0)
		r = vcpus_reset(&w->vcpus);
	if (r == 0 && w->state == RUN_RUNNING)
		r = start_processors(w);
	if (r == 0) {
		log_info("reset");
		return;
	}
	worker_fail(w, r, "reset failed: %s (%s)", error.text, strerror(-r));
	worker_end(w, WORKER_HOST_ERROR, PROTO_CAUSE_HOST_ERROR, w->error);
}

/* If nobody asked for the end and no daemon is there, the process stays until the next one knows. */
void worker_end(struct worker *w, enum worker_status status, enum proto_cause cause,
		const char *text)
{
	bool ran = w->state == RUN_RUNNING;

	w->status = status;
	log_info("%s", text);
	enter(w, RUN_ENDED, cause, text);
	if (!w->controlled || w->service.told || cause == PROTO_CAUSE_REQUEST) {
		ev_break(w->loop, EVBREAK_ALL);
		return;
	}
	if (ran)
		stand_still(w);
	worker_control_wait(w);
}
