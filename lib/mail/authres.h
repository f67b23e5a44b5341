/*
 * Authentication-Results (RFC 8601): writing ours, recognising what pretends
 * to be ours.
 */
#ifndef MAIL_AUTHRES_H
#define MAIL_AUTHRES_H

#include "core/buf.h"

struct authres_property {
	const char *ptype;    /* "smtp", "header", "policy" */
	const char *property; /* "mailfrom", "d" */
	struct slice value;
};

/* One resinfo; empty slices and NULL names are left out. */
struct authres_result {
	const char *method; /* "spf", "dkim", "dmarc", "arc", "auth", "iprev" */
	const char *result; /* "pass", "fail", "none" ... */
	struct slice comment;
	struct slice reason;
	struct authres_property properties[6];
};

/*
 * Appends the whole field, "Authentication-Results: id; ...\r\n", one result
 * per folded line, or "; none" when n is 0. Values are quoted or cleaned as
 * their place demands.
 */
void authres_write(struct buf *out, struct slice authserv_id,
    const struct authres_result *results, size_t n);
/* The same without the field name and the last line end: for ARC. */
void authres_write_value(struct buf *out, struct slice authserv_id,
    const struct authres_result *results, size_t n);

/* Appends a value as those fields have it: bare, or quoted if that is needed
 * (RFC 8601 section 2.2, value; addresses stay bare). */
void authres_put_value(struct buf *out, struct slice value);

/*
 * True if an Authentication-Results value (folded or not) has our authserv-id:
 * case ignored, comments, quotes and a version tolerated (RFC 8601 section 5).
 */
bool authres_is_ours(struct slice value, struct slice authserv_id);

#endif
