#include "setup/commands.h"

#include "conf/conf_load.h"
#include "conf/conf_tls.h"
#include "core/file.h"
#include "core/limits.h"
#include "setup/cert.h"
#include "setup/docs.h"

#define DOCS_MAX 262144

static const char *
name_of(const struct conf_row *row)
{
	return row->env != NULL ? row->env : row->name;
}

static void
show(const struct setup *s, const struct conf_row *row, int name_width,
    int value_width)
{
	struct buf value = BUF_INIT(8192), origin = BUF_INIT(8192);

	conf_show(&s->conf, row, &value);
	conf_show_origin(&s->conf, row, &origin);
	printf("%-*s  %-*s  %s\n", name_width, name_of(row), value_width,
	    buf_str(&value), buf_str(&origin));
	buf_release(&value);
	buf_release(&origin);
}

static int
show_all(const struct setup *s)
{
	size_t name_width = 0, value_width = 0;

	for (size_t i = 0; i < CONF_ROW_COUNT; i++) {
		struct buf value = BUF_INIT(8192);
		size_t n = strlen(name_of(&conf_rows[i]));

		conf_show(&s->conf, &conf_rows[i], &value);
		if (n > name_width)
			name_width = n;
		/* One long value must not push all the others away. */
		if (value.n > value_width && value.n <= 40)
			value_width = value.n;
		buf_release(&value);
	}
	for (size_t i = 0; i < CONF_ROW_COUNT; i++)
		show(s, &conf_rows[i], (int)name_width, (int)value_width);
	return 0;
}

int
cmd_config_show(struct setup *s, int argc, char **argv)
{
	const struct conf_row *row;
	struct slice name;

	/* Without a host name the computed rows are just empty. */
	if (conf_load_host(&s->conf, &s->problems) == -1)
		say(s, LOG_DEBUG, "no host name");
	if (argc > 1)
		return say_usage(s, 1);
	if (argc == 0)
		return show_all(s);
	name = slice_str(argv[0]);
	row = conf_row_by_env(name);
	if (row == NULL)
		row = conf_row_by_yaml(name);
	if (row == NULL)
		row = conf_row_by_name(name);
	if (row == NULL)
		return say_abort(s, "no setting has the name '%s'", argv[0]);
	show(s, row, 0, 0);
	return 0;
}

static void
check_pair(struct setup *s, const struct buf *cert, const struct buf *key)
{
	const char *path, *why = NULL;

	if (cert_check(buf_str(cert), buf_str(key), &path, &why) == -1)
		conf_problem(&s->problems, LOG_ERROR, "%s: %s", path, why);
}

/* True if the certificate is in acme.json, as the supervisor decides it. */
static bool
check_acme(struct setup *s)
{
	struct buf cert = BUF_INIT(LIMIT_ACME_FILE);
	struct buf key = BUF_INIT(LIMIT_ACME_FILE), path = BUF_INIT(8192);
	bool is_there = conf_tls_acme(&s->conf, &cert, &key, &s->problems) == 0;
	const char *why = NULL;
	bool of_key;

	if (is_there && conf_tls_acme_path(&s->conf, &path) &&
	    cert_check_pem(buf_slice(&cert), buf_slice(&key), &of_key,
	    &why) == -1)
		conf_problem(&s->problems, LOG_ERROR, "%s: the %s %s",
		    buf_str(&path), of_key ? "key" : "certificate", why);
	buf_release(&path);
	buf_wipe(&cert);
	buf_wipe(&key);
	return is_there;
}

static void
check_tls(struct setup *s)
{
	struct conf_tls t;

	if (s->conf.ssl_type == CONF_SSL_EMPTY || check_acme(s))
		return;
	conf_tls_init(&t);
	if (conf_tls_paths(&s->conf, &t, &s->problems) == 0) {
		check_pair(s, &t.cert, &t.key);
		if (t.alt_cert.n > 0)
			check_pair(s, &t.alt_cert, &t.alt_key);
	}
	conf_tls_release(&t);
}

static void
check_client_ca(struct setup *s)
{
	const char *path = s->conf.client_ca_path, *why = NULL;
	struct buf text = BUF_INIT(LIMIT_CONFIG_FILE);

	if (conf_tls_client_ca(&s->conf, &s->problems) == -1 || *path == '\0')
		return;
	if (file_read(path, &text) == -1)
		why = strerror(errno);
	else if (cert_check_ca(buf_slice(&text), &why) == 0)
		why = NULL;
	if (why != NULL)
		conf_problem(&s->problems, LOG_ERROR, "%s: %s", path, why);
	buf_release(&text);
}

int
cmd_config_check(struct setup *s, int argc, char **argv UNUSED)
{
	const struct conf_problems *p = &s->problems;

	if (argc > 0)
		return say_usage(s, 1);
	if (conf_load_host(&s->conf, &s->problems) == 0)
		check_tls(s);
	check_client_ca(s);
	conf_check_files(&s->conf, &s->problems);
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].level <= LOG_WARN)
			printf("%s%s\n", p->list[i].text,
			    p->list[i].level == LOG_WARN ? " (warning)" : "");
	if (p->errors + p->warnings > CONF_PROBLEMS_KEPT)
		printf("%zu errors and %zu warnings in all\n", p->errors,
		    p->warnings);
	return p->errors == 0 ? 0 : EXIT_CONFIG;
}

int
cmd_config_docs(struct setup *s, int argc, char **argv)
{
	struct buf page = BUF_INIT(DOCS_MAX);

	if (argc == 1 && strcmp(argv[0], "settings") == 0)
		docs_settings(&page);
	else if (argc == 1 && strcmp(argv[0], "env") == 0)
		docs_env(&page);
	else
		return say_usage(s, 1);
	if (!buf_ok(&page))
		panic("the page is larger than %d bytes", DOCS_MAX);
	fwrite(page.p, 1, page.n, stdout);
	buf_release(&page);
	return 0;
}
