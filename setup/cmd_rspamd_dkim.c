/*
 * rspamd-dkim, which setup config dkim is where rspamd takes OpenDKIM's place:
 * one key in rspamd's layout (dms-compat 3.8, 4.9).
 */
#include "setup/commands.h"

#include <sys/stat.h>

#include "conf/conf_load.h"
#include "core/base64.h"
#include "core/file.h"
#include "setup/dkim_files.h"
#include "setup/dkim_key.h"
#include "setup/dkim_options.h"
#include "setup/dkim_tables.h"
#include "setup/domains.h"
#include "setup/help.h"

#define FOLDER "rspamd"
/* Where docker-mailserver and rspamd see the config folder. */
#define DMS_FOLDER "/tmp/docker-mailserver/" FOLDER "/dkim/"
/* Of a string in the zone file, as rspamadm cuts; RFC 1035 3.3 allows 255. */
#define CHUNK 253

struct made {
	struct slice domain;
	struct buf name;   /* "rsa-2048-mail-example.com" */
	struct buf base;   /* path of the files, without their ends */
	struct buf private, zone, text;
};

/* Base64 of the seed and the public key, as rspamadm writes it. */
static int
private_ed25519(EVP_PKEY *key, struct buf *out)
{
	unsigned char raw[64];
	size_t n = 32, rest = 32;
	int r = -1;

	if (EVP_PKEY_get_raw_private_key(key, raw, &n) == 1 &&
	    EVP_PKEY_get_raw_public_key(key, raw + 32, &rest) == 1) {
		base64_encode(out, slice_of(raw, sizeof(raw)));
		buf_addc(out, '\n');
		r = buf_ok(out) ? 0 : -1;
	}
	OPENSSL_cleanse(raw, sizeof(raw));
	return r;
}

static int
fill(const struct dkim_options *o, struct made *m)
{
	EVP_PKEY *key = dkim_key_new(o->ed25519, o->bits);
	struct buf p = BUF_INIT(8192);
	const char *type;
	struct slice rest, chunk;
	int r = -1;

	buf_adds(&p, "p=");
	if (key == NULL || dkim_key_public(key, &p, &type) == -1 ||
	    (o->ed25519 ? private_ed25519(key, &m->private) :
	    dkim_key_private(key, &m->private)) == -1)
		goto out;
	buf_addf(&m->text, "v=DKIM1; k=%s; %s\n", type, buf_str(&p));
	buf_addf(&m->zone, "%s._domainkey IN TXT ( \"v=DKIM1; k=%s; \"\n",
	    o->selector, type);
	for (rest = buf_slice(&p); rest.n > 0; rest = slice_from(rest,
	    chunk.n)) {
		chunk = slice_head(rest, CHUNK);
		buf_addf(&m->zone, "\t\"%.*s\"\n", SLICE_ARG(chunk));
	}
	buf_truncate(&m->zone, m->zone.n - 1);
	buf_adds(&m->zone, " ) ;\n");
	r = buf_ok(&m->text) && buf_ok(&m->zone) ? 0 : -1;
out:
	buf_release(&p);
	EVP_PKEY_free(key);
	return r;
}

static int
write_end(const struct setup *s, const struct made *m, const char *end,
    const struct buf *text, mode_t mode)
{
	struct buf path = BUF_INIT(8192);
	int status;

	buf_addf(&path, "%s%s", buf_str(&m->base), end);
	status = dkim_files_write(s, "", buf_str(&path), text, mode);
	buf_release(&path);
	return status;
}

/* The folders of the config folder that are not there. */
static int
make_folders(const struct setup *s)
{
	static const char *const folders[] = { FOLDER, FOLDER "/dkim",
		FOLDER "/override.d" };
	struct buf path = BUF_INIT(8192);
	int status = 0;

	if (!file_exists(s->conf.config_dir))
		say(s, LOG_WARN, "The folder '%s' is not there, so it is no "
		    "mounted volume: the keys go with the container",
		    s->conf.config_dir);
	for (size_t i = 0; i < LEN(folders) && status == 0; i++) {
		buf_clear(&path);
		conf_config_path(&s->conf, folders[i], &path);
		status = dkim_files_make_dir(s, "", buf_str(&path));
	}
	buf_release(&path);
	return status;
}

static bool
is_there(const struct made *m)
{
	static const char *const ends[] = { ".private.txt", ".public.txt",
		".public.dns.txt" };
	struct buf path = BUF_INIT(8192);
	bool found = false;

	for (size_t i = 0; i < LEN(ends); i++) {
		buf_clear(&path);
		buf_addf(&path, "%s%s", buf_str(&m->base), ends[i]);
		found |= file_exists(buf_str(&path));
	}
	buf_release(&path);
	return found;
}

static int
make_files(const struct setup *s, const struct dkim_options *o, struct made *m)
{
	char length[64] = "";

	if (is_there(m) && !o->force) {
		say(s, LOG_ERROR, "Not overwriting existing files (use "
		    "'--force' to overwrite existing files)");
		return 1;
	}
	if (is_there(m))
		say(s, LOG_INFO, "Overwriting existing files as the '--force' "
		    "option was supplied");
	if (!o->ed25519)
		snprintf(length, sizeof(length), " and length '%u'", o->bits);
	say(s, LOG_INFO, "Creating DKIM keys of type '%s'%s with selector '%s' "
	    "for domain '%.*s'", o->ed25519 ? "ed25519" : "rsa", length,
	    o->selector, SLICE_ARG(m->domain));
	if (fill(o, m) == -1)
		return say_abort(s, "Creating keys failed");
	if (make_folders(s) != 0 ||
	    write_end(s, m, ".public.txt", &m->zone, 0644) != 0 ||
	    write_end(s, m, ".public.dns.txt", &m->text, 0644) != 0 ||
	    write_end(s, m, ".private.txt", &m->private, 0600) != 0)
		return 1;
	say(s, LOG_INFO, "Successfully created DKIM keys");
	return 0;
}

/* What signs is the file's business: it is made once and then its owner's. */
static int
make_conf(const struct setup *s, const struct dkim_options *o,
    const struct made *m)
{
	struct buf path = BUF_INIT(8192), text = BUF_INIT(8192);
	int status = 0;

	conf_config_path(&s->conf, CONF_DKIM_RSPAMD, &path);
	if (file_exists(buf_str(&path))) {
		say(s, LOG_INFO, "'%s' exists, not supplying a default "
		    "('--force' does not overwrite this file, manual "
		    "adjustment required)", buf_str(&path));
		goto out;
	}
	say(s, LOG_INFO, "Supplying a default configuration (to '%s')",
	    buf_str(&path));
	buf_addf(&text, "enabled = true;\n\nsign_authenticated = true;\n"
	    "sign_local = false;\ntry_fallback = false;\n\n"
	    "use_domain = \"header\";\nuse_redis = false;\nuse_esld = true;\n"
	    "allow_username_mismatch = true;\n\ncheck_pubkey = true;\n\n"
	    "domain {\n    %.*s {\n        path = \"" DMS_FOLDER
	    "%s.private.txt\";\n        selector = \"%s\";\n    }\n}\n",
	    SLICE_ARG(m->domain), buf_str(&m->name), o->selector);
	status = dkim_files_write(s, "", buf_str(&path), &text, 0644);
out:
	buf_release(&path);
	buf_release(&text);
	return status;
}

/* Does anything say that the new key is to sign? */
static void
warn_if_unused(const struct setup *s, const struct dkim_options *o,
    const struct made *m)
{
	struct buf path = BUF_INIT(8192);
	struct conf_dkim d;
	bool signs = false;

	buf_addf(&path, "%s.private.txt", buf_str(&m->base));
	conf_dkim_init(&d);
	if (dkim_tables_load(s, &d) == 0)
		for (size_t i = 0; i < d.rule_count; i++)
			signs |= strcmp(d.rules[i].key->path,
			    buf_str(&path)) == 0;
	if (!signs)
		say(s, LOG_WARN, "This key does not sign yet: its domain is to "
		    "have these lines in " CONF_DKIM_RSPAMD ":\n"
		    "path = \"" DMS_FOLDER "%s.private.txt\";\n"
		    "selector = \"%s\";", buf_str(&m->name), o->selector);
	conf_dkim_release(&d);
	buf_release(&path);
}

static int
run(const struct setup *s, const struct dkim_options *o, struct slice domain)
{
	struct made m = { .domain = domain, .name = BUF_INIT(1024),
		.base = BUF_INIT(8192), .private = BUF_INIT(16384),
		.zone = BUF_INIT(16384), .text = BUF_INIT(16384) };
	int status;

	if (o->ed25519)
		buf_adds(&m.name, "ed25519");
	else
		buf_addf(&m.name, "rsa-%u", o->bits);
	buf_addf(&m.name, "-%s-%.*s", o->selector, SLICE_ARG(domain));
	conf_config_path(&s->conf, FOLDER "/dkim/", &m.base);
	buf_adds(&m.base, buf_str(&m.name));
	status = make_files(s, o, &m);
	if (status == 0)
		status = make_conf(s, o, &m);
	if (status == 0) {
		say(s, LOG_INFO, "Here is the content of the TXT DNS record "
		    "%s._domainkey.%.*s that you need to create:", o->selector,
		    SLICE_ARG(domain));
		fputs(buf_str(&m.text), stdout);
		warn_if_unused(s, o, &m);
		say(s, LOG_TRACE, "Finished DKIM key creation");
	}
	buf_release(&m.name);
	buf_release(&m.base);
	buf_wipe(&m.private);
	buf_release(&m.zone);
	buf_release(&m.text);
	return status;
}

int
cmd_rspamd_dkim(struct setup *s, int argc, char **argv)
{
	struct dkim_options o = { .bits = 2048, .selector = "mail" };
	struct domains d;
	int status;

	s->tool = "rspamd-dkim";
	s->usage = HELP_RSPAMD_DKIM;
	status = dkim_options_take(s, argc, argv, true, &o);
	if (status != DKIM_OPTIONS_GOOD)
		return status;
	status = 1;
	if (o.domains == NULL && conf_load_host(&s->conf, &s->problems) == -1)
		return say_abort(s, "%s",
		    s->problems.list[s->problems.n - 1].text);
	if (domains_parse(s, &d, o.domains != NULL ? o.domains :
	    s->conf.domainname) == 0)
		status = d.n == 1 ? run(s, &o, d.list[0]) :
		    say_abort(s, "One domain at a time");
	domains_release(&d);
	return status;
}
