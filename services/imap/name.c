#include "services/imap/name.h"

#include "mail/mutf7.h"
#include "services/imap/box.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

int
name_parse(struct command *c, struct slice *out)
{
	struct parser *p = &c->p;
	struct name_given *g;

	if (parse_mailbox(p, out) == -1)
		return -1;
	box_note(c, *out);
	if (!p->utf8 || p->spelled.n == 0)
		return 0;
	g = arena_alloc(p->arena, sizeof(*g));
	g->where = out;
	g->spelled = p->spelled;
	if (!slice_eq(*out, S("INBOX")))
		g->exact = parse_encode(p, p->spelled);
	g->next = c->given;
	c->given = g;
	return 0;
}

void
name_settle(struct command *c)
{
	struct store_user *u = c->session->store;

	for (struct name_given *g = c->given; g != NULL; g = g->next) {
		if (g->exact.n > 0 && store_mailbox_exists(u, g->exact)) {
			*g->where = g->exact;
			g->spelled = S("");
		}
		g->exact = S("");
	}
}

const struct name_given *
name_given(const struct command *c, const struct slice *where)
{
	const struct name_given *g = c->given;

	while (g != NULL && (g->where != where || g->spelled.n == 0))
		g = g->next;
	return g;
}

void
name_decode(struct buf *out, struct slice name)
{
	size_t from = out->n;

	if (mutf7_decode(out, name, NULL) == -1) {
		buf_truncate(out, from);
		buf_add_slice(out, name);
	}
}

void
name_put(struct buf *out, struct slice name, bool utf8)
{
	struct buf b = BUF_INIT(LIMIT_MAILBOX_NAME * 2);

	if (!utf8 || slice_find(name, '&') == -1) {
		out_astring(out, name);
		return;
	}
	name_decode(&b, name);
	out_astring(out, buf_slice(&b));
	buf_release(&b);
}
