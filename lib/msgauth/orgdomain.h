/*
 * Organizational domains by the Public Suffix List (RFC 7489 section 3.2), as
 * libpsl has it built in.
 */
#ifndef MSGAUTH_ORGDOMAIN_H
#define MSGAUTH_ORGDOMAIN_H

#include "core/slice.h"

/*
 * The public suffix and one label more; the name itself when it is a public
 * suffix. name is in A-labels and lower case; the result is a view into it.
 */
struct slice orgdomain(struct slice name);

#endif
