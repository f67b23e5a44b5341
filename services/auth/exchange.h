/*
 * Logins by SASL messages: SCRAM. The process on the network passes the
 * messages on; verifiers and proofs stay here.
 */
#ifndef SERVICES_AUTH_EXCHANGE_H
#define SERVICES_AUTH_EXCHANGE_H

#include "services/auth/auth.h"

/* Handle WIRE_AUTH_SASL, _MORE and _ABORT; -1 if the frame is malformed. */
int exchange_start(struct auth *a, struct chan *c, struct chan_frame *f);
int exchange_more(struct auth *a, struct chan *c, struct chan_frame *f);
int exchange_abort(struct auth *a, struct chan *c, struct chan_frame *f);

#endif
