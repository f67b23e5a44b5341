#include "services/reports/intake.h"

#include "core/limits.h"
#include "mail/mime.h"
#include "mail/word.h"
#include "services/reports/unpack.h"

#define NAME_MAX_SHOWN 1024 /* octets of a file name that is looked at */

const char INTAKE_NONE[] = "no report among its parts";

static int
feed(void *arg, struct slice piece)
{
	return feedback_feed(arg, piece);
}

/* Types that RFC 7489 7.2.1.1 names, and what is sent all the same. */
static bool
is_report_type(const struct mime_part *p)
{
	static const char *const types[] = { "application/gzip",
		"application/x-gzip", "application/zip",
		"application/x-zip", "application/x-zip-compressed",
		"application/octet-stream", "application/xml", "text/xml" };

	for (size_t i = 0; i < LEN(types); i++) {
		struct slice rest = slice_str(types[i]), type = S("");

		slice_split(&rest, '/', &type);
		if (slice_ieq(p->type, type) && slice_ieq(p->subtype, rest))
			return true;
	}
	return false;
}

/* "receiver!example.com!1700000000!1700086399.xml.gz", whatever the type. */
static bool
is_report_name(const struct mime_params *p, const char *name)
{
	static const char *const ends[] = { ".xml", ".xml.gz", ".gz", ".zip" };
	struct buf text = BUF_INIT(NAME_MAX_SHOWN);
	bool found = false;

	if (word_param(&text, p->v, p->n, slice_str(name)))
		for (size_t i = 0; i < LEN(ends) && !found; i++)
			found = slice_iends(slice_trim(buf_slice(&text)),
			    slice_str(ends[i]));
	buf_release(&text);
	return found;
}

static bool
is_candidate(const struct mime_part *p)
{
	return p->kind == MIME_LEAF && (is_report_type(p) ||
	    is_report_name(&p->params, "name") ||
	    is_report_name(&p->disposition_params, "filename"));
}

/* Decodes the first part that can be a report. False if there is none. */
static bool
find_part(const struct mime_tree *tree, struct buf *packed)
{
	const struct mime_part *p;
	bool found = false;

	for (p = tree->root; p != NULL; p = mime_next(p)) {
		if (!is_candidate(p))
			continue;
		buf_clear(packed);
		decode_body(packed, encoding_parse(p->encoding),
		    slice_of(tree->msg.p + p->body, p->end - p->body));
		found = true;
		if (unpack_knows(buf_slice(packed)))
			break;
	}
	return found;
}

static int
read_part(struct slice packed, feedback_fn *fn, void *arg,
    struct feedback_text *domain, const char **why)
{
	struct feedback *f = feedback_new(fn, arg);
	int r = unpack(packed, feed, f, why);

	if (r == 0)
		r = feedback_end(f);
	if (r == -1 && feedback_why(f) != NULL)
		*why = feedback_why(f);
	*domain = feedback_head(f)->domain;
	feedback_free(f);
	return r;
}

int
intake_read(struct slice mail, feedback_fn *fn, void *arg,
    struct feedback_text *domain, const char **why)
{
	struct arena arena = ARENA_INIT;
	struct buf packed = BUF_INIT(LIMIT_REPORT_MAIL);
	struct mime_tree tree;
	int r = -1;

	*domain = (struct feedback_text){ 0 };
	*why = INTAKE_NONE;
	mime_parse(&arena, mail, &tree);
	if (find_part(&tree, &packed))
		r = read_part(buf_slice(&packed), fn, arg, domain, why);
	buf_release(&packed);
	arena_release(&arena);
	return r;
}
