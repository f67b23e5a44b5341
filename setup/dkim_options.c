#include "setup/dkim_options.h"

#include "core/num.h"

static int
take_bits(const struct setup *s, const char *text, struct dkim_options *o)
{
	uint32_t n;

	if (num_u32(slice_str(text), &n) == -1 || n < 1024 || n > 4096)
		return say_abort(s, "The keysize '%s' is not a number from 1024 "
		    "to 4096", text);
	o->bits = n;
	o->bits_given = true;
	return DKIM_OPTIONS_GOOD;
}

static int
take_type(const struct setup *s, const char *text, struct dkim_options *o)
{
	o->ed25519 = strcmp(text, "ed25519") == 0;
	if (!o->ed25519 && strcmp(text, "rsa") != 0)
		return say_abort(s, "Unknown keytype '%s'", text);
	return DKIM_OPTIONS_GOOD;
}

static int
take_selector(const struct setup *s, const char *text, struct dkim_options *o)
{
	if (strlen(text) > 63 || !conf_is_host(slice_str(text)))
		return say_abort(s, "'%s' cannot be a selector", text);
	o->selector = text;
	return DKIM_OPTIONS_GOOD;
}

static int
take_domains(const struct setup *s UNUSED, const char *text,
    struct dkim_options *o)
{
	o->domains = text;
	return DKIM_OPTIONS_GOOD;
}

static const struct word {
	const char *word, *title;
	int (*take)(const struct setup *s, const char *text,
	    struct dkim_options *o);
	const char *missing;
} words[] = {
	{ "keysize", "Keysize", take_bits,
	    "No keysize provided after 'keysize' argument" },
	{ "keytype", "Keytype", take_type,
	    "No keytype provided after 'keytype' argument" },
	{ "selector", "Selector", take_selector,
	    "No selector provided after 'selector' argument" },
	{ "domain", "Domain", take_domains,
	    "No domain(s) provided after 'domain' argument" },
};

/* LOG_LEVEL may be more talkative already. */
static void
raise_level(struct setup *s, enum log_level level, const char *text)
{
	if ((unsigned)level > s->conf.log_level)
		s->conf.log_level = level;
	say(s, level, "%s", text);
}

/* True if arg is a switch of rspamd-dkim. */
static bool
take_switch(struct setup *s, const char *arg, struct dkim_options *o)
{
	if (strcmp(arg, "-f") == 0 || strcmp(arg, "--force") == 0)
		o->force = true;
	else if (strcmp(arg, "-v") == 0)
		raise_level(s, LOG_DEBUG, "Enabled debug-logging");
	else if (strcmp(arg, "-vv") == 0)
		raise_level(s, LOG_TRACE, "Enabled trace-logging");
	else
		return false;
	return true;
}

int
dkim_options_take(struct setup *s, int argc, char **argv, bool rspamd,
    struct dkim_options *o)
{
	for (int i = 0; i < argc; i++) {
		size_t w = 0;
		int status;

		if (rspamd && take_switch(s, argv[i], o))
			continue;
		if (strcmp(argv[i], "help") == 0) {
			say(s, LOG_TRACE, "Showing usage message now");
			return say_usage(s, 0);
		}
		while (w < LEN(words) && strcmp(words[w].word, argv[i]) != 0)
			w++;
		if (w == LEN(words)) {
			say_usage(s, 1);
			return say_abort(s, "Unknown option(s) '%s'", argv[i]);
		}
		if (++i >= argc || *argv[i] == '\0')
			return say_abort(s, "%s", words[w].missing);
		status = words[w].take(s, argv[i], o);
		if (status != DKIM_OPTIONS_GOOD)
			return status;
		if (rspamd)
			say(s, LOG_DEBUG, "%s set to '%s'", words[w].title,
			    argv[i]);
	}
	/* rspamd's knows no difference between the default and saying it. */
	if (o->ed25519 && o->bits_given && !(rspamd && o->bits == 2048))
		return say_abort(s, "Chosen keytype does not accept the "
		    "'keysize' argument");
	return DKIM_OPTIONS_GOOD;
}
