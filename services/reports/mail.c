/*
 * WIRE_REPORTS_MAIL: a mail that looks like a report. The worker reads it;
 * then auth is asked whether the domain, or one above it, is ours, and only then
 * it is read into the database.
 */
#include "services/reports/reports.h"

#include "core/log.h"
#include "core/mapped.h"
#include "core/now.h"
#include "mail/msgid.h"
#include "msgauth/orgdomain.h"
#include "services/reports/intake.h"
#include "wire/auth.h"
#include "wire/reports.h"

#define AUTH_TIMEOUT_MS 10000

struct job {
	struct reports *reports;
	char id[QUEUE_ID_LEN + 1]; /* of the mail, for the log */
	int fd;
	uint64_t size;
	bool verified;
	bool named; /* it says that it is one */
	/* Found. */
	struct feedback_text domain;
	const char *asked; /* domain, or one above it */
	int rows;
	const char *why; /* not kept; NULL: the database says */
};

static void
job_free(struct job *j)
{
	struct reports *r = j->reports;

	if (j->fd != -1)
		close(j->fd);
	mem_free(j);
	r->jobs--;
	reports_maybe_exit(r);
}

/* ---- on the worker -------------------------------------------------------- */

static int
look(void *arg UNUSED, const struct feedback_head *head UNUSED,
    const struct feedback_row *row UNUSED)
{
	return 0;
}

static int
keep(void *arg, const struct feedback_head *head,
    const struct feedback_row *row)
{
	return base_row(arg, head, row);
}

/* Reads the mail; -1 with j->why. */
static int
read_mail(struct job *j, feedback_fn *fn, void *arg)
{
	struct mapped map = { 0 };
	int r;

	if (mapped_open(&map, j->fd, (size_t)j->size) == -1) {
		j->why = "cannot be read";
		return -1;
	}
	r = intake_read(map.text, fn, arg, &j->domain, &j->why);
	if (!mapped_close(&map)) {
		j->why = "cannot be read";
		r = -1;
	}
	return r;
}

static void
look_work(void *arg)
{
	struct job *j = arg;

	if (read_mail(j, look, NULL) == -1)
		return;
	j->why = NULL;
	if (j->domain.s[0] == '\0')
		j->why = "it names no domain";
}

static void
keep_work(void *arg)
{
	struct job *j = arg;
	struct base *base = j->reports->base;
	const struct base_arrival a = { now_wall(), j->verified };
	bool good;

	j->rows = -1;
	if (base_begin(base, &a) == -1)
		return;
	good = read_mail(j, keep, base) == 0;
	j->rows = base_end(base, good);
}

/* ---- on the loop ---------------------------------------------------------- */

static void
refuse(struct job *j)
{
	struct log_line l;

	/* Not each mail to an address for reports is one. */
	if (!j->named && j->why == INTAKE_NONE) {
		job_free(j);
		return;
	}
	j->reports->refused++;
	log_begin(&l, LOG_WARN, "dmarc-report-refused");
	log_str(&l, "id", j->id);
	if (j->domain.s[0] != '\0')
		log_str(&l, "domain", j->domain.s);
	log_str(&l, "reason", j->why != NULL ? j->why : "cannot be kept");
	log_end(&l);
	job_free(j);
}

static void
keep_done(void *arg)
{
	struct job *j = arg;
	struct log_line l;

	if (j->rows < 0) {
		refuse(j);
		return;
	}
	j->reports->taken++;
	log_begin(&l, LOG_INFO, "dmarc-report");
	log_str(&l, "id", j->id);
	log_str(&l, "domain", j->domain.s);
	log_num(&l, "rows", j->rows);
	log_str(&l, "verified", j->verified ? "yes" : "no");
	log_end(&l);
	job_free(j);
}

static void ask_hosted(struct job *j);

/* The domain above the one that was asked for, or NULL: no subdomain of ours
 * is above the organization's domain. */
static const char *
parent(const struct job *j)
{
	struct slice org = orgdomain(slice_str(j->domain.s));
	const char *dot = strchr(j->asked, '.');

	return dot != NULL && dot < org.p ? dot + 1 : NULL;
}

static void
on_hosted(void *arg, struct chan_frame *f)
{
	struct job *j = arg;
	struct wire_in in = wire_in(f != NULL ? f->payload : S(""));
	bool hosted = f != NULL && f->type == WIRE_AUTH_DOMAIN_REPLY &&
	    wire_get_bool(&in) && wire_end(&in) == 0;

	if (!hosted && f != NULL && parent(j) != NULL) {
		j->asked = parent(j);
		ask_hosted(j);
		return;
	}
	if (!hosted) {
		j->why = f == NULL ? "auth does not answer" :
		    "not a domain of ours";
		refuse(j);
		return;
	}
	loop_work(j->reports->loop, keep_work, keep_done, j);
}

static void
ask_hosted(struct job *j)
{
	struct buf b = WIRE_BUF;

	wire_put_str(&b, j->asked);
	peer_request(j->reports->auth, WIRE_AUTH_DOMAIN, buf_slice(&b), -1,
	    AUTH_TIMEOUT_MS, on_hosted, j);
	buf_release(&b);
}

static void
look_done(void *arg)
{
	struct job *j = arg;

	if (j->why != NULL) {
		refuse(j);
		return;
	}
	j->asked = j->domain.s;
	ask_hosted(j);
}

int
mail_take(struct service *s, struct chan *c UNUSED, struct chan_frame *f)
{
	struct reports *r = service_data(s);
	struct wire_in in = wire_in(f->payload);
	struct slice id = wire_get_slice(&in, QUEUE_ID_LEN);
	uint64_t size = wire_get_u64(&in);
	bool verified = wire_get_bool(&in);
	bool named = wire_get_bool(&in);
	struct job *j;

	if (wire_end(&in) == -1 || f->fd == -1 || !msgid_queue_id_valid(id))
		return -1;
	j = mem_zero(sizeof(*j));
	j->reports = r;
	r->jobs++;
	memcpy(j->id, id.p, id.n);
	j->fd = f->fd;
	f->fd = -1;
	j->size = size;
	j->verified = verified;
	j->named = named;
	if (size > LIMIT_REPORT_MAIL)
		j->why = "the mail is too large";
	if (r->jobs > LIMIT_REPORT_JOBS)
		j->why = "too many at once";
	if (j->why != NULL)
		refuse(j);
	else
		loop_work(r->loop, look_work, look_done, j);
	return 0;
}
