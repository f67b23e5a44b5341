/* Header fields by name. See fields.h. */
#include "msgauth/fields.h"

#include "core/limits.h"
#include "msgauth/canon.h"

/* No longer name is looked for; RFC 5322 lines are shorter. */
#define NAME_MAX_BYTES 998

static struct slice
fold(struct slice name, char key[NAME_MAX_BYTES])
{
	if (name.n > NAME_MAX_BYTES)
		return S("");
	for (size_t i = 0; i < name.n; i++)
		key[i] = ascii_lower(name.p[i]);
	return slice_of(key, name.n);
}

/* Ordinary messages have some dozen fields. */
static void
make_room(struct fields *f)
{
	size_t n = f->room > 0 ? f->room * 2 : 32;

	f->list = mem_grow(f->list, n, sizeof(f->list[0]));
	f->above = mem_grow(f->above, n, sizeof(f->above[0]));
	f->slot = mem_grow(f->slot, n, sizeof(f->slot[0]));
	f->last = mem_grow(f->last, n, sizeof(f->last[0]));
	f->room = n;
}

static void
add(struct fields *f, const struct header_field *h, struct slice key)
{
	uintptr_t slot = (uintptr_t)map_get(&f->names, key);

	if (f->n == f->room)
		make_room(f);
	if (slot == 0) {
		slot = ++f->slots;
		map_put(&f->names, key, (void *)slot);
		f->last[slot - 1] = 0;
	}
	f->list[f->n] = *h;
	f->slot[f->n] = slot - 1;
	f->above[f->n] = f->last[slot - 1];
	f->last[slot - 1] = ++f->n;
}

void
fields_init(struct fields *f, struct slice header)
{
	struct header_iter it = header_begin(header);
	struct header_field h;

	*f = (struct fields){ .header = header };
	map_init(&f->names);
	while (header_next(&it, &h)) {
		char key[NAME_MAX_BYTES];
		struct slice name = fold(h.name, key);

		if (name.n > 0)
			add(f, &h, name);
	}
	f->cut_off = it.fields > LIMIT_HEADER_FIELDS;
}

void
fields_release(struct fields *f)
{
	map_release(&f->names, NULL);
	mem_free(f->list);
	mem_free(f->above);
	mem_free(f->slot);
	mem_free(f->last);
	*f = (struct fields){ 0 };
}

struct slice
fields_raw(const struct fields *f, const struct header_field *h)
{
	struct slice s = slice_of(f->header.p + h->start, h->end - h->start);

	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

size_t
fields_count(const struct fields *f, struct slice name)
{
	char key[NAME_MAX_BYTES];
	uintptr_t slot = (uintptr_t)map_get(&f->names, fold(name, key));
	size_t count = 0;

	if (slot == 0)
		return 0;
	for (size_t i = f->last[slot - 1]; i != 0; i = f->above[i - 1])
		count++;
	return count;
}

void
fields_select(const struct fields *f, struct slice h, bool relaxed,
    struct buf *out)
{
	size_t *next = mem_array(f->slots + 1, sizeof(next[0]));
	struct slice name;

	for (size_t i = 0; i < f->slots; i++)
		next[i] = f->last[i];
	while (slice_split(&h, ':', &name)) {
		char key[NAME_MAX_BYTES];
		uintptr_t slot;
		size_t i;

		name = fold(slice_trim(name), key);
		slot = (uintptr_t)map_get(&f->names, name);
		/* A name with no field (left) adds nothing: that is how a
		 * signer forbids another From. */
		if (slot == 0 || next[slot - 1] == 0)
			continue;
		i = next[slot - 1] - 1;
		next[slot - 1] = f->above[i];
		canon_field(out, relaxed, fields_raw(f, &f->list[i]));
		buf_adds(out, "\r\n");
	}
	mem_free(next);
}
