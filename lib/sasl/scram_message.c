#include "sasl/scram_message.h"

#define MALFORMED "malformed SCRAM message"

/* printable: %x21-2B / %x2D-7E */
static bool
is_printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == ',')
			return false;
	return s.n > 0;
}

/* cb-name: 1*(ALPHA / DIGIT / "." / "-") */
static bool
is_binding_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
			return false;
	return s.n > 0;
}

/* Cuts "NAME=value" off at the next comma. */
static bool
take_attribute(struct slice *in, char name, struct slice *value)
{
	struct slice part;

	if (!slice_split(in, ',', &part) || part.n < 2 || part.p[0] != name ||
	    part.p[1] != '=')
		return false;
	*value = slice_from(part, 2);
	return true;
}

/* *("," ALPHA "=" 1*value-char): what we do not know. */
static bool
are_extensions(struct slice in)
{
	struct slice part;

	while (slice_split(&in, ',', &part))
		if (part.n < 3 || !ascii_is_alpha(part.p[0]) ||
		    part.p[1] != '=')
			return false;
	return true;
}

static int
parse_header(struct scram_client_first *m, struct slice *rest)
{
	struct slice flag, authzid;

	if (!slice_split(rest, ',', &flag) ||
	    !slice_split(rest, ',', &authzid))
		return -1;
	if (slice_eq(flag, S("n"))) {
		m->flag = SCRAM_FLAG_NONE;
	} else if (slice_eq(flag, S("y"))) {
		m->flag = SCRAM_FLAG_UNOFFERED;
	} else if (slice_starts(flag, S("p="))) {
		m->flag = SCRAM_FLAG_BOUND;
		m->binding = slice_from(flag, 2);
		if (!is_binding_name(m->binding))
			return -1;
	} else {
		return -1;
	}
	if (authzid.n == 0)
		return 0;
	m->authzid = slice_from(authzid, 2);
	return slice_starts(authzid, S("a=")) && m->authzid.n > 0 ? 0 : -1;
}

int
scram_client_first_parse(struct scram_client_first *m, struct slice in,
    const char **why)
{
	struct slice rest = in;

	*m = (struct scram_client_first){ 0 };
	if (!slice_is_utf8(in) || memchr(in.p, '\0', in.n) != NULL ||
	    parse_header(m, &rest) == -1)
		return fail(why, MALFORMED);
	m->header = slice_head(in, in.n - rest.n);
	m->bare = rest;
	if (slice_starts(rest, S("m=")))
		return fail(why, "unknown SCRAM extension");
	if (!take_attribute(&rest, 'n', &m->user) || m->user.n == 0 ||
	    !take_attribute(&rest, 'r', &m->nonce) ||
	    !is_printable(m->nonce) || !are_extensions(rest))
		return fail(why, MALFORMED);
	return 0;
}

int
scram_client_final_parse(struct scram_client_final *m, struct slice in,
    const char **why)
{
	struct slice rest;
	ssize_t comma = slice_rfind(in, ',');

	*m = (struct scram_client_final){ 0 };
	/* The proof is the last attribute. */
	if (comma < 0 || !slice_is_utf8(in) ||
	    memchr(in.p, '\0', in.n) != NULL)
		return fail(why, MALFORMED);
	m->without_proof = slice_head(in, (size_t)comma);
	rest = slice_from(in, (size_t)comma + 1);
	if (!take_attribute(&rest, 'p', &m->proof))
		return fail(why, MALFORMED);
	rest = m->without_proof;
	if (slice_starts(rest, S("m=")))
		return fail(why, "unknown SCRAM extension");
	if (!take_attribute(&rest, 'c', &m->binding) ||
	    !take_attribute(&rest, 'r', &m->nonce) ||
	    !is_printable(m->nonce) || !are_extensions(rest))
		return fail(why, MALFORMED);
	return 0;
}

int
scram_name_decode(struct slice name, struct buf *out)
{
	while (name.n > 0) {
		size_t used = 1;
		char c = name.p[0];

		/* saslname: "," and "=" only as "=2C" and "=3D". */
		if (c == '=') {
			used = 3;
			if (slice_starts(name, S("=2C")))
				c = ',';
			else if (!slice_starts(name, S("=3D")))
				return -1;
		}
		buf_addc(out, c);
		name = slice_from(name, used);
	}
	return buf_ok(out) ? 0 : -1;
}
