/* Verifiers from logins. See learn.h. */
#include "services/auth/learn.h"

#include "services/auth/password.h"

bool
learn_wanted(const struct auth *a, struct slice name, struct slice hash)
{
	struct scram_verifier v;

	return a->service != NULL && a->conf->scram != CONF_SCRAM_NEVER &&
	    !password_is_hard(hash) &&
	    conf_scram_find(&a->scram, name, hash, SCRAM_SHA1, &v) == -1;
}

void
learn_send(struct auth *a, struct slice name, struct slice hash,
    const struct scram_verifier verifiers[SCRAM_HASHES])
{
	struct buf line = BUF_INIT(LIMIT_CONFIG_LINE), b = WIRE_BUF;

	conf_scram_format(name, hash, verifiers, &line);
	wire_put_slice(&b, name);
	wire_put_slice(&b, buf_slice(&line));
	if (buf_ok(&line) && buf_ok(&b))
		service_report(a->service, WIRE_CONTROL_SCRAM, buf_slice(&b));
	buf_wipe(&line);
	buf_wipe(&b);
}
