/* BODYSTRUCTURE and ENVELOPE: RFC 3501 7.4.2. See mime.h. */
#include "mail/mime.h"

#include "core/limits.h"
#include "mail/address_list.h"
#include "mail/header.h"

/* Longer strings are easier to read as literals, for both sides. */
#define QUOTED_MAX 1024

/*
 * RFC 3501 9: quoted holds 7-bit text without CR and LF; a literal anything
 * but NUL, which becomes "?".
 */
void
mime_imap_string(struct buf *out, struct slice s)
{
	bool literal = s.n > QUOTED_MAX;

	if (s.p == NULL) {
		buf_adds(out, "NIL");
		return;
	}
	for (size_t i = 0; i < s.n && !literal; i++) {
		unsigned char c = (unsigned char)s.p[i];

		literal = c >= 0x7f || c < ' ';
		if (c == '\t')
			literal = false;
	}
	if (literal)
		buf_addf(out, "{%zu}\r\n", s.n);
	else
		buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (!literal && (s.p[i] == '"' || s.p[i] == '\\'))
			buf_addc(out, '\\');
		buf_addc(out, s.p[i] != 0 ? s.p[i] : '?');
	}
	if (!literal)
		buf_addc(out, '"');
}

static void
put_string_after(struct buf *out, struct slice s)
{
	buf_addc(out, ' ');
	mime_imap_string(out, s);
}

/* --- envelope ------------------------------------------------------------ */

enum envelope_field {
	ENV_DATE,
	ENV_SUBJECT,
	ENV_FROM,
	ENV_SENDER,
	ENV_REPLY_TO,
	ENV_TO,
	ENV_CC,
	ENV_BCC,
	ENV_IN_REPLY_TO,
	ENV_MESSAGE_ID,
	ENV_FIELDS,
};

static const char *const envelope_names[ENV_FIELDS] = { "Date", "Subject",
	"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "In-Reply-To",
	"Message-ID" };

static void
put_addresses(struct buf *out, const struct address_list *list)
{
	if (list->n == 0) {
		buf_adds(out, "NIL");
		return;
	}
	buf_addc(out, '(');
	for (size_t i = 0; i < list->n; i++) {
		const struct address *a = &list->v[i];

		buf_addc(out, '(');
		mime_imap_string(out, a->name);
		put_string_after(out, a->route);
		put_string_after(out, a->mailbox);
		put_string_after(out, a->host);
		buf_addc(out, ')');
	}
	buf_addc(out, ')');
}

/* Every run of blanks and line ends becomes one blank. */
static void
put_words(struct buf *out, struct slice value)
{
	bool blank = false;

	value = slice_trim(value);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		bool white = c == ' ' || c == '\t' || c == '\r' || c == '\n';

		if (!white || !blank)
			buf_addc(out, white ? ' ' : c);
		blank = white;
	}
}

/*
 * A subject is shown in one line, so it goes out as one; where a mailer folded
 * it, and with how many tabs, is in the header.
 */
static void
put_text(struct buf *out, struct slice value, bool subject)
{
	struct buf text = BUF_INIT(LIMIT_HEADER_BYTES);

	if (value.p == NULL) {
		buf_adds(out, "NIL");
		return;
	}
	if (subject)
		put_words(&text, value);
	else
		header_unfold(&text, value);
	mime_imap_string(out, slice_of(buf_str(&text), text.n));
	buf_release(&text);
}

/* To, Cc and Bcc, where there are several of one. */
struct lists {
	struct buf v[ENV_FIELDS];
};

/*
 * RFC 5322 4.5.3: several destination fields are one list. Of the other fields
 * the first of each name counts.
 */
static void
collect(struct slice msg, struct slice values[ENV_FIELDS], struct lists *lists)
{
	struct header_iter it = header_begin(msg);
	struct header_field f;
	size_t i;

	while (header_next(&it, &f)) {
		for (i = 0; i < ENV_FIELDS; i++)
			if (header_is(&f, slice_str(envelope_names[i])))
				break;
		if (i < ENV_FIELDS && values[i].p == NULL) {
			values[i] = f.value;
		} else if (i >= ENV_TO && i <= ENV_BCC) {
			if (lists->v[i].n == 0)
				buf_add_slice(&lists->v[i], values[i]);
			buf_addc(&lists->v[i], ',');
			buf_add_slice(&lists->v[i], f.value);
		}
	}
	for (i = ENV_TO; i <= ENV_BCC; i++)
		if (lists->v[i].n > 0)
			values[i] = buf_slice(&lists->v[i]);
}

void
mime_envelope(struct buf *out, struct slice msg)
{
	struct slice values[ENV_FIELDS] = { 0 };
	struct address_list from, list;
	struct arena arena = ARENA_INIT;
	struct lists lists;

	for (size_t i = 0; i < ENV_FIELDS; i++)
		buf_init(&lists.v[i], LIMIT_HEADER_BYTES);
	collect(msg, values, &lists);
	address_list_parse(&arena, values[ENV_FROM], &from);
	for (size_t i = 0; i < ENV_FIELDS; i++) {
		buf_addc(out, i == 0 ? '(' : ' ');
		if (i < ENV_FROM || i > ENV_BCC) {
			put_text(out, values[i], i == ENV_SUBJECT);
			continue;
		}
		address_list_parse(&arena, values[i], &list);
		/* RFC 3501 7.4.2: absent or empty, both default to From. */
		if (list.n == 0 && (i == ENV_SENDER || i == ENV_REPLY_TO))
			list = from;
		put_addresses(out, &list);
	}
	buf_addc(out, ')');
	for (size_t i = 0; i < ENV_FIELDS; i++)
		buf_release(&lists.v[i]);
	arena_release(&arena);
}

/* --- body structure ------------------------------------------------------ */

/* RFC 2046 4.1.2: text without charset is US-ASCII; clients like to know. */
static void
put_params(struct buf *out, const struct mime_params *params, bool text)
{
	bool charset = false;

	for (size_t i = 0; i < params->n; i++) {
		buf_addc(out, i == 0 ? '(' : ' ');
		mime_imap_string(out, params->v[i].name);
		put_string_after(out, slice_of(params->v[i].value.n > 0 ?
		    params->v[i].value.p : "", params->v[i].value.n));
		charset |= slice_ieq(params->v[i].name, S("charset"));
	}
	if (text && !charset) {
		buf_addc(out, params->n == 0 ? '(' : ' ');
		buf_adds(out, "\"charset\" \"us-ascii\"");
	}
	buf_adds(out, params->n > 0 || text ? ")" : "NIL");
}

/* body-fld-dsp, body-fld-lang, body-fld-loc. */
static void
put_extension(struct buf *out, const struct mime_part *part)
{
	if (part->disposition.p != NULL) {
		buf_adds(out, " (");
		mime_imap_string(out, part->disposition);
		buf_addc(out, ' ');
		put_params(out, &part->disposition_params, false);
		buf_addc(out, ')');
	} else {
		buf_adds(out, " NIL");
	}
	if (part->languages == 0)
		buf_adds(out, " NIL");
	for (size_t i = 0; i < part->languages; i++) {
		buf_adds(out, i == 0 ? " (" : " ");
		mime_imap_string(out, part->language[i]);
	}
	if (part->languages > 0)
		buf_addc(out, ')');
	put_string_after(out, part->location);
}

static void put_part(struct buf *out, const struct mime_tree *tree,
    const struct mime_part *part, bool extended);

static void
put_multipart(struct buf *out, const struct mime_tree *tree,
    const struct mime_part *part, bool extended)
{
	for (const struct mime_part *c = part->child; c != NULL; c = c->next)
		put_part(out, tree, c, extended);
	put_string_after(out, part->subtype);
	if (!extended)
		return;
	buf_addc(out, ' ');
	put_params(out, &part->params, false);
	put_extension(out, part);
}

static void
put_single(struct buf *out, const struct mime_tree *tree,
    const struct mime_part *part, bool extended)
{
	bool text = slice_ieq(part->type, S("text"));

	mime_imap_string(out, part->type);
	put_string_after(out, part->subtype);
	buf_addc(out, ' ');
	put_params(out, &part->params, text);
	put_string_after(out, part->id);
	put_string_after(out, part->description);
	put_string_after(out, part->encoding.p != NULL ? part->encoding :
	    S("7bit"));
	buf_addc(out, ' ');
	buf_addu(out, part->body_size);
	if (part->kind == MIME_MESSAGE) {
		const struct mime_part *m = part->child;

		buf_addc(out, ' ');
		mime_envelope(out, slice_of(tree->msg.p + m->start,
		    m->body - m->start));
		buf_addc(out, ' ');
		put_part(out, tree, m, extended);
	}
	if (text || part->kind == MIME_MESSAGE) {
		buf_addc(out, ' ');
		buf_addu(out, part->body_lines);
	}
	if (!extended)
		return;
	put_string_after(out, part->md5);
	put_extension(out, part);
}

static void
put_part(struct buf *out, const struct mime_tree *tree,
    const struct mime_part *part, bool extended)
{
	buf_addc(out, '(');
	if (part->kind == MIME_MULTIPART)
		put_multipart(out, tree, part, extended);
	else
		put_single(out, tree, part, extended);
	buf_addc(out, ')');
}

void
mime_bodystructure(struct buf *out, const struct mime_tree *tree,
    bool extended)
{
	put_part(out, tree, tree->root, extended);
}
