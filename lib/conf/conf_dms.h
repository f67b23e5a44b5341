/*
 * Variables of docker-mailserver that Pillarbox accepts without honouring
 * them yet, so that an old mailserver.env still starts and says what is
 * missing.
 */
#ifndef CONF_CONF_DMS_H
#define CONF_CONF_DMS_H

#include "core/slice.h"

struct conf_dms {
	const char *name;  /* ends with "*" for a whole family */
	const char *value; /* docker-mailserver's default: no warning */
};

/* The entry of that variable, or NULL. */
const struct conf_dms *conf_dms_find(struct slice name);
/* All entries, for "did you mean"; NULL behind the last. */
const struct conf_dms *conf_dms_at(size_t index);

#endif
