#include "setup/commands.h"

#include <time.h>

#include "core/file.h"
#include "setup/dkim_key.h"
#include "setup/dkim_retire.h"
#include "setup/explain.h"
#include "setup/json.h"

#define OUTPUT_MAX 16777216

struct row {
	const struct conf_dkim_key *key;
	const char *algorithm; /* NULL: the file cannot be read */
	unsigned bits;
	bool signs;
	const char *why;       /* not */
	char until[16];        /* the day, of a retired key */
};

static void
look_at_file(struct row *r)
{
	EVP_PKEY *key = dkim_key_load(r->key->path);

	if (key == NULL)
		return;
	r->bits = (unsigned)EVP_PKEY_get_bits(key);
	r->algorithm = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? "ed25519" :
	    EVP_PKEY_get_id(key) == EVP_PKEY_RSA ? "rsa" : NULL;
	if (r->algorithm != NULL && strcmp(r->algorithm, "ed25519") == 0)
		r->bits = 256;
	EVP_PKEY_free(key);
}

static void
look(const struct setup *s, const struct dkim_tables *t, struct row *r)
{
	int64_t until = 0;
	enum conf_dkim_note note = conf_dkim_note(buf_slice(&t->keys.text),
	    r->key->name, &until);
	struct tm tm;

	look_at_file(r);
	if (conf_dkim_rule_of(&t->dkim, r->key) == NULL)
		r->why = t->dkim.rspamd ? "turned off" :
		    note == CONF_DKIM_WAITS ? "waits for its record" :
		    note == CONF_DKIM_RETIRED ? "retired" :
		    "not in SigningTable";
	else if (r->algorithm == NULL)
		r->why = "no usable private key";
	else if (!s->conf.enable_opendkim)
		r->why = "ENABLE_OPENDKIM is 0";
	else
		r->signs = true;
	if (!r->signs && note == CONF_DKIM_RETIRED) {
		gmtime_r(&(time_t){ until }, &tm);
		strftime(r->until, sizeof(r->until), "%Y-%m-%d", &tm);
	}
}

static void
format(const struct row *rows, size_t n, bool rspamd, struct buf *out)
{
	size_t domain = 6, selector = 8;

	for (size_t i = 0; i < n; i++) {
		const struct conf_dkim_key *k = rows[i].key;

		domain = k->domain.n > domain ? k->domain.n : domain;
		selector = k->selector.n > selector ? k->selector.n : selector;
	}
	buf_addf(out, "%-*s  %-*s  %-9s  %-4s  %-28s  %s\n", (int)domain,
	    "DOMAIN", (int)selector, "SELECTOR", "ALGORITHM", "BITS",
	    "SIGNS NOW", "FILE");
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		char state[64], bits[16];

		snprintf(state, sizeof(state), "%s%s%s%s",
		    r->signs ? "yes" : "no, ", r->signs ? "" : r->why,
		    *r->until != '\0' ? " until " : "", r->until);
		snprintf(bits, sizeof(bits), "%u", r->bits);
		buf_addf(out, "%-*.*s  %-*.*s  %-9s  %-4s  %-28s  %s\n",
		    (int)domain, SLICE_ARG(r->key->domain), (int)selector,
		    SLICE_ARG(r->key->selector),
		    r->algorithm != NULL ? r->algorithm : "?",
		    r->algorithm != NULL ? bits : "?", state, r->key->path);
	}
	if (rspamd)
		buf_adds(out, "\nThe keys are those of " CONF_DKIM_RSPAMD
		    ".\n");
}

static void
format_json(const struct row *rows, size_t n, bool rspamd, struct buf *out)
{
	struct json j = JSON_INIT(out);

	json_object(&j, NULL);
	json_str(&j, "layout", rspamd ? "rspamd" : "opendkim");
	json_array(&j, "keys");
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		json_object(&j, NULL);
		json_slice(&j, "domain", r->key->domain);
		json_slice(&j, "selector", r->key->selector);
		json_str(&j, "algorithm",
		    r->algorithm != NULL ? r->algorithm : "");
		json_num(&j, "bits", r->bits);
		json_bool(&j, "signs", r->signs);
		json_str(&j, "why", r->signs ? "" : r->why);
		json_str(&j, "until", r->until);
		json_str(&j, "file", r->key->path);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	buf_addc(out, '\n');
}

static int
list(const struct setup *s, const struct dkim_tables *t, const char *domain,
    bool json)
{
	struct row *rows = mem_zero((t->dkim.key_count + 1) * sizeof(*rows));
	struct buf out = BUF_INIT(OUTPUT_MAX);
	size_t n = 0;
	int status;

	for (size_t i = 0; i < t->dkim.key_count; i++) {
		if (domain != NULL && !slice_ieq(t->dkim.keys[i].domain,
		    slice_str(domain)))
			continue;
		rows[n].key = &t->dkim.keys[i];
		look(s, t, &rows[n++]);
	}
	if (json)
		format_json(rows, n, t->dkim.rspamd, &out);
	else if (n > 0)
		format(rows, n, t->dkim.rspamd, &out);
	else
		buf_adds(&out, "There is no DKIM key; 'setup config dkim' "
		    "makes one for each domain.\n");
	fputs(buf_str(&out), stdout);
	status = buf_ok(&out) ? 0 : 1;
	buf_release(&out);
	mem_free(rows);
	return status;
}

int
cmd_dkim_list(struct setup *s, int argc, char **argv)
{
	bool json = false;
	const struct explain_option options[] = { { "json", NULL, &json } };
	const char *domain = NULL;
	struct dkim_tables t;
	int status = 1;

	if (explain_options(s, argc, argv, options, LEN(options), &domain,
	    1) == -1)
		return EXPLAIN_MISUSE;
	(void)dkim_retire_due(s);
	if (dkim_tables_open(s, &t, false) == 0)
		status = list(s, &t, domain, json);
	dkim_tables_close(&t);
	return status;
}
