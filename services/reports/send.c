/*
 * Reports to others: when one is due and queue waits for it, its recipients are
 * asked for consent, the worker writes it, and queue gets it. It is forgotten
 * when queue has it in the spool.
 */
#include "services/reports/reports.h"

#include <sys/mman.h>

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "mail/addr.h"
#include "services/reports/consent.h"
#include "services/reports/letter.h"
#include "wire/auth.h"
#include "wire/reports.h"
#include "wire/resolver.h"

#define LOOK_MS 60000
#define DNS_TIMEOUT_MS 30000
#define AUTH_TIMEOUT_MS 10000
#define LATER 3600      /* seconds: a consent could not be asked for */
#define MAIL_MAX (64u << 20)

struct sending {
	struct reports *reports;
	struct notes_report report;
	struct consent consent;
	uint32_t question;   /* to resolver; 0: none */
	bool hosted;         /* the postmaster's domain is ours */
	struct slice to[LIMIT_NOTES_RECIPIENTS];
	size_t n;
	uint64_t rows;
	uint64_t size;
	bool too_large;      /* the mail says that the report is */
	int found;           /* notes_next */
	int fd;              /* the mail; -1: none */
	int64_t later;       /* it is due again then; 0: it is dropped */
	const char *why;     /* it is not sent */
};

/* ---- the end of one ------------------------------------------------------- */

static void
sending_free(struct sending *s)
{
	struct reports *r = s->reports;

	peer_cancel(r->resolver, s->question);
	consent_release(&s->consent);
	if (s->fd != -1)
		close(s->fd);
	mem_free(s);
	r->sending = NULL;
	r->jobs--;
	reports_maybe_exit(r);
}

static void
put_off_work(void *arg)
{
	struct sending *s = arg;
	struct notes *n = s->reports->notes;

	/* What cannot be written is logged, and tried again. */
	if ((s->later != 0 ? notes_later(n, s->report.number, s->later) :
	    notes_drop(n, s->report.number)) == -1)
		s->found = -1;
}

static void
put_off_done(void *arg)
{
	struct sending *s = arg;
	struct reports *r = s->reports;
	bool more = s->found != -1;

	sending_free(s);
	if (more)
		send_try(r);
}

static void
put_off(struct sending *s)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, s->later != 0 ? "dmarc-send-later" :
	    "dmarc-send-dropped");
	log_str(&l, "domain", s->report.domain);
	log_str(&l, "reason", s->why);
	log_end(&l);
	loop_work(s->reports->loop, put_off_work, put_off_done, s);
}

/* ---- writing -------------------------------------------------------------- */

struct writer {
	struct sending *sending;
	struct buf xml;
};

static int
write_row(void *arg, uint64_t count, const struct wire_reports_note *row)
{
	struct writer *w = arg;

	/* Rows of a stranger may be long: then the rarest are left out. */
	if (w->xml.n > LIMIT_NOTES_XML - LIMIT_FRAME * 8)
		return 1;
	letter_xml_row(&w->xml, count, row);
	w->sending->rows++;
	return 0;
}

/* Section 7.2.1: whose limit is below the size gets none. */
static void
keep_recipients(struct sending *s, struct letter *l, uint64_t size)
{
	s->n = 0;
	for (size_t i = 0; i < s->consent.n; i++) {
		const struct consent_address *a = &s->consent.list[i];

		if (a->good && (a->most == 0 || size <= a->most))
			s->to[s->n++] = a->address;
	}
	l->to = s->to;
	l->n = s->n;
}

/* The report, or if it is too large for all who want it, a mail that says so
 * (section 7.2.2). -1 if neither can be made. */
static int
build_mail(struct sending *s, struct letter *l, struct slice packed,
    struct buf *mail)
{
	uint64_t size;

	/* Once for all who want it, and once for those it is not too large
	 * for. */
	keep_recipients(s, l, 0);
	if (letter_build(mail, l, packed) == -1)
		return -1;
	size = mail->n;
	buf_clear(mail);
	keep_recipients(s, l, size);
	if (s->n > 0)
		return letter_build(mail, l, packed);
	s->too_large = true;
	keep_recipients(s, l, 0);
	return letter_build_error(mail, l, size);
}

static int
write_mail(struct sending *s, struct letter *l, struct slice xml)
{
	struct buf packed = BUF_INIT(2 * LIMIT_NOTES_XML);
	struct buf mail = BUF_INIT(MAIL_MAX);
	int r = -1;

	s->why = "it is too large";
	if (letter_pack(&packed, xml) == 0 &&
	    build_mail(s, l, buf_slice(&packed), &mail) == 0) {
		s->why = "it cannot be written";
		s->size = mail.n;
		s->fd = memfd_create("report", MFD_CLOEXEC);
		if (s->fd != -1)
			r = file_write_all(s->fd, mail.p, mail.n);
		if (r == -1)
			s->later = now_wall() + LATER;
	}
	buf_release(&packed);
	buf_release(&mail);
	return r;
}

static void
write_work(void *arg)
{
	struct sending *s = arg;
	const struct conf *conf = service_conf(s->reports->service);
	struct letter l = {
		.host = slice_str(conf->hostname),
		.domain = slice_str(s->report.domain),
		.record = slice_str(s->report.record),
		.id = slice_str(s->report.name),
		.begin = s->report.begin,
		.end = s->report.end,
		.date = now_wall(),
	};
	struct writer w = { s, BUF_INIT(LIMIT_NOTES_XML) };
	struct buf from = BUF_INIT(LIMIT_ADDRESS);

	/* In no foreign name: the mail must pass DMARC itself. */
	if (s->hosted)
		buf_adds(&from, conf->postmaster_address);
	else
		buf_addf(&from, "postmaster@%s", conf->domainname);
	l.from = buf_slice(&from);
	letter_xml_begin(&w.xml, &l);
	if (notes_rows(s->reports->notes, s->report.number, write_row,
	    &w) == -1 || s->rows == 0)
		s->why = "its rows cannot be read";
	letter_xml_end(&w.xml);
	if (s->why == NULL && write_mail(s, &l, buf_slice(&w.xml)) == 0)
		s->why = NULL;
	buf_release(&w.xml);
	buf_release(&from);
}

static void
log_too_large(const struct sending *s)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "dmarc-send-too-large");
	log_str(&l, "domain", s->report.domain);
	log_num(&l, "nrcpt", (int64_t)s->n);
	log_end(&l);
}

static void
hand_over(struct sending *s)
{
	struct reports *r = s->reports;
	struct buf b = WIRE_BUF;

	if (s->too_large)
		log_too_large(s);

	wire_put_u64(&b, (uint64_t)s->report.number);
	wire_put_str(&b, s->report.domain);
	wire_put_u64(&b, s->size);
	wire_put_u32(&b, (uint32_t)s->n);
	for (size_t i = 0; i < s->n; i++)
		wire_put_slice(&b, s->to[i]);
	(void)chan_send(r->asker, WIRE_REPORTS_READY, r->asker_id,
	    buf_slice(&b), s->fd);
	s->fd = -1;
	r->asker = NULL;
	buf_release(&b);
}

static void
write_done(void *arg)
{
	struct sending *s = arg;

	if (s->why != NULL) {
		put_off(s);
		return;
	}
	/* Who does not wait any more asks again. */
	if (s->reports->asker != NULL)
		hand_over(s);
	sending_free(s);
}

static void
on_hosted(void *arg, struct chan_frame *f)
{
	struct sending *s = arg;
	struct wire_in in = wire_in(f != NULL ? f->payload : S(""));

	s->hosted = f != NULL && f->type == WIRE_AUTH_DOMAIN_REPLY &&
	    wire_get_bool(&in) && wire_end(&in) == 0;
	loop_work(s->reports->loop, write_work, write_done, s);
}

static void
ask_hosted(struct sending *s)
{
	const struct conf *conf = service_conf(s->reports->service);
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, addr_domain_of(slice_str(
	    conf->postmaster_address)));
	peer_request(s->reports->auth, WIRE_AUTH_DOMAIN, buf_slice(&b), -1,
	    AUTH_TIMEOUT_MS, on_hosted, s);
	buf_release(&b);
}

/* ---- consent -------------------------------------------------------------- */

static bool
any_good(const struct consent *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].good)
			return true;
	return false;
}

static void
consent_known(struct sending *s)
{
	int64_t last = s->report.end + LIMIT_NOTES_DAYS * INT64_C(86400) -
	    LATER;

	/* The last time those get it who can be asked. */
	if (s->consent.unknown && now_wall() < last) {
		s->why = "the DNS does not say who wants it";
		s->later = now_wall() + LATER;
		put_off(s);
	} else if (!any_good(&s->consent)) {
		s->why = "nobody consents to get it";
		put_off(s);
	} else {
		ask_hosted(s);
	}
}

static void consent_ask(struct sending *s);

static void
on_answer(void *arg, struct chan_frame *f)
{
	struct sending *s = arg;
	struct wire_dns_answer a;

	s->question = 0;
	consent_answer(&s->consent, f != NULL && f->type == WIRE_DNS_ANSWER &&
	    wire_dns_answer_get(f->payload, &a) == 0 ? &a : NULL);
	consent_ask(s);
}

static void
consent_ask(struct sending *s)
{
	struct dns_question q;
	struct buf b = WIRE_BUF;

	if (service_is_stopping(s->reports->service)) {
		sending_free(s);
		return;
	}
	if (consent_step(&s->consent, &q) == MSGAUTH_DONE) {
		consent_known(s);
		return;
	}
	wire_put_slice(&b, q.name);
	wire_put_u32(&b, q.type);
	s->question = peer_request(s->reports->resolver, WIRE_DNS_ASK,
	    buf_slice(&b), -1, DNS_TIMEOUT_MS, on_answer, s);
	buf_release(&b);
}

/* ---- the next ------------------------------------------------------------- */

static void
find_work(void *arg)
{
	struct sending *s = arg;

	s->found = notes_next(s->reports->notes, now_wall(), &s->report);
}

static void
find_done(void *arg)
{
	struct sending *s = arg;

	if (s->found != 1) {
		sending_free(s);
		return;
	}
	consent_init(&s->consent, slice_str(s->report.domain),
	    slice_str(s->report.record));
	consent_ask(s);
}

void
send_try(struct reports *r)
{
	struct sending *s;

	if (r->asker == NULL || r->sending != NULL ||
	    service_is_stopping(r->service))
		return;
	s = mem_zero(sizeof(*s));
	s->reports = r;
	s->fd = -1;
	r->sending = s;
	r->jobs++;
	loop_work(r->loop, find_work, find_done, s);
}

static void
on_timer(void *arg)
{
	send_try(arg);
}

void
send_stop(struct reports *r)
{
	if (r->sending != NULL && r->sending->question != 0)
		sending_free(r->sending);
}

void
send_start(struct reports *r)
{
	r->look = loop_timer_new(r->loop, on_timer, r);
	loop_timer_start(r->look, LOOK_MS, LOOK_MS);
}

int
send_next(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct reports *r = service_data(s);

	if (f->payload.n != 0)
		return -1;
	if (r->notes == NULL)
		return 0;
	r->asker = c;
	r->asker_id = f->id;
	send_try(r);
	return 0;
}

void
send_forget_channel(struct reports *r, struct chan *c)
{
	if (r->asker == c)
		r->asker = NULL;
}

/* ---- it is in the spool --------------------------------------------------- */

struct sent {
	struct reports *reports;
	int64_t number;
	bool good;
};

static void
sent_work(void *arg)
{
	struct sent *t = arg;

	t->good = notes_drop(t->reports->notes, t->number) == 0;
}

static void
sent_done(void *arg)
{
	struct sent *t = arg;
	struct reports *r = t->reports;

	r->sent += t->good;
	mem_free(t);
	r->jobs--;
	reports_maybe_exit(r);
}

int
send_sent(struct service *s, struct chan *c UNUSED, struct chan_frame *f)
{
	struct reports *r = service_data(s);
	struct wire_in in = wire_in(f->payload);
	uint64_t number = wire_get_u64(&in);
	struct sent *t;

	if (wire_end(&in) == -1 || number > INT64_MAX)
		return -1;
	if (r->notes == NULL)
		return 0;
	t = mem_zero(sizeof(*t));
	t->reports = r;
	t->number = (int64_t)number;
	r->jobs++;
	loop_work(r->loop, sent_work, sent_done, t);
	return 0;
}
