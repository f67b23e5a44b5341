/*
 * How the evaluations in here get answers from the DNS: they do no I/O. Each is
 * a machine; its step function says which question it needs answered next, its
 * answer function takes the answer, until the step says that it is done. So the
 * dkim service drives it from its loop, the command line by waiting, and a test
 * from a table.
 *
 *	while (spf_step(&s, &q) == MSGAUTH_ASK)
 *		spf_answer(&s, look_up(q.name, q.type));
 */
#ifndef MSGAUTH_QUESTION_H
#define MSGAUTH_QUESTION_H

#include "wire/resolver.h"

enum msgauth_step { MSGAUTH_ASK, MSGAUTH_DONE };

struct dns_question {
	struct slice name; /* text, A-labels; valid until the answer */
	uint32_t type;     /* DNS_TXT ... (wire/resolver.h) */
};

#endif
