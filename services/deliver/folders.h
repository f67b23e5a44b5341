/*
 * The folders of accounts exist before their first mail: docker-mailserver
 * makes them when an account appears, and scripts wait for them
 * (dms-compat 3.3, 4.1).
 */
#ifndef SERVICES_DELIVER_FOLDERS_H
#define SERVICES_DELIVER_FOLDERS_H

#include "services/deliver/deliver.h"

/* Makes what is missing for each address of text (one a line, copied), on a
 * thread. */
void folders_make(struct deliver *d, struct slice text);

#endif
