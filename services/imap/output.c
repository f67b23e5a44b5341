#include "services/imap/output.h"

#include "core/base64.h"
#include "services/imap/parse.h"

void
out_quoted(struct buf *out, struct slice s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"' || c == '\\')
			buf_addc(out, '\\');
		else if (c == '\r' || c == '\n' || c == '\0')
			c = '?';
		buf_addc(out, c);
	}
	buf_addc(out, '"');
}

void
out_astring(struct buf *out, struct slice s)
{
	bool atom = s.n > 0 && !slice_ieq(s, S("NIL"));

	for (size_t i = 0; atom && i < s.n; i++)
		atom = imap_is_astring_char(s.p[i]);
	if (atom)
		buf_add_slice(out, s);
	else
		out_quoted(out, s);
}

/* In the order in which the FLAGS response names them. */
static const struct {
	unsigned flag;
	const char *name;
} flag_names[] = {
	{ STORE_ANSWERED, "\\Answered" },
	{ STORE_FLAGGED, "\\Flagged" },
	{ STORE_DELETED, "\\Deleted" },
	{ STORE_SEEN, "\\Seen" },
	{ STORE_DRAFT, "\\Draft" },
};

static void
add_word(struct buf *out, size_t from, const char *word)
{
	if (out->n > from)
		buf_addc(out, ' ');
	buf_adds(out, word);
}

void
out_flag_names(struct buf *out, unsigned flags, const char *const *keywords,
    size_t n, const char *more)
{
	size_t from;

	buf_addc(out, '(');
	from = out->n;
	for (size_t i = 0; i < LEN(flag_names); i++)
		if ((flags & flag_names[i].flag) != 0)
			add_word(out, from, flag_names[i].name);
	for (size_t i = 0; i < n; i++)
		add_word(out, from, keywords[i]);
	if (more != NULL)
		add_word(out, from, more);
	buf_addc(out, ')');
}

void
out_flags(struct buf *out, unsigned flags, const char *const *keywords,
    size_t n, bool recent)
{
	out_flag_names(out, flags, keywords, n, recent ? "\\Recent" : NULL);
}

void
out_objectid(struct buf *out, char kind, struct slice id)
{
	buf_addf(out, " (%c", kind);
	hex_encode(out, id);
	buf_addc(out, ')');
}

void
out_fetch(struct buf *out, bool uidonly, uint32_t seq, uint32_t uid,
    bool tell_uid)
{
	if (uidonly) {
		buf_addf(out, "* %u UIDFETCH (", uid);
		return;
	}
	buf_adds(out, "* ");
	buf_addu(out, seq);
	buf_adds(out, " FETCH (");
	if (tell_uid)
		buf_addf(out, "UID %u ", uid);
}

static const char *const err_texts[STORE_ERRORS] = {
	[STORE_OK] = "Done.",
	[STORE_NO_MAILBOX] = "[NONEXISTENT] Mailbox doesn't exist.",
	[STORE_NO_MESSAGE] = "[EXPUNGEISSUED] The message is gone.",
	[STORE_EXISTS] = "[ALREADYEXISTS] Mailbox already exists.",
	[STORE_HAS_CHILDREN] =
	    "[HASCHILDREN] The name has children and no mailbox of its own.",
	[STORE_NAME] = "[CANNOT] Invalid mailbox name.",
	[STORE_LIMIT] = "[LIMIT] A limit of the server is reached.",
	[STORE_QUOTA] =
	    "[OVERQUOTA] Quota exceeded (mailbox for user is full)",
	[STORE_NO_SPACE] = "[UNAVAILABLE] The disk is full.",
	[STORE_READ_ONLY] = "[UNAVAILABLE] The mail disk is read-only.",
	[STORE_DENIED] =
	    "[SERVERBUG] The server may not read or write this mailbox.",
	[STORE_NO_RIGHT] =
	    "[NOPERM] You have no right to do this with the mailbox.",
	[STORE_AGAIN] = "[INUSE] The mailbox is busy, try again.",
	[STORE_CORRUPT] = "[CORRUPTION] The mailbox is damaged.",
	[STORE_IO] = "[SERVERBUG] The mail disk failed.",
};

const char *
out_store_err(enum store_err err, bool create)
{
	if (create && err == STORE_NO_MAILBOX)
		return "[TRYCREATE] Mailbox doesn't exist.";
	return err < STORE_ERRORS ? err_texts[err] : err_texts[STORE_IO];
}
