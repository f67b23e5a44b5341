#include "supervisor/sup.h"

#include <sys/wait.h>

#include <signal.h>

#include "core/log.h"
#include "wire/control.h"

#define BACKOFF_MIN_MS 1000 /* a restart is never faster */
#define BACKOFF_MAX_MS 30000
#define STOP_MS 25000       /* the service gives up by itself after 20 s */
#define DEATHS_MAX 5        /* in one minute: give up */
#define DEATHS_MS 60000

static const char *const state_names[SUP_STATES] = {
	[SUP_DOWN] = "down",
	[SUP_STARTING] = "starting",
	[SUP_UP] = "up",
	[SUP_BACKOFF] = "backoff",
	[SUP_STOPPING] = "stopping",
};

const char *
sup_state_name(enum sup_state s)
{
	return state_names[s];
}

static void
enter(struct sup_child *c, enum sup_state to)
{
	log_debug("process-state", "process=%s from=%s to=%s", c->name,
	    state_names[c->state], state_names[to]);
	c->state = to;
	c->since = loop_now(c->sup->loop);
	loop_timer_stop(c->timer);
}

/* A child may go when nobody who is still there dials it. */
static bool
is_needed(const struct sup *s, const struct sup_child *c)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].state != SUP_DOWN &&
		    sup_dials(&s->children[i], c))
			return true;
	return false;
}

/* Stops all that may go now, side by side: the fronts first, so that two slow
 * clients of two services cost their time once. */
static void
stop_next(struct sup *s)
{
	bool left = false;

	for (size_t i = s->count; i-- > 0;) {
		struct sup_child *c = &s->children[i];

		if (c->state != SUP_DOWN && c->state != SUP_STOPPING &&
		    !is_needed(s, c))
			sup_event(c, SUP_EV_STOP);
		if (c->state != SUP_DOWN)
			left = true;
	}
	if (!left)
		loop_stop(s->loop);
}

void
sup_stop_all(struct sup *s, int status)
{
	if (s->stopping)
		return;
	log_info("stopping", "status=%d", status);
	s->stopping = true;
	s->status = status;
	stop_next(s);
}

static void
start(struct sup_child *c)
{
	enter(c, SUP_STARTING);
	if (sup_spawn(c) == -1) {
		log_error("spawn", "process=%s error=\"%s\"", c->name,
		    strerror(errno));
		sup_stop_all(c->sup, EXIT_FAILURE);
	}
}

static void
announce(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].state != SUP_UP)
			return;
	if (s->announced)
		return;
	s->announced = true;
	/* External tooling waits for this text (dms-compat 1.5). */
	log_info("started", "%s is up and running ms=%llu", s->conf.hostname,
	    (unsigned long long)(loop_now(s->loop) - s->started));
}

static void
ready(struct sup_child *c)
{
	enter(c, SUP_UP);
	log_info("process-ready", "process=%s pid=%d", c->name, (int)c->pid);
	announce(c->sup);
}

static void
log_death(const struct sup_child *c)
{
	int st = c->exit_status;

	if (WIFSIGNALED(st))
		log_error("process-died", "process=%s signal=%d", c->name,
		    WTERMSIG(st));
	else
		log_error("process-died", "process=%s status=%d", c->name,
		    WEXITSTATUS(st));
}

static void
died(struct sup_child *c)
{
	uint64_t now = loop_now(c->sup->loop), wait;

	log_death(c);
	if (now - c->first_death > DEATHS_MS) {
		c->first_death = now;
		c->deaths = 0;
	}
	c->deaths++;
	if (c->state == SUP_STARTING && !c->sup->announced &&
	    WIFEXITED(c->exit_status) &&
	    WEXITSTATUS(c->exit_status) == EXIT_CONFIG) {
		/* It cannot start with this configuration; nor can we. */
		enter(c, SUP_DOWN);
		sup_stop_all(c->sup, EXIT_CONFIG);
		return;
	}
	if (c->deaths >= DEATHS_MAX) {
		log_error("give-up", "process=%s reason=\"died %u times in a "
		    "minute\"", c->name, c->deaths);
		enter(c, SUP_DOWN);
		sup_stop_all(c->sup, EXIT_FAILURE);
		return;
	}
	enter(c, SUP_BACKOFF);
	wait = BACKOFF_MIN_MS << (c->deaths - 1);
	loop_timer_start(c->timer, wait < BACKOFF_MAX_MS ? wait :
	    BACKOFF_MAX_MS, 0);
}

static void
again(struct sup_child *c)
{
	c->restarts++;
	log_info("process-restart", "process=%s restarts=%u", c->name,
	    c->restarts);
	start(c);
}

static void
stop(struct sup_child *c)
{
	enter(c, SUP_STOPPING);
	if (c->control != NULL)
		(void)chan_send(c->control, WIRE_CONTROL_STOP, 0, S(""), -1);
	loop_timer_start(c->timer, STOP_MS, 0);
}

static void
kill_it(struct sup_child *c)
{
	log_warn("kill", "process=%s reason=\"did not stop\"", c->name);
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

static void
stopped(struct sup_child *c)
{
	if (!WIFEXITED(c->exit_status) || WEXITSTATUS(c->exit_status) != 0)
		log_death(c);
	enter(c, SUP_DOWN);
	if (c->sup->stopping)
		stop_next(c->sup);
}

static void
forget(struct sup_child *c)
{
	enter(c, SUP_DOWN);
}

static void
nothing(struct sup_child *c UNUSED)
{
}

/* Every combination is decided here; nothing falls through. */
static void (*const matrix[SUP_STATES][SUP_EVENTS])(struct sup_child *) = {
	/*                 START    READY    EXIT     TIMER    STOP */
	[SUP_DOWN] =     { start,   nothing, nothing, nothing, nothing },
	[SUP_STARTING] = { nothing, ready,   died,    nothing, stop },
	[SUP_UP] =       { nothing, nothing, died,    nothing, stop },
	[SUP_BACKOFF] =  { nothing, nothing, nothing, again,   forget },
	[SUP_STOPPING] = { nothing, nothing, stopped, kill_it, nothing },
};

void
sup_event(struct sup_child *c, enum sup_event e)
{
	matrix[c->state][e](c);
}
