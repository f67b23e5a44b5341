/*
 * dkim: signs what leaves and judges what comes in. Has neither network nor
 * files nor keys: messages come as descriptors, keys signs, resolver asks DNS.
 */
#include "services/dkim/dkim.h"
#include "wire/dkim.h"

/* Messages being read and hashed at once. */
#define THREADS 2
/* Tables that refer to each other arrive one after the other. */
#define SETTLE_MS 1000

/* The tables as they came last; files come before start, so they are here. */
static struct dkim the_dkim;
static struct buf key_table = BUF_INIT(LIMIT_CONFIG_FILE);
static struct buf signing_table = BUF_INIT(LIMIT_CONFIG_FILE);
static struct buf rspamd = BUF_INIT(LIMIT_CONFIG_FILE);
static bool has_key_table;
static struct buf problem = BUF_INIT(4096);
static struct loop_timer *settle_timer;

static const struct {
	const char *name;
	struct buf *text;
} files[] = {
	{ "dkim-keytable", &key_table },
	{ "dkim-signingtable", &signing_table },
	{ "dkim-rspamd", &rspamd },
};

/* The first error, for whoever is told. */
static void
describe(const struct conf_problems *problems)
{
	buf_clear(&problem);
	for (size_t i = 0; i < problems->n && problem.n == 0; i++)
		if (problems->list[i].level == LOG_ERROR)
			buf_adds(&problem, problems->list[i].text);
}

/* Reads the tables; on -1 the old ones stay and problem says why. */
static int
read_tables(struct dkim *d)
{
	struct conf_dkim_files texts = {
		.key_table = buf_slice(&key_table),
		.signing_table = buf_slice(&signing_table),
		.rspamd = buf_slice(&rspamd),
		.has_key_table = has_key_table,
		.rspamd_first = d->conf->dkim_rspamd,
	};
	struct conf_problems problems;
	struct conf_dkim fresh;
	int r;

	conf_problems_init(&problems);
	conf_dkim_init(&fresh);
	r = conf_dkim_parse(&fresh, ".", &texts, &problems);
	if (r == 0) {
		conf_dkim_release(&d->tables);
		d->tables = fresh;
	} else {
		conf_dkim_release(&fresh);
		describe(&problems);
	}
	conf_problems_release(&problems);
	return r;
}

static void
on_settle(void *arg)
{
	struct dkim *d = arg;
	struct log_line l;

	if (read_tables(d) == 0) {
		log_info("dkim-tables", "keys=%zu rules=%zu",
		    d->tables.key_count, d->tables.rule_count);
		return;
	}
	log_begin(&l, LOG_ERROR, "config");
	log_str(&l, "problem", buf_str(&problem));
	log_end(&l);
}

static int
on_file(struct service *s UNUSED, const char *name,
    const struct slice *content, const char **why)
{
	for (size_t i = 0; i < LEN(files); i++) {
		if (strcmp(name, files[i].name) != 0)
			continue;
		buf_clear(files[i].text);
		files[i].text->failed = false;
		if (content != NULL)
			buf_add_slice(files[i].text, *content);
		if (files[i].text == &key_table)
			has_key_table = content != NULL;
		if (settle_timer != NULL)
			loop_timer_start(settle_timer, SETTLE_MS, 0);
		return buf_ok(files[i].text) ? 0 :
		    fail(why, "the table is too long");
	}
	return fail(why, "not a file of dkim");
}

static int
start(struct service *s, const char **why)
{
	const struct conf *conf = service_conf(s);
	struct dkim *d = &the_dkim;

	conf_dkim_init(&d->tables);
	map_init(&d->algs);
	list_init(&d->signing);
	list_init(&d->sealing);
	list_init(&d->verifying);
	list_init(&d->checking);
	d->conf = conf;
	list_init(&d->kept);
	d->enabled = conf->enable_opendkim;
	for (struct slice rest = slice_str(conf->arc_trusted_sealers), item;
	    d->sealer_count < LEN(d->sealers) &&
	    slice_split(&rest, ',', &item);)
		d->sealers[d->sealer_count++] = item;
	d->host = conf->hostname;
	d->spf_policy = conf->enable_policyd_spf;
	if (read_tables(d) == -1)
		return fail(why, buf_str(&problem));
	d->loop = service_loop(s);
	d->keys = service_peer(s, "keys", 0);
	d->resolver = service_peer(s, "resolver", 0);
	if (conf->dmarc_send_reports)
		d->reports = service_peer(s, "reports.note", 0);
	settle_timer = loop_timer_new(d->loop, on_settle, d);
	service_set_data(s, d);
	return 0;
}

static void
on_peer(struct service *s, struct chan *c, bool open)
{
	if (open)
		return;
	sign_forget(service_data(s), c);
	seal_forget(service_data(s), c);
	verify_forget(service_data(s), c);
	spf_forget(service_data(s), c);
}

static int
on_sign(struct service *s, struct chan *c, struct chan_frame *f)
{
	return sign_request(service_data(s), c, f);
}

static int
on_seal(struct service *s, struct chan *c, struct chan_frame *f)
{
	return seal_request(service_data(s), c, f);
}

static int
on_verify(struct service *s, struct chan *c, struct chan_frame *f)
{
	return verify_request(service_data(s), c, f);
}

static int
on_spf(struct service *s, struct chan *c, struct chan_frame *f)
{
	return spf_request(service_data(s), c, f);
}

static void
status(struct service *s, struct buf *out)
{
	const struct dkim *d = service_data(s);

	buf_addf(out, " keys=%zu rules=%zu signatures=%llu verdicts=%llu"
	    " requests=%zu checks=%zu", d->tables.key_count,
	    d->tables.rule_count,
	    (unsigned long long)d->signatures, (unsigned long long)d->verdicts,
	    d->requests, d->checks);
}

static const struct service_handler handlers[] = {
	{ "", WIRE_DKIM_SIGN, on_sign },
	{ "", WIRE_DKIM_SEAL, on_seal },
	{ "", WIRE_DKIM_VERIFY, on_verify },
	{ "spf", WIRE_SPF_CHECK, on_spf },
	{ NULL, 0, NULL },
};

static const struct service_ops ops = {
	.name = "dkim",
	.handlers = handlers,
	.threads = THREADS,
	.on_file = on_file,
	.start = start,
	.on_peer = on_peer,
	.status = status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
