/*
 * Logins with a client certificate (SASL EXTERNAL, RFC 4422 appendix A).
 */
#ifndef SERVICES_AUTH_EXTERNAL_H
#define SERVICES_AUTH_EXTERNAL_H

#include "services/auth/auth.h"

/* Handles a WIRE_AUTH_EXTERNAL frame; -1 if it is malformed. */
int external_request(struct auth *a, struct chan *c, struct chan_frame *f);

#endif
