#include "services/reports/intake.h"

#include "core/limits.h"
#include "mail/mime.h"
#include "services/reports/unpack.h"

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

static const struct mime_part *
find_part(const struct mime_tree *tree)
{
	const struct mime_part *p;

	for (p = tree->root; p != NULL; p = mime_next(p))
		if (p->kind == MIME_LEAF && is_report_type(p))
			return p;
	return NULL;
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
	const struct mime_part *p;
	int r = -1;

	*domain = (struct feedback_text){ 0 };
	*why = "no report among its parts";
	mime_parse(&arena, mail, &tree);
	p = find_part(&tree);
	if (p != NULL) {
		decode_body(&packed, encoding_parse(p->encoding),
		    slice_of(mail.p + p->body, p->end - p->body));
		r = read_part(buf_slice(&packed), fn, arg, domain, why);
	}
	buf_release(&packed);
	arena_release(&arena);
	return r;
}
