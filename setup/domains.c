#include "setup/domains.h"

#include <idn2.h>

#include "conf/conf_accounts.h"
#include "conf/conf_virtual.h"
#include "setup/table.h"

/* Appends the name in A-labels (RFC 5891 4), as the DNS has it. */
static int
to_ascii(struct slice name, struct buf *out)
{
	char *text, *ascii = NULL;
	int r;

	if (slice_is_ascii(name)) {
		buf_add_slice(out, name);
		return 0;
	}
	text = slice_dup(name);
	r = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT |
	    IDN2_NONTRANSITIONAL);
	if (r == IDN2_OK)
		buf_adds(out, ascii);
	idn2_free(ascii);
	mem_free(text);
	return r == IDN2_OK ? 0 : -1;
}

/* -1 if it is no domain. */
static int
add(struct domains *d, struct slice name)
{
	struct buf ascii = BUF_INIT(LIMIT_DOMAIN);
	char *copy;

	if (to_ascii(name, &ascii) == -1 || !buf_ok(&ascii) ||
	    !conf_is_host(buf_slice(&ascii))) {
		buf_release(&ascii);
		return -1;
	}
	name = buf_slice(&ascii);
	copy = arena_dup(&d->arena, name);
	for (size_t i = 0; i < name.n; i++)
		copy[i] = ascii_lower(copy[i]);
	if ((d->n & (d->n - 1)) == 0)
		d->list = mem_grow(d->list, d->n == 0 ? 1 : d->n * 2,
		    sizeof(d->list[0]));
	d->list[d->n++] = slice_of(copy, name.n);
	buf_release(&ascii);
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static void
sort(struct domains *d)
{
	size_t kept = 0;

	if (d->n == 0)
		return;
	qsort(d->list, d->n, sizeof(d->list[0]), compare);
	for (size_t i = 1; i < d->n; i++)
		if (!slice_eq(d->list[i], d->list[kept]))
			d->list[++kept] = d->list[i];
	d->n = kept + 1;
}

static int
load_accounts(const struct setup *s, struct domains *d)
{
	struct conf_accounts accounts;
	struct table t;
	int r = table_open(s, &t, CONF_ACCOUNTS_FILE, false);

	conf_accounts_init(&accounts);
	if (r == 0)
		conf_accounts_parse(&accounts, buf_str(&t.path),
		    buf_slice(&t.text), NULL);
	for (size_t i = 0; i < accounts.n; i++)
		(void)add(d, accounts.list[i].domain);
	conf_accounts_release(&accounts);
	table_close(&t);
	return r;
}

static int
load_virtual(const struct setup *s, struct domains *d)
{
	struct conf_virtual virtual;
	struct table t;
	int r = table_open(s, &t, CONF_VIRTUAL_FILE, false);

	conf_virtual_init(&virtual);
	if (r == 0)
		conf_virtual_parse(&virtual, buf_str(&t.path),
		    buf_slice(&t.text), NULL);
	for (size_t i = 0; i < virtual.n; i++) {
		ssize_t at = slice_rfind(virtual.list[i].key, '@');

		if (at >= 0)
			(void)add(d, slice_from(virtual.list[i].key,
			    (size_t)at + 1));
	}
	conf_virtual_release(&virtual);
	table_close(&t);
	return r;
}

int
domains_load(const struct setup *s, struct domains *d)
{
	*d = (struct domains){ 0 };
	if (load_accounts(s, d) == -1 || load_virtual(s, d) == -1)
		return -1;
	sort(d);
	return 0;
}

int
domains_parse(const struct setup *s, struct domains *d, const char *list)
{
	struct slice rest = slice_str(list), name;

	*d = (struct domains){ 0 };
	while (slice_split(&rest, ',', &name)) {
		name = slice_trim(name);
		if (name.n == 0)
			continue;
		if (add(d, name) == -1) {
			say_abort(s, "'%.*s' is not a domain", SLICE_ARG(name));
			return -1;
		}
	}
	sort(d);
	return 0;
}

void
domains_release(struct domains *d)
{
	mem_free(d->list);
	arena_release(&d->arena);
	*d = (struct domains){ 0 };
}

bool
domains_is_below(struct slice a, struct slice b)
{
	return a.n > b.n + 1 && slice_iends(a, b) &&
	    a.p[a.n - b.n - 1] == '.';
}
