#include "services/imap/search_run.h"

#include "core/log.h"
#include "core/now.h"
#include "mail/header.h"
#include "mail/order.h"
#include "services/imap/context.h"
#include "services/imap/name.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

#define ROUND 1000
#define WALK_RANGES 1000 /* above, a set costs more than it saves */
#define CHECK_EACH 64    /* messages between looks at the clock */

/* Keeps what search_ask needs of a message beyond the walk. */
static void
keep(struct search_run *r, const struct store_message *msg)
{
	const char **keywords;

	arena_clear(&r->arena);
	r->msg = *msg;
	keywords = arena_array(&r->arena, msg->n_keywords + 1,
	    sizeof(*keywords));
	for (size_t i = 0; i < msg->n_keywords; i++)
		keywords[i] = arena_dup(&r->arena,
		    slice_str(msg->keywords[i]));
	r->msg.keywords = keywords;
	r->msg.emailid = arena_slice(&r->arena, msg->emailid);
	r->msg.threadid = arena_slice(&r->arena, msg->threadid);
	r->open_it = true;
}

static void
found(struct search_run *r, const struct search_subject *subject,
    const struct store_message *msg)
{
	r->score = search_score(subject);
	r->ended = r->found(r->ctx, msg) != 0;
}

static int
on_message(void *ctx, const struct store_message *msg)
{
	struct search_run *r = ctx;
	struct search_subject *subject = &r->subject;
	enum search_answer answer;

	if (view_seq_next(r->view, msg->uid, &r->at) == 0)
		return 0;
	subject->msg = msg;
	subject->now = r->now;
	subject->recent = store_set_has(&r->view->recent, msg->uid);
	answer = search_ask(r->prog, subject);
	if (answer == SEARCH_OPEN_IT || (answer == SEARCH_YES && r->order &&
	    msg->order.n == 0)) {
		keep(r, msg);
		return 1;
	}
	if (answer == SEARCH_YES)
		found(r, subject, msg);
	return r->ended ||
	    (++r->asked % CHECK_EACH == 0 && command_should_yield(r->c));
}

static void
ask_opened(struct search_run *r)
{
	struct search_subject subject = r->subject;
	struct store_body body;
	enum store_err err =
	    store_body_open(r->view->mailbox, r->msg.uid, &body);

	r->open_it = false;
	if (err != STORE_OK) {
		log_warn("imap-search", "session=%s uid=%u: %s",
		    r->c->session->id, r->msg.uid, store_err_text(err));
		/* What is gone matches nothing. */
		if (err != STORE_NO_MESSAGE)
			r->err = err;
		return;
	}
	subject.msg = &r->msg;
	subject.opened = true;
	subject.text = body.text;
	if (search_ask(r->prog, &subject) == SEARCH_YES) {
		buf_clear(&r->msg_order);
		if (r->order)
			order_make(&r->msg_order, slice_head(body.text,
			    header_size(body.text)));
		r->msg.order = buf_slice(&r->msg_order);
		found(r, &subject, &r->msg);
	}
	search_subject_release(&subject);
	store_body_close(&body);
}

/* Of several mailboxes (RFC 7377) the whole is not known. */
static void
tell_progress(const struct search_run *r)
{
	if (r->view == r->c->session->view)
		command_progress(r->c, view_lower(r->view, r->next),
		    r->view->n);
	else
		command_progress(r->c, 0, 0);
}

/* What the index says; false if it has more to say. */
static bool
filter(struct search_run *r)
{
	if (r->filtered)
		return true;
	if (!search_filter_step(&r->filter))
		return false;
	r->filtered = true;
	if (r->filter.possible == NULL)
		return true;
	if (r->candidates == NULL) {
		r->candidates = r->filter.possible;
	} else {
		store_set_common(r->candidates, r->filter.possible, &r->both);
		r->candidates = &r->both;
	}
	return true;
}

enum step
search_run_step(struct search_run *r, enum store_err *err)
{
	struct store_walk walk = {
		.want = (r->prog->headers ? STORE_WANT_HEADERS : 0) |
		    (r->order ? STORE_WANT_ORDER : 0) |
		    (r->prog->objectids ? STORE_WANT_OBJECTID : 0),
		/* Then nothing else is asked for. */
		.order_only = r->order && r->prog == &search_all,
		.limit = ROUND,
	};
	bool empty;

	if (!filter(r))
		return STEP_MORE;
	walk.set = r->candidates;
	empty = walk.set != NULL && walk.set->n == 0;
	walk.flags_only = walk.want == 0 && !r->facts && !r->prog->facts &&
	    !r->prog->modseq;
	/* Then the clock alone ends a round. */
	if (walk.flags_only || walk.order_only)
		walk.limit = 0;
	while (!empty && !r->ended && r->next != 0 && r->err == STORE_OK) {
		walk.from = r->next;
		r->err = store_walk(r->view->mailbox, &walk, on_message, r,
		    &r->next);
		if (r->err == STORE_OK && r->open_it)
			ask_opened(r);
		if (r->next != 0 && command_should_yield(r->c)) {
			tell_progress(r);
			return STEP_MORE;
		}
	}
	*err = r->err;
	return STEP_DONE;
}

enum verdict
search_refused(struct command *c, const struct search_return *ret,
    const struct search_program *prog)
{
	if (!prog->bad_charset)
		return CMD_BAD;
	/* RFC 5182 2.1: NO empties the variable, BAD leaves it. */
	if (ret != NULL && (ret->options & SEARCH_SAVE) != 0)
		store_set_clear(&c->session->view->saved);
	command_no(c, "[BADCHARSET (US-ASCII UTF-8)] Unknown charset.");
	return CMD_DONE;
}

int
search_check(struct command *c, const struct search_return *ret,
    const struct search_program *prog)
{
	if ((ret->options & SEARCH_UPDATE) != 0 &&
	    context_has_tag(c->session, c->tag))
		return parse_fail(&c->p, "Tag reuse");
	if ((ret->options & SEARCH_RELEVANCY) != 0 && !prog->fuzzy)
		return parse_fail(&c->p, "RELEVANCY without FUZZY");
	return 0;
}

void
search_resolve(const struct search_program *prog, const struct view *v)
{
	for (size_t i = 0; i < prog->n_sets; i++) {
		struct search_key *k = prog->sets[i];

		store_set_clear(&k->resolved);
		view_resolve_lenient(v, &k->set, k->uid, &k->resolved);
	}
}

void
search_run_begin(struct search_run *r)
{
	const struct search_program *prog = r->prog;

	if (prog->modseq)
		command_enable_condstore(r->c);
	r->next = 1;
	r->now = now_wall();
	buf_init(&r->msg_order, ORDER_MAX);
	r->candidates = r->only;
	/* A set that all must be in bounds the walk. */
	for (const struct search_key *k = prog->root->child;
	     k != NULL && r->candidates == NULL; k = k->next)
		if (k->op == SEARCH_SET && k->resolved.n <= WALK_RANGES)
			r->candidates = &k->resolved;
	search_filter_begin(&r->filter, r->c, prog, r->view, r->candidates);
}

size_t
search_run_count(const struct search_run *r)
{
	return r->candidates != NULL ? view_count(r->view, r->candidates) :
	    r->view->n;
}

void
search_run_cut(struct search_run *r)
{
	if (search_run_count(r) <= r->c->session->worker->conf.message_limit)
		return;
	if (r->candidates != NULL)
		store_set_common(r->candidates, r->candidates, &r->last);
	else
		store_set_add(&r->last, 1, STORE_UID_MAX);
	command_cut(r->c, &r->last);
	r->candidates = &r->last;
}

void
search_run_release(struct search_run *r)
{
	store_set_release(&r->last);
	arena_release(&r->arena);
	buf_release(&r->msg_order);
	search_filter_release(&r->filter);
	store_set_release(&r->both);
}

/* ---- the answer ----------------------------------------------------------- */

uint32_t
search_number(void *arg, uint32_t uid)
{
	const struct command *c = arg;

	return c->uid ? uid : view_seq(c->session->view, uid);
}

void
search_tell_begin(const struct search_correlator *who, struct buf *out)
{
	buf_adds(out, "* ESEARCH (TAG ");
	out_quoted(out, who->tag);
	if (who->mailbox.n > 0) {
		buf_adds(out, " MAILBOX ");
		name_put(out, who->mailbox, who->utf8);
		buf_addf(out, " UIDVALIDITY %u", who->uidvalidity);
	}
	buf_adds(out, who->uid ? ") UID" : ")");
}

static void
tell_numbers(struct command *c, const struct search_result *result,
    bool modseq)
{
	buf_addf(&c->out, "* %s", c->row->name);
	for (size_t i = 0; i < result->n; i++) {
		buf_addc(&c->out, ' ');
		buf_addu(&c->out, search_number(c, result->uids[i]));
	}
	if (modseq && result->n > 0)
		buf_addf(&c->out, " (MODSEQ %llu)",
		    (unsigned long long)search_result_modseq(result));
	buf_adds(&c->out, "\r\n");
}

void
search_tell(struct command *c, const struct search_result *result,
    const struct search_return *ret, bool modseq)
{
	const struct search_correlator who = { .tag = c->tag, .uid = c->uid };

	if (ret->options == 0) {
		tell_numbers(c, result, modseq);
		return;
	}
	if (!search_return_tells(ret))
		return;
	search_tell_begin(&who, &c->out);
	search_result_write(result, ret, search_number, c, &c->out);
	buf_adds(&c->out, "\r\n");
}
