#include "setup/judge.h"

#include "core/now.h"
#include "setup/message.h"

int
judge_open(const struct setup *s, struct judge *j)
{
	const char *why = "";

	dkim_verify_init(&j->v);
	j->lookup = lookup_new(&s->conf, j->dns, &why);
	if (j->lookup == NULL)
		return j->dns != NULL ?
		    explain_misuse(s, "--dns %s: %s", j->dns, why) :
		    say_abort(s, "The DNS cannot be asked: %s", why);
	j->v.fd = message_open(j->file, &j->v.size);
	if (j->v.fd == -1)
		return EXPLAIN_MISUSE;
	j->v.authserv_id = S("localhost");
	j->v.now = now_wall();
	dkim_verify_read(&j->v);
	return j->v.error == 0 ? 0 :
	    say_abort(s, "%s: %s", j->file, strerror(j->v.error));
}

void
judge_release(struct judge *j)
{
	lookup_free(j->lookup);
	dkim_verify_release(&j->v);
}

int
judge_run(const struct setup *s, int argc, char **argv,
    const struct judge_command *c)
{
	struct judge j = { 0 };
	const struct explain_option options[] = {
		{ "dns", &j.dns, NULL },
		{ "json", NULL, &j.json },
	};
	int r;

	r = explain_options(s, argc, argv, options, LEN(options), &j.file, 1);
	if (r == -1)
		return EXPLAIN_MISUSE;
	if (r == 0)
		return explain_misuse(s, "which file?");
	r = judge_open(s, &j);
	if (r == 0) {
		c->judge(&j);
		(j.json ? c->print_json : c->print_text)(&j);
	}
	judge_release(&j);
	return r;
}

void
judge_signatures(struct judge *j)
{
	for (size_t i = 0; i < j->v.n; i++) {
		struct dkim_verified *s = &j->v.list[i];
		struct buf name = BUF_INIT(1024);

		if (s->result != DKIM_NEEDS_KEY)
			continue;
		if (dkim_verify_key_name(s, &name) == -1)
			dkim_verify_no_key(s, false, "bad domain name");
		else
			dkim_verify_answer(s, lookup_name(j->lookup,
			    buf_slice(&name), DNS_TXT));
		buf_release(&name);
	}
}

void
judge_chain(struct judge *j)
{
	struct dns_question q;

	while (arc_step(&j->v.arc, &q) == MSGAUTH_ASK)
		arc_answer(&j->v.arc, lookup_ask(j->lookup, &q));
}

void
judge_flush(struct buf *out)
{
	fwrite(buf_str(out), 1, out->n, stdout);
	buf_release(out);
}

void
judge_print_lookups(const struct judge *j)
{
	struct buf out = BUF_INIT(LIMIT_CONFIG_FILE);

	lookup_trace(j->lookup, &out);
	puts(out.n > 0 ? "Lookups:" : "Lookups:  none");
	judge_flush(&out);
}

void
judge_print(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c != 0x7f)
			putchar(c);
		else if (c != '\r' && c != '\n')
			putchar(' ');
	}
}

static void
print_tag(const char *name, struct slice value)
{
	printf(" %s=", name);
	judge_print(value.n > 0 ? value : S("?"));
}

void
judge_print_signature(const char *head, const struct dkim_verified *s)
{
	fputs(head, stdout);
	print_tag("d", s->sig.d);
	print_tag("s", s->sig.s);
	print_tag("a", s->sig.a);
	if (s->result == DKIM_PASS)
		puts(": it is what the owner of that key signed");
	else
		printf(": %s\n", s->why);
}

void
judge_put_signature(struct json *out, const char *key,
    const struct dkim_verified *s)
{
	json_object(out, key);
	json_str(out, "result", dkim_result_name(s->result));
	json_slice(out, "domain", s->sig.d);
	json_slice(out, "selector", s->sig.s);
	json_slice(out, "algorithm", s->sig.a);
	json_str(out, "reason", s->result == DKIM_PASS ? "" : s->why);
	json_object_end(out);
}
