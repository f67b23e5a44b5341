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

/* The parameter's value as written, or p NULL. */
struct slice mime_param_raw(const struct mime_params *params,
    struct slice name);

#endif
