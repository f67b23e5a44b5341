#include "services/imap/append_url.h"

#include "services/imap/box.h"
#include "services/imap/session.h"
#include "services/imap/url.h"

#define PIECE 65536

/* The mailbox of the URL; NULL if there is none. */
static struct store_mailbox *
find_mailbox(struct append_source *src, struct command *c,
    const struct imap_url *url)
{
	const struct session *s = c->session;
	struct store_mailbox *m;
	struct store_status st;
	struct box box;

	if (url->mailbox.n == 0) {
		m = box_selected_has(s, ACL_READ) ? s->view->mailbox : NULL;
	} else {
		if (box_find(c, url->mailbox, ACL_READ, &box) != STORE_OK ||
		    store_mailbox_open(box.user, box.name, false,
		    &src->mailbox) != STORE_OK)
			src->mailbox = NULL;
		m = src->mailbox;
	}
	if (m == NULL || url->uidvalidity == 0)
		return m;
	if (store_mailbox_status(m, &st) != STORE_OK ||
	    st.uidvalidity != url->uidvalidity)
		return NULL;
	return m;
}

int
append_source_open(struct append_source *src, struct command *c,
    struct slice text)
{
	struct store_mailbox *m;
	struct imap_url url;
	enum store_err err;

	*src = (struct append_source){ .open = true };
	if (imap_url_parse(&src->arena, text, &url) == -1)
		return -1;
	m = find_mailbox(src, c, &url);
	if (m == NULL)
		return -1;
	src->message = section_cache_open(m, url.uid, &err);
	if (src->message == NULL)
		return -1;
	section_find(&src->section, src->message, &url.section);
	/* Octets are copied as they are (RFC 4469 section 3). */
	src->section.nul = true;
	return src->section.exists ? 0 : -1;
}

bool
append_source_copy(struct append_source *src, struct store_append *to)
{
	struct buf piece = BUF_INIT(PIECE + 16);
	bool more = section_write(&src->section, src->message, PIECE, &piece);

	(void)store_append_data(to, buf_slice(&piece));
	buf_release(&piece);
	return more;
}

void
append_source_close(struct append_source *src)
{
	if (!src->open)
		return;
	section_release(&src->section);
	if (src->message != NULL)
		section_cache_free(src->message);
	if (src->mailbox != NULL)
		store_mailbox_close(src->mailbox);
	arena_release(&src->arena);
	*src = (struct append_source){ 0 };
}
