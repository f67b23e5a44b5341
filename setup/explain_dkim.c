#include "setup/commands.h"

#include "setup/judge.h"

/* One word for all signatures: the best of them. */
static const char *
overall(const struct dkim_verify *v)
{
	static const enum dkim_result order[] = { DKIM_PASS, DKIM_TEMPERROR,
		DKIM_FAIL };

	if (v->n == 0)
		return "none";
	for (size_t k = 0; k < LEN(order); k++)
		for (size_t i = 0; i < v->n; i++)
			if (v->list[i].result == order[k])
				return dkim_result_name(order[k]);
	return dkim_result_name(DKIM_PERMERROR);
}

static void
print_text(const struct judge *j)
{
	if (j->v.n == 0)
		puts("none: the message has no DKIM signature");
	for (size_t i = 0; i < j->v.n; i++)
		judge_print_signature(dkim_result_name(j->v.list[i].result),
		    &j->v.list[i]);
	if (j->v.n == LIMIT_DKIM_SIGNATURES)
		printf("Only the first %d signatures are looked at.\n",
		    LIMIT_DKIM_SIGNATURES);
	judge_print_lookups(j);
}

static void
print_json(const struct judge *j)
{
	struct buf out = BUF_INIT(LIMIT_CONFIG_FILE);
	struct json json = JSON_INIT(&out);

	json_object(&json, NULL);
	json_str(&json, "result", overall(&j->v));
	json_array(&json, "signatures");
	for (size_t i = 0; i < j->v.n; i++)
		judge_put_signature(&json, NULL, &j->v.list[i]);
	json_array_end(&json);
	lookup_trace_json(j->lookup, &json, "lookups");
	json_object_end(&json);
	buf_addc(&out, '\n');
	judge_flush(&out);
}

int
cmd_explain_dkim(struct setup *s, int argc, char **argv)
{
	static const struct judge_command c = { judge_signatures, print_text,
		print_json };

	return judge_run(s, argc, argv, &c);
}
