/* What spf.c, the stack of records, and spf_term.c, their terms, share. */
#ifndef MSGAUTH_SPF_INTERNAL_H
#define MSGAUTH_SPF_INTERNAL_H

#include "msgauth/spf.h"

/* What the question that waits for its answer is for. */
enum spf_ask {
	SPF_ASK_NOTHING,
	SPF_ASK_RECORD,      /* the TXT records of the top frame's domain */
	SPF_ASK_ADDRESS,     /* a */
	SPF_ASK_EXISTS,
	SPF_ASK_MX,
	SPF_ASK_MX_ADDRESS,  /* hosts[host_at] */
	SPF_ASK_PTR,         /* for ptr and the macro "p" */
	SPF_ASK_PTR_ADDRESS, /* hosts[host_at] */
	SPF_ASK_EXP,
	SPF_ASKS
};

struct spf_frame *spf_top(struct spf *s);

/* The question in s->name. */
void spf_ask(struct spf *s, enum spf_ask ask, uint32_t type);
/* The question about a name that is not in s->name yet. */
void spf_ask_name(struct spf *s, enum spf_ask ask, struct slice name,
    uint32_t type);

/* Evaluation is over. The rule is the term of the top frame. why may use
 * printf's words; domains and terms in it are of the records. */
void spf_end(struct spf *s, enum spf_result result, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The term of the top frame matched, or did not. */
void spf_match(struct spf *s);
void spf_no_match(struct spf *s);
/* Its domain's record is to be evaluated: include pushes, redirect replaces. */
void spf_enter(struct spf *s, struct slice domain);

/* Evaluates the top frame's term as far as it goes without an answer. */
void spf_term_run(struct spf *s);
/* An answer for one of the questions above but SPF_ASK_RECORD and _EXP. */
void spf_term_answer(struct spf *s, enum spf_ask ask,
    const struct wire_dns_answer *a);

/*
 * Makes sure that the client's validated names are known if text uses the
 * macro "p", and sets it. False: a question was asked, try again later.
 */
bool spf_name_ready(struct spf *s, struct slice text);

/* Keeps what was asked and answered, for a person to read. */
void spf_tell(struct spf *s, const struct wire_dns_answer *a);

/* True for an answer that the DNS gave, if only "there is none". */
static inline bool
spf_answered(const struct wire_dns_answer *a)
{
	return a->status == WIRE_DNS_OK || a->status == WIRE_DNS_NODATA ||
	    a->status == WIRE_DNS_NXDOMAIN;
}

#endif
