/*
 * When mail.log is full of its day, week or month, and what happens then:
 * mail.log becomes mail.log.1, that becomes mail.log.2, up to a number of old
 * files (dms-compat 8). Files of docker-mailserver (mail.log.2.gz) move too.
 */
#ifndef SUPERVISOR_ROTATE_H
#define SUPERVISOR_ROTATE_H

#include "conf/conf.h"

/* A number that changes with each day, week (on Monday) or month of local
 * time. */
long rotate_period(enum conf_interval interval, const struct tm *local);

/*
 * The period in which the log open at fd begins: that of the date in front of
 * its first line ("2026-01-31T..."), of its last change if there is no such
 * date, of now if it is empty.
 */
long rotate_period_of(int fd, enum conf_interval interval);

/*
 * Moves path out of the way and removes what is more than keep old files. -1
 * with errno if it is not there (then nothing moves) or could not be renamed;
 * the others move or stay each by itself.
 */
int rotate_files(const char *path, unsigned keep) MUST_CHECK;

#endif
