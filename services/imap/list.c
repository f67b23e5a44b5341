#include "services/imap/list.h"

#include "services/imap/box.h"
#include "services/imap/name.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

static void
add_attribute(struct buf *out, size_t from, const char *name)
{
	if (out->n > from)
		buf_addc(out, ' ');
	buf_adds(out, name);
}

static void
put_attributes(struct buf *out, const struct store_list_entry *e,
    const struct list_form *form)
{
	size_t from = out->n;

	if ((e->attributes & STORE_NOSELECT) != 0 && form->nonexistent)
		add_attribute(out, from, "\\NonExistent");
	if ((e->attributes & STORE_NOSELECT) != 0)
		add_attribute(out, from, "\\Noselect");
	if ((e->attributes & STORE_NOINFERIORS) != 0)
		add_attribute(out, from, "\\NoInferiors");
	else if (!form->lsub)
		add_attribute(out, from,
		    (e->attributes & STORE_HASCHILDREN) != 0
			? "\\HasChildren" : "\\HasNoChildren");
	if ((e->attributes & STORE_SUBSCRIBED) != 0 && form->subscribed &&
	    !form->lsub)
		add_attribute(out, from, "\\Subscribed");
	if ((e->attributes & BOX_NO_ACCESS) != 0)
		add_attribute(out, from, "\\NoAccess");
	if (e->special_use != NULL && !form->lsub)
		add_attribute(out, from, e->special_use);
}

void
list_put(struct buf *out, const struct store_list_entry *e,
    const struct list_form *form)
{
	buf_adds(out, form->lsub ? "* LSUB (" : "* LIST (");
	put_attributes(out, e, form);
	buf_addf(out, ") \"%c\" ", (e->attributes & BOX_OTHER) != 0 ? '/' :
	    box_separator(slice_str(e->name)));
	name_put(out, slice_str(e->name), form->utf8);
}

enum store_err
list_tell(struct command *c, const struct slice *name, struct slice old)
{
	const struct session *s = c->session;
	const struct name_given *g = name_given(c, name);
	struct store_list_entry e = { .attributes = STORE_NOSELECT };
	struct list_form form = { .nonexistent = true, .subscribed = true,
		.utf8 = s->utf8 };
	bool other = box_reaches_others(*name);
	struct store_list list;
	enum store_err err = store_list(s->store, &list);

	if (err == STORE_OK && other)
		err = box_list(c, &list);
	if (err != STORE_OK) {
		store_list_release(&list);
		return err;
	}
	e.name = arena_dup(&c->arena, *name);
	for (size_t i = 0; i < list.n; i++)
		if (slice_eq(slice_str(list.entries[i].name), *name))
			e = list.entries[i];
	list_put(&c->out, &e, &form);
	store_list_release(&list);
	if (old.n == 0 && g != NULL)
		old = g->spelled;
	if (old.n > 0) {
		buf_adds(&c->out, " (\"OLDNAME\" (");
		out_astring(&c->out, old);
		buf_adds(&c->out, "))");
	}
	buf_adds(&c->out, "\r\n");
	return STORE_OK;
}
