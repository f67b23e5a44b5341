/* What a server offers in its reply to EHLO (RFC 5321 4.1.1.1). */
#ifndef RELAY_EHLO_H
#define RELAY_EHLO_H

#include "core/slice.h"

struct ehlo {
	bool pipelining; /* RFC 2920 */
	bool size;       /* RFC 1870 */
	bool mime8;      /* 8BITMIME, RFC 6152 */
	bool utf8;       /* SMTPUTF8, RFC 6531 */
	bool dsn;        /* RFC 3461 */
	bool starttls;   /* RFC 3207 */
	bool auth_plain; /* RFC 4616 */
	bool auth_login;
	uint64_t size_max; /* 0: not said */
};

/* text: the lines of the reply, as struct reply has them; the first is the
 * server's name. Unknown words are passed over. */
void ehlo_parse(struct ehlo *e, struct slice text);

#endif
