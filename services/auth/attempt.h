/*
 * One attempt to log in, by a password (verify.h) or by SASL messages
 * (exchange.h): who, from where, and the answer, which comes at once if it is
 * good and late if it is not.
 */
#ifndef SERVICES_AUTH_ATTEMPT_H
#define SERVICES_AUTH_ATTEMPT_H

#include "services/auth/auth.h"

struct exchange;

struct attempt {
	struct list link;
	struct auth *auth;
	struct chan *chan;     /* NULL when its caller is gone */
	uint32_t id;
	enum wire_auth_service service;
	struct loop_timer *timer;
	struct arena arena;    /* of the strings of the attempt */
	/* identity.c's, in lower case */
	struct slice user;     /* at success an account */
	struct slice master;   /* who opens it, or empty */
	struct slice owner_name; /* whose password that takes, as the file of
	                        * verifiers has it */
	struct slice ip;
	const char *denied;    /* the reason that is known before the check */
	bool forbidden;        /* it holds for an identity other than that which
	                        * proves itself: RFC 5530's AUTHORIZATIONFAILED */
	enum wire_verify_result refusal; /* of attempt_deny */
	struct exchange *exchange; /* while SASL messages go to and fro */
	/* verify.c's */
	struct slice password; /* wiped after the check */
	struct slice hash;
	unsigned char tag[CACHE_TAG];
	const char *why;
	int result;            /* of password_verify */
	bool learn;            /* make a SCRAM verifier of the password */
	struct scram_verifier learned[SCRAM_HASHES];
};

struct attempt *attempt_new(struct auth *a, struct chan *c, uint32_t id,
    enum wire_auth_service service, struct slice ip);

/* Sends r; the attempt goes on. */
void attempt_reply(struct attempt *t, const struct wire_auth_reply *r);
/* Each answers and ends the attempt; deny counts against the client's address
 * and answers after the delay that this earns. */
void attempt_accept(struct attempt *t);
void attempt_deny(struct attempt *t, const char *reason);
/* Denies, for t->denied, a client that has proved that it knows the password:
 * it may learn a little more. */
void attempt_deny_proved(struct attempt *t);
void attempt_later(struct attempt *t);
/* Ends it without an answer. */
void attempt_free(struct attempt *t);

/* The channel is gone: nobody waits for its answers any more. */
void attempt_forget(struct auth *a, struct chan *c);

/* Why the account may not log in from ip, or NULL. */
const char *attempt_forbidden(const struct conf_account *account,
    struct slice ip);
/* True if ip is in one of the networks "192.0.2.0/24,2001:db8::/32". */
bool attempt_net_allowed(struct slice networks, struct slice ip);

/* exchange.c: the part of an attempt that is a SASL exchange; NULL is fine. */
void exchange_free(struct exchange *x);

#endif
