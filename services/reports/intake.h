/* From a mail to the rows of the report in it. No process in here. */
#ifndef REPORTS_INTAKE_H
#define REPORTS_INTAKE_H

#include "services/reports/base.h"

/* The *why of a mail without a part that could be a report. */
extern const char INTAKE_NONE[];

/*
 * Finds the report among the parts of a mail, decodes, unpacks and reads it.
 * Every row is told to fn. Returns 0, or -1 with *why (NULL: fn stopped it).
 * domain gets the domain it is about.
 */
int intake_read(struct slice mail, feedback_fn *fn, void *arg,
    struct feedback_text *domain, const char **why) MUST_CHECK;

#endif
