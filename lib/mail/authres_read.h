/*
 * Reading Authentication-Results (RFC 8601 section 2.2): what somebody else
 * found out. Lenient where it is harmless, and never more than is there:
 * comments are passed over, a result that is malformed ends the reading.
 */
#ifndef MAIL_AUTHRES_READ_H
#define MAIL_AUTHRES_READ_H

#include "core/slice.h"

#define AUTHRES_PROPERTIES 16 /* of one result; more are not kept */

struct authres_reader {
	struct slice rest;
};

struct authres_read {
	struct slice method;
	struct slice result;
	struct {
		struct slice ptype, property;
		struct slice value; /* without quotes, escapes as they are */
	} properties[AUTHRES_PROPERTIES];
	size_t n;
};

/*
 * What an ARC-Authentication-Results has in front (RFC 8617 section 4.1.1):
 * "i=", a number, ";", comments between. Views into value. -1 if it begins
 * otherwise.
 */
int authres_read_instance(struct slice value, struct slice *instance,
    struct slice *payload) MUST_CHECK;

/* payload: from the authserv-id on. -1 if there is none. */
int authres_read_begin(struct authres_reader *r, struct slice payload)
    MUST_CHECK;
bool authres_read_next(struct authres_reader *r, struct authres_read *out);

/* The first such property. */
bool authres_read_property(const struct authres_read *r, const char *ptype,
    const char *property, struct slice *value);

#endif
