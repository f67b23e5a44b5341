/* The certificate that a server shows, as a stranger judges it. */
#ifndef SETUP_PEER_CERT_H
#define SETUP_PEER_CERT_H

#include "core/slice.h"

enum peer_cert {
	PEER_CERT_GOOD,
	PEER_CERT_NONE,      /* or one that cannot be read */
	PEER_CERT_NAME,      /* not for this host */
	PEER_CERT_EXPIRED,   /* or not valid yet */
	PEER_CERT_UNTRUSTED, /* of nobody that this system trusts */
};

/* der: the certificate and, behind it, what the server sent with it. */
enum peer_cert peer_cert_judge(struct slice der, const char *host);

/* Behind "The certificate ": "has expired". */
const char *peer_cert_text(enum peer_cert c);

#endif
