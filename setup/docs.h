/* The pages that are generated from conf/settings.def. */
#ifndef SETUP_DOCS_H
#define SETUP_DOCS_H

#include "core/buf.h"

void docs_settings(struct buf *out); /* docs/settings.md */
void docs_env(struct buf *out);      /* mailserver.env */

#endif
