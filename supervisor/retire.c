/*
 * DKIM keys whose time after a rotation is over go by themselves.
 */
#include "supervisor/sup.h"

#include "conf/conf_dkim_retire.h"
#include "conf/conf_load.h"
#include "core/log.h"
#include "core/now.h"

#define LOOK_MS 60000
/* A config folder that cannot be written is not tried every minute. */
#define PAUSE_MS 3600000

struct sup_retire {
	struct sup *sup;
	uint64_t paused; /* loop_now until which nothing is tried */
};

static void
tell(void *arg UNUSED, const struct conf_dkim_key *key)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "dkim-key-retired");
	log_slice(&l, "domain", key->domain);
	log_slice(&l, "selector", key->selector);
	log_str(&l, "effect", "its record can be taken out of the DNS");
	log_end(&l);
}

void
sup_retire_look(struct sup_retire *r)
{
	const struct conf *c = &r->sup->conf;
	struct buf failed = BUF_INIT(8192);
	int64_t now = now_wall();
	int lock;

	if (loop_now(r->sup->loop) < r->paused || !conf_dkim_due(c, now))
		return;
	/* While setup has it, the next look does. */
	lock = conf_lock(c, false);
	if (lock == -1)
		return;
	if (conf_dkim_retire(c, now, tell, NULL, &failed) == -1) {
		log_warn("dkim-key-not-retired", "path=%s error=\"%s\"",
		    buf_str(&failed), strerror(errno));
		r->paused = loop_now(r->sup->loop) + PAUSE_MS;
	}
	close(lock);
	buf_release(&failed);
}

static void
on_look(void *arg)
{
	sup_retire_look(arg);
}

struct sup_retire *
sup_retire_new(struct sup *s)
{
	struct sup_retire *r = mem_zero(sizeof(*r));

	r->sup = s;
	loop_timer_start(loop_timer_new(s->loop, on_look, r), 0, LOOK_MS);
	return r;
}
