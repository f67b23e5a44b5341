/*
 * Settings from environment variables with the names and meanings of
 * docker-mailserver: an empty value is no value, NAME__FILE gives the file
 * that holds the value.
 */
#ifndef CONF_CONF_ENV_H
#define CONF_CONF_ENV_H

#include "conf/conf.h"

/*
 * Applies envp ("NAME=value", NULL-terminated) to c, over what is there.
 * Variables of docker-mailserver that have no effect yet and names that look
 * like a mistyped one of ours give a warning; all others are not looked at.
 * 0 if no error was added to out.
 */
int conf_env_apply(struct conf *c, char **envp, struct conf_problems *out);

#endif
