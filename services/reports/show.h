/* The answer to `setup dmarc report`, for people and for programs. */
#ifndef REPORTS_SHOW_H
#define REPORTS_SHOW_H

#include <sqlite3.h>

#include "services/reports/base.h"

/* Appends it; -1 with the database's error. */
int show(sqlite3 *db, const struct base_query *q, struct buf *out) MUST_CHECK;

#endif
