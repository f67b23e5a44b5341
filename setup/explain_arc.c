#include "setup/commands.h"

#include "setup/judge.h"

static void
print_reason(const struct arc *c)
{
	printf("%s: ", arc_result_name(c->result));
	if (c->result == ARC_NONE)
		puts("the message has no ARC set");
	else if (c->result == ARC_PASS)
		printf("%u set%s, each sealed by the owner of its key, and the "
		    "newest covers the message as it is\n", c->n,
		    c->n == 1 ? "" : "s");
	else if (c->at != 0)
		printf("set i=%u: %s\n", c->at, c->why);
	else
		printf("%s\n", c->why);
}

/* A structure that is wrong leaves sets without a judgement. */
static const char *
seal_word(const struct arc *c, const struct dkim_verified *seal)
{
	return seal->result == DKIM_NEEDS_KEY && c->result != ARC_PASS ?
	    "not checked" : dkim_result_name(seal->result);
}

static void
print_text(const struct judge *j)
{
	const struct arc *c = &j->v.arc;

	print_reason(c);
	if (c->result == ARC_PASS && c->oldest_pass == 0)
		puts("oldest-pass=0: it is as it was when each set was made");
	else if (c->result == ARC_PASS)
		printf("oldest-pass=%u: it was changed before that set was "
		    "made\n", c->oldest_pass);
	for (unsigned i = c->n; i > 0; i--) {
		const struct arc_set *set = &c->sets[i - 1];

		printf("Set i=%u:  sealed by %.*s (s=%.*s), cv=%.*s: %s\n", i,
		    SLICE_ARG(set->seal.sig.d), SLICE_ARG(set->seal.sig.s),
		    SLICE_ARG(set->seal.sig.cv), seal_word(c, &set->seal));
	}
	judge_print_lookups(j);
}

static void
print_json(const struct judge *j)
{
	struct buf out = BUF_INIT(LIMIT_CONFIG_FILE);
	struct json json = JSON_INIT(&out);
	const struct arc *c = &j->v.arc;

	json_object(&json, NULL);
	json_str(&json, "result", arc_result_name(c->result));
	json_str(&json, "reason", c->why != NULL ? c->why : "");
	json_num(&json, "instance", c->at);
	if (c->result == ARC_PASS)
		json_num(&json, "oldest_pass", c->oldest_pass);
	json_array(&json, "sets");
	for (unsigned i = c->n; i > 0; i--) {
		const struct arc_set *set = &c->sets[i - 1];

		json_object(&json, NULL);
		json_num(&json, "instance", i);
		json_slice(&json, "domain", set->seal.sig.d);
		json_slice(&json, "selector", set->seal.sig.s);
		json_slice(&json, "cv", set->seal.sig.cv);
		json_str(&json, "seal", seal_word(c, &set->seal));
		json_slice(&json, "results", slice_trim(set->results));
		json_object_end(&json);
	}
	json_array_end(&json);
	lookup_trace_json(j->lookup, &json, "lookups");
	json_object_end(&json);
	buf_addc(&out, '\n');
	judge_flush(&out);
}

int
cmd_explain_arc(struct setup *s, int argc, char **argv)
{
	static const struct judge_command c = { judge_chain, print_text,
		print_json };

	return judge_run(s, argc, argv, &c);
}
