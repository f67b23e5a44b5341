/* The METADATA response (RFC 5464 4.4). */
#include "services/imap/box.h"
#include "services/imap/metadata.h"
#include "services/imap/name.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

struct telling {
	struct command *c;
	struct slice mailbox;
	struct metadata_question *q;
	bool begun;
};

static void
tell_entry(struct telling *t, const struct store_entry *e)
{
	struct buf *out = &t->c->out;

	if (!e->nil && e->value.n > t->q->max) {
		if (e->value.n > t->q->longest)
			t->q->longest = e->value.n;
		return;
	}
	if (!t->begun) {
		buf_adds(out, "* METADATA ");
		name_put(out, t->mailbox, t->c->session->utf8);
	}
	buf_adds(out, t->begun ? " " : " (");
	t->begun = true;
	out_astring(out, e->name);
	buf_addc(out, ' ');
	metadata_put_value(out, e);
}

/* Set by the server: nobody can change it (RFC 5464 3.2.1.1). */
static bool
tell_computed(struct telling *t, struct slice base)
{
	struct store_entry e = {
		.name = S("/shared/admin"),
		.value = slice_str(t->c->session->worker->conf.admin),
	};

	if (t->mailbox.n > 0 || e.value.n == 0 ||
	    !metadata_is_below(e.name, base, t->q->depth))
		return false;
	tell_entry(t, &e);
	return true;
}

/* True if one of the bases before i has it: it is told. */
static bool
is_told(const struct metadata_question *q, size_t i, struct slice name)
{
	for (size_t k = 0; k < i; k++)
		if (metadata_is_below(name, q->entries->names[k], q->depth))
			return true;
	return false;
}

/* What is private is the owner's, who it was annotated by. */
static void
drop_private(struct store_metadata *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (!slice_starts(m->entries[i].name, S("/private/")))
			m->entries[kept++] = m->entries[i];
	m->n = kept;
}

enum store_err
metadata_find(struct command *c, struct slice name, struct box *out)
{
	enum store_err err;

	/* The server. */
	if (name.n == 0) {
		*out = (struct box){ .user = c->session->store };
		return STORE_OK;
	}
	/* RFC 5464 section 3.3 */
	err = box_find(c, name, ACL_LOOKUP, out);
	if (err == STORE_OK && (out->rights & (ACL_READ | ACL_WRITE_SEEN |
	    ACL_WRITE | ACL_INSERT | ACL_POST)) == 0)
		err = STORE_NO_RIGHT;
	return err;
}

enum store_err
metadata_tell(struct command *c, struct slice name,
    struct metadata_question *q)
{
	struct telling t = { .c = c, .mailbox = name, .q = q };
	struct store_metadata m = { 0 };
	struct box box;
	enum store_err err = metadata_find(c, name, &box);

	if (err == STORE_OK)
		err = store_metadata_read(box.user, box.name, &m);
	if (err == STORE_OK && box.other != NULL)
		drop_private(&m);

	for (size_t i = 0; err == STORE_OK && i < q->entries->n; i++) {
		struct slice base = q->entries->names[i];
		bool found = is_told(q, i, base) || tell_computed(&t, base);

		for (size_t k = 0; k < m.n; k++) {
			if (!metadata_is_below(m.entries[k].name, base,
			    q->depth))
				continue;
			found = true;
			if (!is_told(q, i, m.entries[k].name))
				tell_entry(&t, &m.entries[k]);
		}
		/* What was named is answered. */
		if (!found && q->depth == 0)
			tell_entry(&t, &(struct store_entry){
			    .name = base, .nil = true });
	}
	if (t.begun)
		buf_adds(&c->out, ")\r\n");
	store_metadata_release(&m);
	return err;
}

void
metadata_put_changed(struct buf *out, struct slice name, bool utf8,
    const struct slice *entries, size_t n)
{
	buf_adds(out, "* METADATA ");
	name_put(out, name, utf8);
	for (size_t i = 0; i < n; i++) {
		buf_addc(out, ' ');
		out_astring(out, entries[i]);
	}
	buf_adds(out, "\r\n");
}
