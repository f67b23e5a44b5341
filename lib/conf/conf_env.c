#include "conf/conf_env.h"

#include <sys/stat.h>

#include "conf/conf_dms.h"
#include "core/file.h"

#define SECRET_FILE_MAX 65536

static const struct slice file_suffix = { "__FILE", 6 };

/* The value of a variable, "" included; NULL if it is not there. */
static const char *
lookup(char **envp, struct slice name)
{
	for (; *envp != NULL; envp++)
		if (strncmp(*envp, name.p, name.n) == 0 &&
		    (*envp)[name.n] == '=')
			return *envp + name.n + 1;
	return NULL;
}

static void
apply(struct conf *c, const struct conf_row *row, struct slice value,
    enum conf_source source, const char *detail, struct conf_problems *out)
{
	struct buf why = BUF_INIT(1024);
	bool lenient = row->flags & CONF_LENIENT;

	if (row->type != CONF_TEXT && row->type != CONF_SECRET)
		value = slice_trim(value);
	if (conf_set(c, row, value, &why) == 0)
		conf_set_origin(c, row, source, detail);
	else if (lenient)
		conf_problem(out, LOG_WARN, "environment %s: %s; using '%s'",
		    row->env, buf_str(&why), row->value);
	else
		conf_problem(out, LOG_ERROR, "environment %s: %s", row->env,
		    buf_str(&why));
	buf_release(&why);
}

/* dms-compat 1.6: NAME__FILE names the file that holds the value. */
static void
apply_file(struct conf *c, const struct conf_row *row, const char *path,
    struct conf_problems *out)
{
	struct buf text = BUF_INIT(SECRET_FILE_MAX);
	struct slice value;
	struct stat st;

	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode)) {
		conf_problem(out, LOG_WARN, "File defined for secret '%s' with "
		    "path '%s' does not exist", row->env, path);
		return;
	}
	if (file_read(path, &text) == -1) {
		conf_problem(out, LOG_ERROR, "environment %s__FILE: %s: %s",
		    row->env, path, strerror(errno));
		buf_wipe(&text);
		return;
	}
	conf_problem(out, LOG_INFO, "Getting secret '%s' from '%s'", row->env,
	    path);
	value = buf_slice(&text);
	while (value.n > 0 && (value.p[value.n - 1] == '\n' ||
	    value.p[value.n - 1] == '\r'))
		value.n--;
	if (value.n > 0)
		apply(c, row, value, CONF_FROM_SECRET, path, out);
	buf_wipe(&text);
}

/* Prefixes that only variables of a mail server have. */
static const struct slice prefixes[] = {
	{ "PILLARBOX_", 10 }, { "DMS_", 4 }, { "ENABLE_", 7 },
	{ "POSTFIX_", 8 }, { "DOVECOT_", 8 }, { "SSL_", 4 }, { "RELAY_", 6 },
	{ "POSTSCREEN_", 11 }, { "RSPAMD_", 7 }, { "SPAMASSASSIN_", 13 },
	{ "PERMIT_", 7 },
};

/*
 * Not ours in spite of their names: OpenSSL's, those of the image, and what
 * Kubernetes sets for a service that is called like one of the prefixes.
 */
static bool
is_foreign(struct slice name, const char *value)
{
	static const char *const names[] = { "SSL_CERT_FILE", "SSL_CERT_DIR",
		"DMS_RELEASE", "PILLARBOX_BIN" };

	for (size_t i = 0; i < LEN(names); i++)
		if (slice_eq(name, slice_str(names[i])))
			return true;
	return slice_ends(name, S("_SERVICE_HOST")) ||
	    slice_ifind(name, S("_SERVICE_PORT")) >= 0 ||
	    strstr(value, "://") != NULL ||
	    slice_ifind(name, S("_TCP")) >= 0 ||
	    slice_ifind(name, S("_UDP")) >= 0;
}

/* The known name closest to this one, within distance 2; NULL if none is. */
static const char *
closest(struct slice name)
{
	const struct conf_dms *e;
	const char *best = NULL;
	unsigned distance = 3, n;

	for (size_t i = 0; i < CONF_ROW_COUNT; i++) {
		const char *env = conf_rows[i].env;

		/* Everything short is close to a short name. */
		if (env == NULL || strlen(env) < 6)
			continue;
		n = conf_distance(name, slice_str(env), 2);
		if (n < distance) {
			distance = n;
			best = env;
		}
	}
	for (size_t i = 0; (e = conf_dms_at(i)) != NULL; i++) {
		if (strlen(e->name) <= 6 || strchr(e->name, '*') != NULL)
			continue;
		n = conf_distance(name, slice_str(e->name), 2);
		if (n < distance) {
			distance = n;
			best = e->name;
		}
	}
	return best;
}

static void
check_unknown(struct slice name, const char *value, struct conf_problems *out)
{
	const char *meant;
	bool ours = false;

	if (is_foreign(name, value))
		return;
	meant = closest(name);
	for (size_t i = 0; i < LEN(prefixes); i++)
		ours |= slice_starts(name, prefixes[i]);
	name = slice_head(name, 100);
	if (meant != NULL)
		conf_problem(out, LOG_WARN,
		    "environment %.*s: no such setting; did you mean %s?",
		    SLICE_ARG(name), meant);
	else if (ours)
		conf_problem(out, LOG_WARN, "environment %.*s: no such setting",
		    SLICE_ARG(name));
}

static void
apply_variable(struct conf *c, char **envp, struct slice name,
    const char *value, struct conf_problems *out)
{
	const struct conf_row *row = conf_row_by_env(name);
	struct slice base = name;
	const struct conf_dms *dms;

	if (row != NULL) {
		if (*value != '\0')
			apply(c, row, slice_str(value), CONF_FROM_ENV, NULL,
			    out);
		return;
	}
	if (slice_ends(name, file_suffix)) {
		base = slice_head(name, name.n - file_suffix.n);
		row = conf_row_by_env(base);
	}
	if (row != NULL && lookup(envp, base) != NULL) {
		conf_problem(out, LOG_WARN, "ENV value will not be sourced "
		    "from '%s__FILE' since '%s' is already set", row->env,
		    row->env);
		return;
	}
	if (*value == '\0')
		return;
	if (row != NULL) {
		apply_file(c, row, value, out);
		return;
	}
	dms = conf_dms_find(base);
	if (dms == NULL) {
		check_unknown(base, value, out);
	} else if (strcmp(value, dms->value) != 0) {
		base = slice_head(base, 100);
		conf_problem(out, LOG_WARN, "environment %.*s: not supported "
		    "yet, it has no effect", SLICE_ARG(base));
	}
}

int
conf_env_apply(struct conf *c, char **envp, struct conf_problems *out)
{
	size_t before = out->errors;

	for (char **e = envp; *e != NULL; e++) {
		const char *eq = strchr(*e, '=');

		if (eq != NULL && eq != *e)
			apply_variable(c, envp, slice_of(*e, (size_t)(eq - *e)),
			    eq + 1, out);
	}
	return out->errors == before ? 0 : -1;
}
