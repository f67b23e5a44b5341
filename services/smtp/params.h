/*
 * Parameters of MAIL and RCPT (RFC 5321 4.1.2 esmtp-param): SIZE (RFC 1870),
 * BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461),
 * AUTH (RFC 4954). Pure; used by mail.c and rcpt.c.
 */
#ifndef SMTP_PARAMS_H
#define SMTP_PARAMS_H

#include "core/slice.h"

enum params_of { PARAMS_MAIL = 1, PARAMS_RCPT = 2 };

/* Slices are views into the text; empty where the parameter is absent. */
struct params {
	uint64_t size;
	bool body_8bit;
	bool smtputf8;
	struct slice ret;   /* "FULL" or "HDRS", upper case */
	struct slice envid; /* xtext as given */
	uint8_t notify;     /* WIRE_NOTIFY_ bits */
	struct slice orcpt; /* type;xtext as given */
	unsigned seen;
};

/*
 * text is what follows the path: empty, or a space and the parameters. On -1
 * *why is the reply to give, code and text.
 */
int params_parse(struct params *p, enum params_of of, struct slice text,
    const char **why) MUST_CHECK;

#endif
