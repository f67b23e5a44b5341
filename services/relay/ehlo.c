#include "services/relay/ehlo.h"

#include "core/num.h"

static void
take_size(struct ehlo *e, struct slice args)
{
	struct slice word;

	e->size = true;
	if (!slice_word(&args, &word) ||
	    num_u64(word, UINT64_MAX, &e->size_max) != 0)
		e->size_max = 0;
}

static void
take_auth(struct ehlo *e, struct slice args)
{
	struct slice word;

	while (slice_word(&args, &word)) {
		if (slice_ieq(word, S("PLAIN")))
			e->auth_plain = true;
		else if (slice_ieq(word, S("LOGIN")))
			e->auth_login = true;
	}
}

static const struct {
	const char *keyword;
	size_t flag; /* offset of a bool, if take is NULL */
	void (*take)(struct ehlo *e, struct slice args);
} keywords[] = {
	{ "PIPELINING", offsetof(struct ehlo, pipelining), NULL },
	{ "8BITMIME", offsetof(struct ehlo, mime8), NULL },
	{ "SMTPUTF8", offsetof(struct ehlo, utf8), NULL },
	{ "DSN", offsetof(struct ehlo, dsn), NULL },
	{ "STARTTLS", offsetof(struct ehlo, starttls), NULL },
	{ "SIZE", 0, take_size },
	{ "AUTH", 0, take_auth },
};

static void
take_line(struct ehlo *e, struct slice line)
{
	struct slice word;

	if (slice_istarts(line, S("AUTH="))) {
		/* Spelling of an old draft, still sent by some. */
		take_auth(e, slice_from(line, 5));
		return;
	}
	if (!slice_word(&line, &word))
		return;
	for (size_t i = 0; i < LEN(keywords); i++) {
		if (!slice_ieq(word, slice_str(keywords[i].keyword)))
			continue;
		if (keywords[i].take != NULL)
			keywords[i].take(e, line);
		else
			*(bool *)((char *)e + keywords[i].flag) = true;
	}
}

void
ehlo_parse(struct ehlo *e, struct slice text)
{
	struct slice line;

	*e = (struct ehlo){ 0 };
	if (!slice_line(&text, &line))
		return;
	while (slice_line(&text, &line))
		take_line(e, line);
}
