/* Parameters of MAIL and RCPT. See params.h. */
#include "services/smtp/params.h"

#include "core/num.h"
#include "wire/queue.h"

#define MAX_ENVID 100 /* RFC 3461 4.4 */
#define MAX_ORCPT 500 /* RFC 3461 4.2 */

struct param {
	const char *name;
	enum params_of of;
	bool has_value;
	int (*take)(struct params *p, struct slice value);
	const char *bad; /* the reply when take refuses */
};

/* RFC 3461 4: xchar is any character from "!" to "~" but "+" and "=". */
static bool
is_xtext(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < '!' || c > '~' || c == '=')
			return false;
		if (c != '+')
			continue;
		/* hexchar: two digits, upper case. */
		if (s.n - i < 3 || ascii_hex(s.p[i + 1]) < 0 ||
		    ascii_hex(s.p[i + 2]) < 0 || s.p[i + 1] >= 'a' ||
		    s.p[i + 2] >= 'a')
			return false;
		i += 2;
	}
	return true;
}

static int
take_size(struct params *p, struct slice value)
{
	/* RFC 1870 4: up to 20 digits. A larger one is too large anyway. */
	if (value.n == 0 || value.n > 20)
		return -1;
	if (num_u64(value, UINT64_MAX, &p->size) == 0)
		return 0;
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_is_digit(value.p[i]))
			return -1;
	p->size = UINT64_MAX;
	return 0;
}

static int
take_body(struct params *p, struct slice value)
{
	p->body_8bit = slice_ieq(value, S("8BITMIME"));
	return p->body_8bit || slice_ieq(value, S("7BIT")) ? 0 : -1;
}

static int
take_smtputf8(struct params *p, struct slice value UNUSED)
{
	p->smtputf8 = true;
	return 0;
}

static int
take_ret(struct params *p, struct slice value)
{
	if (slice_ieq(value, S("FULL")))
		p->ret = S("FULL");
	else if (slice_ieq(value, S("HDRS")))
		p->ret = S("HDRS");
	else
		return -1;
	return 0;
}

static int
take_envid(struct params *p, struct slice value)
{
	p->envid = value;
	return value.n > 0 && value.n <= MAX_ENVID && is_xtext(value) ? 0 : -1;
}

/* RFC 4954 5: accepted and not used; nobody is trusted with it. */
static int
take_auth(struct params *p UNUSED, struct slice value)
{
	return value.n > 0 && is_xtext(value) ? 0 : -1;
}

static int
take_notify(struct params *p, struct slice value)
{
	static const struct {
		struct slice word;
		uint8_t bit;
	} words[] = {
		{ S("NEVER"), WIRE_NOTIFY_NEVER },
		{ S("SUCCESS"), WIRE_NOTIFY_SUCCESS },
		{ S("FAILURE"), WIRE_NOTIFY_FAILURE },
		{ S("DELAY"), WIRE_NOTIFY_DELAY },
	};
	struct slice word = S("");

	while (slice_split(&value, ',', &word)) {
		uint8_t bit = 0;

		for (size_t i = 0; i < LEN(words); i++)
			if (slice_ieq(word, words[i].word))
				bit = words[i].bit;
		if (bit == 0)
			return -1;
		p->notify |= bit;
	}
	/* RFC 3461 4.1: NEVER stands alone. */
	if ((p->notify & WIRE_NOTIFY_NEVER) && p->notify != WIRE_NOTIFY_NEVER)
		return -1;
	return p->notify != 0 ? 0 : -1;
}

static int
take_orcpt(struct params *p, struct slice value)
{
	struct slice rest = value, type = S("");

	if (value.n > MAX_ORCPT || slice_find(value, ';') < 1)
		return -1;
	slice_split(&rest, ';', &type);
	for (size_t i = 0; i < type.n; i++)
		if (!ascii_is_alnum(type.p[i]) && type.p[i] != '-')
			return -1;
	p->orcpt = value;
	return rest.n > 0 && is_xtext(rest) ? 0 : -1;
}

static const struct param table[] = {
	{ "SIZE", PARAMS_MAIL, true, take_size,
	    "501 5.5.4 Bad message size syntax" },
	{ "BODY", PARAMS_MAIL, true, take_body,
	    "501 5.5.4 Bad BODY parameter syntax" },
	{ "SMTPUTF8", PARAMS_MAIL, false, take_smtputf8,
	    "501 5.5.4 Bad SMTPUTF8 parameter syntax" },
	{ "RET", PARAMS_MAIL, true, take_ret,
	    "501 5.5.4 Bad RET parameter syntax" },
	{ "ENVID", PARAMS_MAIL, true, take_envid,
	    "501 5.5.4 Bad ENVID parameter syntax" },
	{ "AUTH", PARAMS_MAIL, true, take_auth,
	    "501 5.5.4 Bad AUTH parameter syntax" },
	{ "NOTIFY", PARAMS_RCPT, true, take_notify,
	    "501 5.5.4 Bad NOTIFY parameter syntax" },
	{ "ORCPT", PARAMS_RCPT, true, take_orcpt,
	    "501 5.5.4 Bad ORCPT parameter syntax" },
};

static int
take_one(struct params *p, enum params_of of, struct slice word,
    const char **why)
{
	struct slice value = word, name = S("");
	bool has_value = slice_find(word, '=') >= 0;

	slice_split(&value, '=', &name);
	for (size_t i = 0; i < LEN(table); i++) {
		const struct param *t = &table[i];

		if (t->of != of || !slice_ieq(name, slice_str(t->name)))
			continue;
		if (p->seen & 1u << i)
			return fail(why, "501 5.5.4 Parameter given twice");
		p->seen |= 1u << i;
		if (has_value != t->has_value || t->take(p, value) == -1)
			return fail(why, t->bad);
		return 0;
	}
	/* RFC 5321 4.1.1.11 */
	return fail(why, "555 5.5.4 Unsupported option");
}

int
params_parse(struct params *p, enum params_of of, struct slice text,
    const char **why)
{
	struct slice word = S("");

	memset(p, 0, sizeof(*p));
	if (text.n > 0 && text.p[0] != ' ')
		return fail(why, "501 5.5.4 Syntax error behind the address");
	while (slice_word(&text, &word))
		if (take_one(p, of, word, why) == -1)
			return -1;
	return 0;
}
