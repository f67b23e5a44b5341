/*
 * The whole configuration of an instance, as the supervisor and setup see it:
 * defaults, pillarbox.yaml, environment, host name. Links libyaml, which is
 * why it is not in conf.c: no service calls it.
 */
#ifndef CONF_CONF_LOAD_H
#define CONF_CONF_LOAD_H

#include "conf/conf.h"

/*
 * Fills c (initialised here; released by the caller in every case) from envp
 * and from pillarbox.yaml in the config folder that envp names. Problems are
 * added to out; 0 if none of them is an error. Does not fail for a missing
 * host name: see conf_load_host.
 */
int conf_load(struct conf *c, char **envp, struct conf_problems *out)
    MUST_CHECK;

/*
 * Sets hostname, domainname and the default postmaster_address; asks the
 * system for the host name where OVERRIDE_HOSTNAME is empty. -1 and an error
 * in out when there is no usable name.
 */
int conf_load_host(struct conf *c, struct conf_problems *out) MUST_CHECK;

/* The lock of the config folder, for who edits its files: a descriptor that
 * holds it until it is closed. -1 with errno; without wait EWOULDBLOCK while
 * another has it. */
int conf_lock(const struct conf *c, bool wait) MUST_CHECK;

/* The path of a file in the config folder, as a C string in out. */
void conf_config_path(const struct conf *c, const char *file, struct buf *out);

/*
 * Reads and checks every file of the config folder that we know. Problems are
 * added to out; 0 if none of them is an error.
 */
int conf_check_files(const struct conf *c, struct conf_problems *out);

#endif
