/* Others' Authentication-Results. See authres_read.h. */
#include "mail/authres_read.h"

#include "mail/lex.h"

/* A word up to a byte that ends one; empty if there is none. */
static struct slice
take_word(struct slice *s, const char *ends)
{
	struct slice word;
	size_t n = 0;

	lex_skip_cfws(s);
	while (n < s->n && s->p[n] != '\0' && !lex_is_white(s->p[n]) &&
	    strchr(ends, s->p[n]) == NULL)
		n++;
	word = slice_head(*s, n);
	*s = slice_from(*s, n);
	return word;
}

static struct slice
take_value(struct slice *s)
{
	struct slice text;
	size_t n = 1;

	lex_skip_cfws(s);
	if (s->n == 0 || s->p[0] != '"')
		return take_word(s, ";(\"");
	while (n < s->n && s->p[n] != '"')
		n += s->p[n] == '\\' ? 2 : 1;
	if (n >= s->n) {
		*s = S("");
		return S("");
	}
	text = slice_of(s->p + 1, n - 1);
	*s = slice_from(*s, n + 1);
	return text;
}

static bool
take_byte(struct slice *s, char c)
{
	lex_skip_cfws(s);
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = slice_from(*s, 1);
	return true;
}

/* To behind the next ";" that is in no comment or quotes; false: none. */
static bool
skip_result(struct slice *s)
{
	while (s->n > 0) {
		if (take_byte(s, ';'))
			return true;
		if (s->n == 0)
			break;
		if (s->p[0] == '"')
			take_value(s);
		else
			*s = slice_from(*s, 1);
	}
	return false;
}

int
authres_read_instance(struct slice value, struct slice *instance,
    struct slice *payload)
{
	struct slice rest = value;

	if (!slice_ieq(take_word(&rest, "=;(\""), S("i")) ||
	    !take_byte(&rest, '='))
		return -1;
	*instance = take_word(&rest, ";(\"");
	if (!take_byte(&rest, ';') && rest.n > 0)
		return -1;
	*payload = rest;
	return 0;
}

int
authres_read_begin(struct authres_reader *r, struct slice payload)
{
	r->rest = payload;
	if (take_value(&r->rest).n == 0)
		return -1;
	/* An optional version comes before the first ";". */
	skip_result(&r->rest);
	return 0;
}

bool
authres_read_next(struct authres_reader *r, struct authres_read *out)
{
	struct slice *s = &r->rest;

	*out = (struct authres_read){ 0 };
	lex_skip_cfws(s);
	if (s->n == 0)
		return false;
	out->method = take_word(s, "=/;(");
	if (take_byte(s, '/'))
		take_word(s, "=;(");
	if (out->method.n == 0)
		return false;
	if (!take_byte(s, '='))
		return skip_result(s); /* "none" */
	out->result = take_word(s, ";(=");
	for (;;) {
		struct slice ptype = take_word(s, ".=;("), property;

		if (ptype.n == 0)
			break;
		if (take_byte(s, '=')) {
			take_value(s); /* reason= */
			continue;
		}
		if (!take_byte(s, '.'))
			break;
		property = take_word(s, "=;(");
		if (property.n == 0 || !take_byte(s, '='))
			break;
		if (out->n == LEN(out->properties)) {
			take_value(s);
			continue;
		}
		out->properties[out->n].ptype = ptype;
		out->properties[out->n].property = property;
		out->properties[out->n++].value = take_value(s);
	}
	skip_result(s);
	return true;
}

bool
authres_read_property(const struct authres_read *r, const char *ptype,
    const char *property, struct slice *value)
{
	for (size_t i = 0; i < r->n; i++)
		if (slice_ieq(r->properties[i].ptype, slice_str(ptype)) &&
		    slice_ieq(r->properties[i].property,
		    slice_str(property))) {
			*value = r->properties[i].value;
			return true;
		}
	return false;
}
