#include "conf/conf_load.h"

#include <sys/file.h>

#include <fcntl.h>

#include "conf/conf_accounts.h"
#include "conf/conf_dkim.h"
#include "conf/conf_env.h"
#include "conf/conf_host.h"
#include "conf/conf_quotas.h"
#include "conf/conf_scram.h"
#include "conf/conf_virtual.h"
#include "conf/conf_yaml.h"
#include "core/file.h"

void
conf_config_path(const struct conf *c, const char *file, struct buf *out)
{
	buf_addf(out, "%s/%s", c->config_dir, file);
}

int
conf_lock(const struct conf *c, bool wait)
{
	int fd = open(c->config_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int saved;

	if (fd != -1 && flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	return fd;
}

/*
 * Reads a file of the config folder. 0, or -1 when there is none (text stays
 * empty) or it cannot be read (an error in out).
 */
static int
read_config(const struct conf *c, const char *file, struct buf *path,
    struct buf *text, struct conf_problems *out)
{
	buf_clear(path);
	buf_clear(text);
	conf_config_path(c, file, path);
	if (file_read(buf_str(path), text) == 0)
		return 0;
	buf_clear(text);
	if (errno != ENOENT && errno != ENOTDIR)
		conf_problem(out, LOG_ERROR, "%s: %s", buf_str(path),
		    strerror(errno));
	return -1;
}

/* Puts a row back to its default. */
static void
reset(struct conf *c, const struct conf_row *row)
{
	struct buf why = BUF_INIT(256);

	if (conf_set(c, row, slice_str(row->value), &why) == -1)
		panic("default of %s", row->name);
	conf_set_origin(c, row, CONF_FROM_DEFAULT, NULL);
	buf_release(&why);
}

/* What only several settings together can get wrong. */
static void
check_together(struct conf *c, struct conf_problems *out)
{
	struct buf zone = BUF_INIT(8192);

	if (c->ssl_type == CONF_SSL_MANUAL && *c->ssl_cert_path == '\0')
		conf_problem(out, LOG_ERROR, "Environment Variable: "
		    "SSL_CERT_PATH is not set! SSL_TYPE=manual needs it");
	if (c->ssl_type == CONF_SSL_MANUAL && *c->ssl_key_path == '\0')
		conf_problem(out, LOG_ERROR, "Environment Variable: "
		    "SSL_KEY_PATH is not set! SSL_TYPE=manual needs it");
	if (c->queue_retry_min > c->queue_retry_max)
		conf_problem(out, LOG_ERROR, "PILLARBOX_QUEUE_RETRY_MIN is "
		    "longer than PILLARBOX_QUEUE_RETRY_MAX");
	if ((*c->relay_user == '\0') != (*c->relay_password == '\0')) {
		conf_problem(out, LOG_WARN, "only one of RELAY_USER and "
		    "RELAY_PASSWORD is set: no login at the relay host");
		reset(c, &conf_rows[CONF_ROW_relay_user]);
		reset(c, &conf_rows[CONF_ROW_relay_password]);
	}
	buf_addf(&zone, "/usr/share/zoneinfo/%s", c->timezone);
	if (*c->timezone != '\0' && file_exists("/usr/share/zoneinfo") &&
	    (strstr(c->timezone, "..") != NULL || !file_exists(buf_str(&zone))))
		conf_problem(out, LOG_WARN, "Cannot find timezone '%s'",
		    c->timezone);
	buf_release(&zone);
}

static void
set_computed(struct conf *c, const struct conf_row *row, const char *value)
{
	struct buf why = BUF_INIT(512);

	if (conf_set(c, row, slice_str(value), &why) == 0)
		conf_set_origin(c, row, CONF_FROM_COMPUTED, NULL);
	buf_release(&why);
}

static bool
has_file(const struct conf *c, const char *file)
{
	struct buf path = BUF_INIT(8192);
	bool there;

	conf_config_path(c, file, &path);
	there = file_exists(buf_str(&path));
	buf_release(&path);
	return there;
}

/* In docker-mailserver ENABLE_RSPAMD takes the place of ENABLE_OPENDKIM: with
 * rspamd's keys it signs, and verifies (dms-compat 3.8). */
static void
apply_rspamd(struct conf *c, char **envp)
{
	bool on = false;

	for (size_t i = 0; envp[i] != NULL; i++)
		on |= strcmp(envp[i], "ENABLE_RSPAMD=1") == 0;
	if (!on || c->enable_opendkim)
		return;
	set_computed(c, &conf_rows[CONF_ROW_dkim_rspamd], "1");
	set_computed(c, &conf_rows[CONF_ROW_enable_opendkim], "1");
}

int
conf_load(struct conf *c, char **envp, struct conf_problems *out)
{
	struct buf path = BUF_INIT(8192), text = BUF_INIT(LIMIT_YAML_FILE + 1);
	size_t before = out->errors;

	conf_init(c);
	/* First, because it says where the file is and wins over it; what goes
	 * wrong is in out. */
	conf_env_apply(c, envp, out);
	if (read_config(c, CONF_YAML_FILE, &path, &text, out) == 0)
		conf_yaml_apply(c, buf_str(&path), buf_slice(&text),
		    out);
	check_together(c, out);
	apply_rspamd(c, envp);
	buf_release(&path);
	buf_wipe(&text);
	return out->errors == before ? 0 : -1;
}

int
conf_load_host(struct conf *c, struct conf_problems *out)
{
	struct slice override = slice_str(c->override_hostname);
	struct buf fqdn = BUF_INIT(512), host = BUF_INIT(512);
	struct buf domain = BUF_INIT(512), postmaster = BUF_INIT(600);
	struct slice rest, label;
	const char *why = NULL;
	int r = -1;

	if (override.n == 0 && conf_host_fqdn(&fqdn) == -1)
		buf_clear(&fqdn);
	rest = buf_slice(&fqdn);
	slice_split(&rest, '.', &label);
	if (conf_host_resolve(override, buf_slice(&fqdn), rest, &host, &domain,
	    &why) == -1) {
		conf_problem(out, LOG_ERROR,
		    "Setting hostname/domainname is required: %s", why);
		goto out;
	}
	set_computed(c, &conf_rows[CONF_ROW_hostname], buf_str(&host));
	set_computed(c, &conf_rows[CONF_ROW_domainname], buf_str(&domain));
	buf_addf(&postmaster, "postmaster@%s", buf_str(&domain));
	if (*c->postmaster_address == '\0')
		set_computed(c, &conf_rows[CONF_ROW_postmaster_address],
		    buf_str(&postmaster));
	r = 0;
out:
	buf_release(&fqdn);
	buf_release(&host);
	buf_release(&domain);
	buf_release(&postmaster);
	return r;
}

static void
check_dkim(const struct conf *c, struct buf *path, struct conf_problems *out)
{
	struct buf keys = BUF_INIT(LIMIT_CONFIG_FILE);
	struct buf rules = BUF_INIT(LIMIT_CONFIG_FILE);
	struct buf trusted = BUF_INIT(LIMIT_CONFIG_FILE);
	struct buf rspamd = BUF_INIT(LIMIT_CONFIG_FILE);
	struct conf_dkim_files files;
	struct conf_dkim d;

	read_config(c, CONF_DKIM_KEY_TABLE, path, &keys, out);
	read_config(c, CONF_DKIM_SIGNING_TABLE, path, &rules, out);
	read_config(c, CONF_DKIM_TRUSTED_HOSTS, path, &trusted, out);
	read_config(c, CONF_DKIM_RSPAMD, path, &rspamd, out);
	files = (struct conf_dkim_files){
		.key_table = buf_slice(&keys),
		.signing_table = buf_slice(&rules),
		.trusted_hosts = buf_slice(&trusted),
		.rspamd = buf_slice(&rspamd),
		.has_key_table = has_file(c, CONF_DKIM_KEY_TABLE),
		.rspamd_first = c->dkim_rspamd,
	};
	conf_dkim_init(&d);
	conf_dkim_parse(&d, c->config_dir, &files, out);
	for (size_t i = 0; i < d.key_count; i++)
		if (access(d.keys[i].path, R_OK) == -1)
			conf_problem_at(out, d.rspamd ? LOG_WARN : LOG_ERROR,
			    d.rspamd ? CONF_DKIM_RSPAMD : CONF_DKIM_KEY_TABLE,
			    d.keys[i].line, 0, "%s: %s",
			    d.keys[i].path, strerror(errno));
	if (d.rspamd && d.rule_count > 0 && !c->enable_opendkim)
		conf_problem(out, LOG_WARN, "the keys of " CONF_DKIM_RSPAMD
		    " do not sign: ENABLE_OPENDKIM is 0");
	conf_dkim_release(&d);
	buf_release(&rspamd);
	buf_release(&keys);
	buf_release(&rules);
	buf_release(&trusted);
}

int
conf_check_files(const struct conf *c, struct conf_problems *out)
{
	struct buf path = BUF_INIT(8192), text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct conf_accounts accounts;
	struct conf_virtual virtual;
	struct conf_quotas quotas;
	struct conf_scram scram;
	size_t before = out->errors;

	conf_accounts_init(&accounts);
	if (read_config(c, CONF_ACCOUNTS_FILE, &path, &text, out) == 0)
		conf_accounts_parse(&accounts, buf_str(&path),
		    buf_slice(&text), out);
	conf_accounts_release(&accounts);
	conf_accounts_init(&accounts);
	if (read_config(c, CONF_MASTERS_FILE, &path, &text, out) == 0)
		conf_masters_parse(&accounts, buf_str(&path),
		    buf_slice(&text), out);
	conf_accounts_release(&accounts);
	conf_virtual_init(&virtual);
	if (read_config(c, CONF_VIRTUAL_FILE, &path, &text, out) == 0)
		conf_virtual_parse(&virtual, buf_str(&path),
		    buf_slice(&text), out);
	conf_virtual_release(&virtual);
	conf_quotas_init(&quotas);
	if (read_config(c, CONF_QUOTAS_FILE, &path, &text, out) == 0)
		conf_quotas_parse(&quotas, buf_str(&path), buf_slice(&text),
		    out);
	conf_quotas_release(&quotas);
	conf_scram_init(&scram);
	if (read_config(c, CONF_SCRAM_FILE, &path, &text, out) == 0)
		conf_scram_parse(&scram, buf_str(&path), buf_slice(&text),
		    out);
	conf_scram_release(&scram);
	check_dkim(c, &path, out);
	buf_wipe(&text);
	buf_release(&path);
	return out->errors == before ? 0 : -1;
}
