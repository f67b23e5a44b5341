/* Tag lists: "a=rsa-sha256; d=example.com" (RFC 6376 section 3.2). */
#ifndef MSGAUTH_TAGS_H
#define MSGAUTH_TAGS_H

#include "core/limits.h"
#include "core/slice.h"

struct tag {
	struct slice name;
	struct slice value; /* trimmed; may be folded inside */
	struct slice raw;   /* all between "=" and ";" */
};

struct tags {
	struct tag list[LIMIT_DKIM_TAGS];
	size_t n;
};

/* Views into text. -1 if it is malformed or a tag is there twice. */
int tags_parse(struct tags *t, struct slice text, const char **why) MUST_CHECK;

/* The tag (names are case-sensitive), or NULL. */
const struct tag *tags_find(const struct tags *t, const char *name);
/* Its value, or the empty slice. */
struct slice tags_value(const struct tags *t, const char *name);

/* True if the colon-separated list has the word, ASCII case ignored. */
bool tags_list_has(struct slice list, struct slice word);

#endif
