/*
 * The Content-* fields of one part (RFC 2045, 2183, 3282, 2557, 1864) into
 * the part. Only mime.c uses it.
 */
#ifndef MAIL_MIME_FIELD_H
#define MAIL_MIME_FIELD_H

#include "mail/mime.h"

/*
 * Reads the header; type and subtype stay NULL when there is no usable
 * Content-Type (RFC 2045 5.2). The first field of each name counts.
 */
void mime_fields_parse(struct arena *a, struct slice header,
    struct mime_part *part);

/*
 * RFC 2231 6: continuations are put together, "name*0*" and "name*1" to
 * "name*". Those that miss a piece stay as they are. What has a "*" comes
 * behind the others. v has at most LIMIT_MIME_PARAMS; returns how many are
 * left.
 */
size_t mime_params_join(struct arena *a, struct word_param *v, size_t n);

/* The boundary of an open multipart that a line is; which 0 is none. */
struct mime_boundary {
	size_t which;
	size_t length;
	bool exact;
	bool closes;
};

/*
 * Tries one boundary on a line that starts with "--"; call it for the
 * innermost first. RFC 2046 5.1.1: a line is a boundary if it begins with one.
 * Nested ones often begin alike, so what is the whole line wins, then the
 * longest. which is not 0.
 */
void mime_boundary_try(struct mime_boundary *found, struct slice line,
    struct slice boundary, size_t which);

/* The parameter's value as written, or p NULL. */
struct slice mime_param_raw(const struct mime_params *params,
    struct slice name);

#endif
