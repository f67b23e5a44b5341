/*
 * One login attempt: find the account, check the password on a thread, answer
 * at once if it fits and late if it does not.
 */
#ifndef SERVICES_AUTH_VERIFY_H
#define SERVICES_AUTH_VERIFY_H

#include "services/auth/auth.h"

/* Handles a WIRE_AUTH_VERIFY frame; -1 if it is malformed. */
int verify_request(struct auth *a, struct chan *c, struct chan_frame *f);
/* The channel is gone: nobody waits for its answers any more. */
void verify_forget(struct auth *a, struct chan *c);

/* True if ip is in one of the networks "192.0.2.0/24,2001:db8::/32". */
bool verify_net_allowed(struct slice networks, struct slice ip);

#endif
