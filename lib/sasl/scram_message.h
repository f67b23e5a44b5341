/*
 * The two messages of a SCRAM client (RFC 5802 sections 5 and 7), as they come
 * from the network: views into the message, nothing is copied.
 */
#ifndef SASL_SCRAM_MESSAGE_H
#define SASL_SCRAM_MESSAGE_H

#include "core/buf.h"

/* The flag that opens the gs2-header: what the client thinks of channel
 * binding. */
enum scram_flag {
	SCRAM_FLAG_NONE,      /* n: it cannot */
	SCRAM_FLAG_UNOFFERED, /* y: it can, but believes that we cannot */
	SCRAM_FLAG_BOUND,     /* p: it does */
};

struct scram_client_first {
	enum scram_flag flag;
	struct slice binding; /* cb-name, with SCRAM_FLAG_BOUND */
	struct slice header;  /* the whole gs2-header with its last comma */
	struct slice bare;    /* what follows it */
	struct slice authzid; /* still with =2C and =3D; may be empty */
	struct slice user;    /* the same; never empty */
	struct slice nonce;
};

struct scram_client_final {
	struct slice without_proof;
	struct slice binding; /* base64 */
	struct slice nonce;
	struct slice proof;   /* base64 */
};

/* Each -1 with a constant reason. A mandatory extension ("m=") is refused, as
 * the RFC demands; optional ones are passed over. */
int scram_client_first_parse(struct scram_client_first *m, struct slice in,
    const char **why) MUST_CHECK;
int scram_client_final_parse(struct scram_client_final *m, struct slice in,
    const char **why) MUST_CHECK;

/* Appends a saslname without its escapes; -1 if one is wrong. */
int scram_name_decode(struct slice name, struct buf *out) MUST_CHECK;

#endif
