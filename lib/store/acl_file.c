/* The text of a dovecot-acl file: reading, judging, editing. No disk here. */
#include "store/acl.h"

#include "core/limits.h"
#include "mail/nfc.h"

/* Dovecot's order, and its names behind ":". */
static const struct {
	char letter;
	unsigned right;
	const char *name;
} rights_table[] = {
	{ 'l', ACL_LOOKUP, "lookup" },
	{ 'r', ACL_READ, "read" },
	{ 'w', ACL_WRITE, "write" },
	{ 's', ACL_WRITE_SEEN, "write-seen" },
	{ 't', ACL_WRITE_DELETED, "write-deleted" },
	{ 'i', ACL_INSERT, "insert" },
	{ 'p', ACL_POST, "post" },
	{ 'e', ACL_EXPUNGE, "expunge" },
	{ 'k', ACL_CREATE, "create" },
	{ 'x', ACL_DELETE, "delete" },
	{ 'a', ACL_ADMIN, "admin" },
};

/* "user=" and the like; those without "=" have no name. */
static const char *const kinds[ACL_KINDS] = {
	[ACL_ANYONE] = "anyone",
	[ACL_AUTHENTICATED] = "authenticated",
	[ACL_GROUP] = "group=",
	[ACL_OWNER] = "owner",
	[ACL_USER] = "user=",
	[ACL_GROUP_OVERRIDE] = "group-override=",
};

/* ---- letters -------------------------------------------------------------- */

static unsigned
right_of(char letter, bool obsolete)
{
	for (size_t i = 0; i < LEN(rights_table); i++)
		if (rights_table[i].letter == letter)
			return rights_table[i].right;
	if (obsolete && letter == 'c')
		return ACL_CREATE | ACL_DELETE;
	if (obsolete && letter == 'd')
		return ACL_EXPUNGE | ACL_WRITE_DELETED;
	return 0;
}

int
acl_rights_parse(struct slice letters, bool obsolete, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < letters.n; i++) {
		unsigned right = right_of(letters.p[i], obsolete);

		if (right == 0)
			return -1;
		*out |= right;
	}
	return 0;
}

void
acl_rights_put(struct buf *out, unsigned rights, bool obsolete)
{
	for (size_t i = 0; i < LEN(rights_table); i++)
		if ((rights & rights_table[i].right) != 0)
			buf_addc(out, rights_table[i].letter);
	if (obsolete && (rights & (ACL_CREATE | ACL_DELETE)) != 0)
		buf_addc(out, 'c');
	if (obsolete && (rights & (ACL_EXPUNGE | ACL_WRITE_DELETED)) != 0)
		buf_addc(out, 'd');
}

/* " lookup read": a name that we don't know gives nothing, as in Dovecot. */
static unsigned
named_rights(struct slice names)
{
	unsigned rights = 0;
	struct slice word;

	while (slice_word(&names, &word))
		for (size_t i = 0; i < LEN(rights_table); i++)
			if (slice_eq(word, slice_str(rights_table[i].name)))
				rights |= rights_table[i].right;
	return rights;
}

/* ---- identifiers ---------------------------------------------------------- */

bool
acl_name_is_valid(struct slice name)
{
	if (name.n == 0 || name.n > LIMIT_ADDRESS || !slice_is_utf8(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
			return false;
	return true;
}

bool
acl_id_eq(const struct acl_id *a, const struct acl_id *b)
{
	return a->kind == b->kind && a->negative == b->negative &&
	    slice_ieq(a->name, b->name);
}

static bool
id_parse(struct slice text, struct acl_id *out)
{
	*out = (struct acl_id){ .negative = slice_starts(text, S("-")) };
	if (out->negative)
		text = slice_from(text, 1);
	for (size_t i = 0; i < ACL_KINDS; i++) {
		struct slice kind = slice_str(kinds[i]);
		bool named = slice_ends(kind, S("="));

		if (named ? !slice_starts(text, kind) : !slice_eq(text, kind))
			continue;
		out->kind = (enum acl_kind)i;
		if (named)
			out->name = slice_from(text, kind.n);
		return !named || acl_name_is_valid(out->name);
	}
	return false;
}

enum acl_id_result
acl_id_read(struct slice said, struct buf *name, struct acl_id *id)
{
	static const enum acl_kind words[] = { ACL_ANYONE, ACL_AUTHENTICATED,
		ACL_OWNER };

	*id = (struct acl_id){ .kind = ACL_USER,
		.negative = slice_starts(said, S("-")) };
	if (id->negative)
		said = slice_from(said, 1);
	if (!acl_name_is_valid(said))
		return ACL_ID_MALFORMED;
	nfc_put(name, said);
	for (size_t i = 0; i < name->n; i++)
		name->p[i] = ascii_lower(name->p[i]);
	id->name = buf_slice(name);
	for (size_t i = 0; i < LEN(words); i++) {
		if (!slice_eq(id->name, slice_str(kinds[words[i]])))
			continue;
		id->kind = words[i];
		id->name = S("");
		return ACL_ID_KNOWN;
	}
	return slice_find(id->name, '@') > 0 && acl_name_is_valid(id->name) ?
	    ACL_ID_KNOWN : ACL_ID_UNKNOWN;
}

void
acl_id_say(struct buf *out, const struct acl_id *id)
{
	if (id->negative)
		buf_addc(out, '-');
	if (id->kind != ACL_USER)
		buf_adds(out, kinds[id->kind]);
	buf_add_slice(out, id->name);
}

/* In quotes if it has a blank. */
static void
id_put(struct buf *out, const struct acl_id *id)
{
	bool quoted = slice_find(id->name, ' ') >= 0;

	if (quoted)
		buf_addc(out, '"');
	if (id->negative)
		buf_addc(out, '-');
	buf_adds(out, kinds[id->kind]);
	for (size_t i = 0; i < id->name.n; i++) {
		char c = id->name.p[i];

		if (quoted && (c == '"' || c == '\\'))
			buf_addc(out, '\\');
		buf_addc(out, c);
	}
	if (quoted)
		buf_addc(out, '"');
}

/* ---- lines ---------------------------------------------------------------- */

/* Takes "..." off line, without its backslashes; false if it does not end. */
static bool
take_quoted(struct arena *a, struct slice *line, struct slice *out)
{
	char *text = arena_alloc(a, line->n + 1);
	size_t n = 0, i = 1;

	for (; i < line->n && line->p[i] != '"'; i++) {
		if (line->p[i] == '\\' && ++i == line->n)
			return false;
		text[n++] = line->p[i];
	}
	if (i >= line->n)
		return false;
	*out = slice_of(text, n);
	*line = slice_from(*line, i + 1);
	return true;
}

static bool
is_remark(struct slice line)
{
	return line.n == 0 || line.p[0] == '#';
}

/* "<id> [<letters>] [:<names>]" */
static bool
line_parse(struct arena *a, struct slice line, struct acl_entry *out)
{
	struct slice rest = line, id, letters;
	ssize_t colon;

	*out = (struct acl_entry){ .line = line };
	if (slice_starts(rest, S("\""))) {
		if (!take_quoted(a, &rest, &id))
			return false;
		if (rest.n > 0 && rest.p[0] != ' ')
			return false;
		rest = slice_from(rest, 1);
	} else {
		slice_split(&rest, ' ', &id);
	}
	if (!id_parse(id, &out->id))
		return false;
	colon = slice_find(rest, ':');
	letters = slice_trim(colon < 0 ? rest :
	    slice_head(rest, (size_t)colon));
	if (acl_rights_parse(letters, false, &out->rights) == -1)
		return false;
	if (colon >= 0)
		out->rights |= named_rights(slice_from(rest,
		    (size_t)colon + 1));
	return true;
}

bool
acl_parse(struct acl *a, struct slice text)
{
	struct slice line;
	size_t most = 1;

	*a = (struct acl){ 0 };
	text = arena_slice(&a->arena, text);
	for (size_t i = 0; i < text.n && most < LIMIT_ACL_ENTRIES; i++)
		most += text.p[i] == '\n';
	a->entries = arena_array(&a->arena, most, sizeof(*a->entries));
	while (!a->damaged && slice_line(&text, &line)) {
		if (is_remark(line))
			continue;
		if (a->n == LIMIT_ACL_ENTRIES ||
		    !line_parse(&a->arena, line, &a->entries[a->n]))
			a->damaged = true;
		else
			a->n++;
	}
	return !a->damaged;
}

void
acl_release(struct acl *a)
{
	arena_release(&a->arena);
	*a = (struct acl){ 0 };
}

/* ---- judging -------------------------------------------------------------- */

static bool
applies(const struct acl_id *id, struct slice owner, struct slice user)
{
	switch (id->kind) {
	case ACL_ANYONE:
	case ACL_AUTHENTICATED:
		return true;
	case ACL_OWNER:
		return slice_eq(owner, user);
	case ACL_USER:
		return slice_ieq(id->name, user);
	default:
		return false;
	}
}

unsigned
acl_rights(const struct acl *a, struct slice owner, struct slice user)
{
	bool own = slice_eq(owner, user);
	unsigned rights = 0;

	if (a->damaged)
		return own ? ACL_ALL : 0;
	for (int kind = 0; kind < ACL_KINDS; kind++) {
		unsigned given = 0, taken = 0;
		bool said = false;

		for (size_t i = 0; i < a->n; i++) {
			const struct acl_entry *e = &a->entries[i];

			if ((int)e->id.kind != kind ||
			    !applies(&e->id, owner, user))
				continue;
			if (e->id.negative)
				taken |= e->rights;
			else
				given |= e->rights;
			said = said || !e->id.negative;
		}
		if (kind == ACL_OWNER && own && !said)
			rights = ACL_ALL;
		else if (said)
			rights = given;
		rights &= ~taken;
	}
	/* Nobody locks himself out. */
	return own ? rights | ACL_LOOKUP | ACL_ADMIN : rights;
}

/* ---- editing -------------------------------------------------------------- */

void
acl_edit(struct slice text, const struct acl_id *id, unsigned rights,
    bool remove, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	struct acl_entry e;
	struct slice line;

	while (slice_line(&text, &line)) {
		if (!is_remark(line) && line_parse(&arena, line, &e) &&
		    acl_id_eq(&e.id, id))
			continue;
		buf_add_slice(out, line);
		buf_addc(out, '\n');
	}
	if (!remove) {
		id_put(out, id);
		buf_addc(out, ' ');
		acl_rights_put(out, rights, false);
		buf_addc(out, '\n');
	}
	arena_release(&arena);
}
