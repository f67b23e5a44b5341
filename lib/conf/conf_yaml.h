/*
 * Settings from pillarbox.yaml. The schema is settings.def: sections with
 * keys, nothing else is allowed. The file only sets what the environment left
 * open.
 */
#ifndef CONF_CONF_YAML_H
#define CONF_CONF_YAML_H

#include "conf/conf.h"

#define CONF_YAML_FILE "pillarbox.yaml"

/*
 * Applies the text of the file to each row of c that is still at its default.
 * path is for messages only. 0 if no error was added to out.
 */
int conf_yaml_apply(struct conf *c, const char *path, struct slice text,
    struct conf_problems *out);

#endif
