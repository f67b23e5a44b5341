#include "conf/conf_quotas.h"

#include "conf/conf_accounts.h"
#include "conf/conf_lines.h"
#include "core/num.h"

void
conf_quotas_init(struct conf_quotas *q)
{
	map_init(&q->by_address);
}

void
conf_quotas_release(struct conf_quotas *q)
{
	map_release(&q->by_address, mem_free);
}

/* The power of 1024 that a letter stands for; 0 for no unit at all. */
static uint64_t
unit_of(char letter)
{
	static const char letters[] = "BkMGT";
	const char *at = letter != '\0' ? strchr(letters, letter) : NULL;

	return at != NULL ? (uint64_t)1 << (10 * (at - letters)) : 0;
}

int
conf_quota_size(struct slice text, uint64_t *bytes)
{
	uint64_t unit, n;

	*bytes = 0;
	if (slice_eq(text, S("0")))
		return 0;
	if (text.n < 2)
		return -1;
	unit = unit_of(text.p[text.n - 1]);
	text.n--;
	if (unit == 0 || num_u64(text, INT64_MAX / unit, &n) == -1)
		return -1;
	*bytes = n * unit;
	return 0;
}

int
conf_quotas_parse(struct conf_quotas *q, const char *path, struct slice text,
    struct conf_problems *problems)
{
	struct conf_lines lines;
	struct slice line;
	bool ok = true;

	conf_lines_init(&lines, path, text, problems);
	while (conf_lines_next(&lines, &line)) {
		char key[LIMIT_ADDRESS];
		struct slice address;
		struct conf_quota *quota;
		uint64_t bytes;
		ssize_t colon;

		line = slice_trim(line);
		colon = slice_rfind(line, ':');
		address = slice_trim(slice_head(line,
		    colon < 0 ? 0 : (size_t)colon));
		if (!conf_is_mailbox(address) || conf_quota_size(
		    slice_trim(slice_from(line, (size_t)colon + 1)),
		    &bytes) == -1) {
			ok = false;
			conf_problem_at(problems, LOG_ERROR, path, lines.line,
			    0, "'%.*s' is not user@domain:SIZE, with a size "
			    "such as 10M (B, k, M, G or T) or 0",
			    SLICE_ARG(slice_head(line, 100)));
			continue;
		}
		address = conf_fold(address, key);
		if (map_get(&q->by_address, address) != NULL) {
			conf_problem_at(problems, LOG_WARN, path, lines.line,
			    0, "'%.*s' has a quota already; the first counts",
			    SLICE_ARG(address));
			continue;
		}
		quota = mem_zero(sizeof(*quota));
		quota->bytes = bytes;
		map_put(&q->by_address, address, quota);
	}
	return ok && !lines.bad ? 0 : -1;
}

const struct conf_quota *
conf_quotas_find(const struct conf_quotas *q, struct slice address)
{
	char key[LIMIT_ADDRESS];

	return map_get(&q->by_address, conf_fold(address, key));
}

/*
 * Dovecot's rule "*:storage=5G:messages=1000". A number of storage without a
 * unit is in KiB there. Rules for single folders and relative ones ("+10%")
 * are not ours to follow.
 */
static bool
rule_parse(struct slice rule, struct conf_quota *out)
{
	struct slice part, number;
	bool any = false;
	uint64_t n;

	if (!slice_split(&rule, ':', &part) || !slice_eq(part, S("*")))
		return false;
	while (slice_split(&rule, ':', &part)) {
		ssize_t eq = slice_find(part, '=');
		bool storage = slice_istarts(part, S("storage="));

		if (eq < 0)
			continue;
		number = slice_from(part, (size_t)eq + 1);
		if (slice_istarts(part, S("messages=")) &&
		    num_u64(number, UINT32_MAX, &n) == 0)
			out->messages = n;
		else if ((storage || slice_istarts(part, S("bytes="))) &&
		    num_u64(number, INT64_MAX >> 10, &n) == 0)
			out->bytes = storage ? n << 10 : n;
		else if (storage || slice_istarts(part, S("bytes="))) {
			if (conf_quota_size(number, &n) == -1)
				continue;
			out->bytes = n;
		} else
			continue;
		any = true;
	}
	return any;
}

struct conf_quota
conf_quota_of(const struct conf *c, const struct conf_quotas *q,
    struct slice address, struct slice extra)
{
	/* docker-mailserver's own arithmetic (dms-compat 2.2). */
	struct conf_quota out = {
		.bytes = (c->mailbox_size_limit / 1000000) << 20,
		.messages = c->quota_messages,
	};
	const struct conf_quota *line = conf_quotas_find(q, address);
	struct slice key, value;

	if (!c->enable_quotas || c->smtp_only)
		return (struct conf_quota){ 0 };
	while (conf_account_field(&extra, &key, &value))
		if (slice_eq(key, S("userdb_quota_rule")) ||
		    slice_eq(key, S("quota_rule")))
			(void)rule_parse(value, &out);
	if (line != NULL)
		out.bytes = line->bytes;
	return out;
}
