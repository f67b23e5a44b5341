/* Logins with a client certificate. See external.h. */
#include "services/auth/external.h"

#include "services/auth/client_cert.h"
#include "services/auth/identity.h"

/*
 * RFC 4422 A.1: without an authorization identity it follows from the
 * certificate. That has to be clear: one account, not the first of several.
 */
static int
pick_account(struct attempt *t, const struct client_cert *cert,
    const char **why)
{
	const struct directory *d = &t->auth->directory;
	const struct conf_account *found = NULL;

	for (size_t i = 0; i < cert->n; i++) {
		const struct conf_account *account =
		    directory_account(d, cert->addresses[i]);

		if (account == NULL)
			continue;
		if (found != NULL)
			return fail(why, "the certificate names several "
			    "accounts");
		found = account;
		t->user = cert->addresses[i];
	}
	if (found == NULL)
		return fail(why, cert->n > 0 ? "unknown user" :
		    "no address in the certificate");
	return 0;
}

/* Sets t->user; -1 if the certificate does not open that account. */
static int
choose(struct attempt *t, const struct client_cert *cert, struct slice authzid,
    const char **why)
{
	if (authzid.n == 0)
		return pick_account(t, cert, why);
	for (size_t i = 0; i < cert->n; i++) {
		if (!slice_eq(cert->addresses[i], t->user))
			continue;
		if (directory_account(&t->auth->directory, t->user) == NULL)
			return fail(why, "unknown user");
		return 0;
	}
	return fail(why, "authorization identity differs");
}

static int
check(struct attempt *t, const struct wire_auth_external *e, const char **why)
{
	struct auth *a = t->auth;
	struct client_cert cert;
	const char *forbidden;

	/* For the log; and identities are compared in lower case. */
	t->user = identity_lower(&t->arena, e->authzid);
	if (a->client_cas == NULL)
		return fail(why, "client certificates are switched off");
	if (client_cert_check(a->client_cas, e->certificates, &t->arena, &cert,
	    why) == -1 || choose(t, &cert, e->authzid, why) == -1)
		return -1;
	forbidden = attempt_forbidden(directory_account(&a->directory,
	    t->user), t->ip);
	return forbidden == NULL ? 0 : fail(why, forbidden);
}

int
external_request(struct auth *a, struct chan *c, struct chan_frame *f)
{
	struct wire_auth_external e;
	const char *why = NULL;
	struct attempt *t;

	if (wire_auth_external_get(f->payload, &e) == -1)
		return -1;
	t = attempt_new(a, c, f->id, e.service, e.client_ip);
	if (check(t, &e, &why) == 0)
		attempt_accept(t);
	else
		attempt_deny(t, why);
	return 0;
}
