#include "setup/commands.h"

#include "setup/explain.h"
#include "setup/zone.h"

#define OUTPUT_MAX 1048576

static int
show(const struct setup *s, struct records *r, const char *const *words,
    bool panel)
{
	struct buf out = BUF_INIT(OUTPUT_MAX);
	int status;

	records_of_keys(r, slice_str(words[0]), words[1]);
	if (r->n == 0)
		return say_abort(s, "There is no DKIM key '%s' of '%s'",
		    words[1] != NULL ? words[1] : "*", words[0]);
	if (panel)
		zone_format_panel(r, &out);
	else
		zone_format(r, &out);
	fputs(buf_str(&out), stdout);
	status = buf_ok(&out) ? 0 : 1;
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].value.n == 0)
			status = say_abort(s, "%s holds no private key",
			    r->list[i].key);
	buf_release(&out);
	return status;
}

int
cmd_dkim_show(struct setup *s, int argc, char **argv)
{
	bool panel = false;
	const struct explain_option options[] = { { "panel", NULL, &panel } };
	const char *words[2] = { NULL, NULL };
	struct records r;
	int n = explain_options(s, argc, argv, options, LEN(options), words, 2);
	int status = 1;

	if (n == -1)
		return EXPLAIN_MISUSE;
	if (n == 0)
		return explain_misuse(s, "which domain?");
	if (records_load_keys(s, &r) == 0)
		status = show(s, &r, words, panel);
	records_release(&r);
	return status;
}
