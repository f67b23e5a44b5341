/*
 * Logins with a password: find the account and check the password on a thread.
 */
#ifndef SERVICES_AUTH_VERIFY_H
#define SERVICES_AUTH_VERIFY_H

#include "services/auth/auth.h"

/* Handles a WIRE_AUTH_VERIFY frame; -1 if it is malformed. */
int verify_request(struct auth *a, struct chan *c, struct chan_frame *f);

#endif
