/* Choosing keys. See choose.h. */
#include "services/dkim/choose.h"

#include "mail/addr.h"

static bool
is_listed(const struct chosen_key *list, size_t n,
    const struct conf_dkim_key *key)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(list[i].selector, key->selector) &&
		    slice_starts(list[i].name, key->domain) &&
		    list[i].name.n == key->domain.n + 1 + key->selector.n)
			return true;
	return false;
}

size_t
choose_keys(const struct dkim *d, struct slice address, struct arena *arena,
    struct chosen_key list[LIMIT_DKIM_KEYS])
{
	const struct conf_dkim *t = &d->tables;
	const struct conf_dkim_rule *first = conf_dkim_match(t, address);
	size_t n = 0;

	if (first == NULL)
		return 0;
	for (size_t i = (size_t)(first - t->rules); i < t->rule_count; i++) {
		const struct conf_dkim_key *key = t->rules[i].key;
		struct chosen_key *k = &list[n];

		if (!slice_ieq(t->rules[i].pattern, first->pattern) ||
		    is_listed(list, n, key) || n == LIMIT_DKIM_KEYS)
			continue;
		k->name = slice_str(arena_printf(arena, "%.*s/%.*s",
		    SLICE_ARG(key->domain), SLICE_ARG(key->selector)));
		k->domain = arena_slice(arena, slice_eq(key->domain, S("%")) ?
		    addr_domain_of(address) : key->domain);
		k->selector = arena_slice(arena, key->selector);
		n++;
	}
	return n;
}
