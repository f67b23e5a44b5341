#include "setup/sts_policy.h"

#include "core/num.h"

int
sts_reply(struct slice reply, struct slice *body, const char **why)
{
	struct slice line, word;
	bool is_text = false;

	if (!slice_line(&reply, &line) || !slice_starts(line, S("HTTP/1.")) ||
	    !slice_word(&line, &word) || !slice_word(&line, &word))
		return fail(why, "what answers there is no web server");
	/* RFC 8461 3.3: redirects must not be followed. */
	if (word.n == 3 && word.p[0] == '3')
		return fail(why, "the web server leads to another place, which "
		    "mail servers do not follow");
	if (!slice_eq(word, S("200")))
		return fail(why, slice_eq(word, S("404")) ?
		    "the web server has no such file (404)" :
		    "the web server does not give the file");
	while (slice_line(&reply, &line) && slice_trim(line).n > 0)
		if (slice_istarts(line, S("content-type:")))
			is_text = slice_istarts(slice_trim(slice_from(line,
			    13)), S("text/plain"));
	/* RFC 8461 3.2. */
	if (!is_text)
		return fail(why, "the web server does not call the file "
		    "text/plain");
	*body = reply;
	return 0;
}

static int
take(struct slice key, struct slice value, struct sts_policy *p,
    unsigned *seen, const char **why)
{
	enum { VERSION = 1, MODE = 2, AGE = 4 };

	if (slice_eq(key, S("version"))) {
		*seen |= VERSION;
		return slice_eq(value, S("STSv1")) ? 0 :
		    fail(why, "version is not STSv1");
	}
	if (slice_eq(key, S("mode")) && (*seen & MODE) == 0) {
		*seen |= MODE;
		p->mode = slice_eq(value, S("enforce")) ? STS_ENFORCE :
		    slice_eq(value, S("testing")) ? STS_TESTING : STS_NONE;
		return p->mode != STS_NONE || slice_eq(value, S("none")) ? 0 :
		    fail(why, "mode is not enforce, testing or none");
	}
	if (slice_eq(key, S("max_age")) && (*seen & AGE) == 0) {
		*seen |= AGE;
		return num_u32(value, &p->max_age) == 0 &&
		    p->max_age <= STS_AGE_MAX ? 0 :
		    fail(why, "max_age is not a number up to 31557600");
	}
	if (slice_eq(key, S("mx")) && p->n < STS_HOSTS)
		p->mx[p->n++] = value;
	return 0; /* RFC 8461 3.2: what is not known is left out */
}

int
sts_parse(struct slice text, struct sts_policy *out, const char **why)
{
	struct slice line, key;
	unsigned seen = 0;

	*out = (struct sts_policy){ .mode = STS_NONE };
	while (slice_line(&text, &line)) {
		line = slice_trim(line);
		if (line.n == 0)
			continue;
		if (slice_find(line, ':') < 0 || !slice_split(&line, ':',
		    &key))
			return fail(why, "a line has no name and colon");
		if (take(slice_trim(key), slice_trim(line), out, &seen,
		    why) != 0)
			return -1;
	}
	if (seen != 7)
		return fail(why, "version, mode or max_age is missing");
	if (out->n == 0 && out->mode != STS_NONE)
		return fail(why, "it names no mx");
	return 0;
}

bool
sts_covers(const struct sts_policy *p, struct slice host)
{
	ssize_t dot = slice_find(host, '.');

	for (size_t i = 0; i < p->n; i++) {
		struct slice mx = p->mx[i];

		if (slice_ieq(mx, host))
			return true;
		/* One label for the star. */
		if (slice_starts(mx, S("*.")) && dot > 0 &&
		    slice_ieq(slice_from(mx, 1), slice_from(host, (size_t)dot)))
			return true;
	}
	return false;
}
