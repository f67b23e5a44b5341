/*
 * LIST and LSUB (RFC 3501 6.3.8, 6.3.9) with LIST-EXTENDED (RFC 5258),
 * SPECIAL-USE (RFC 6154), CHILDREN (RFC 3348), LIST-STATUS (RFC 5819),
 * LIST-METADATA (RFC 9590) and LIST-MYRIGHTS (RFC 8440). All names are read at
 * once, then told one by one: STATUS of many mailboxes takes its time.
 */
#include "core/map.h"
#include "services/imap/box.h"
#include "services/imap/list.h"
#include "services/imap/metadata.h"
#include "services/imap/name.h"
#include "services/imap/pattern.h"
#include "services/imap/session.h"
#include "services/imap/status.h"

enum {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2, /* we have none */
	SELECT_RECURSIVE = 4,
	SELECT_SPECIAL = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32, /* told anyway */
	RETURN_SPECIAL = 64,  /* told anyway */
	RETURN_STATUS = 128,
	RETURN_METADATA = 256,
	RETURN_MYRIGHTS = 512,
};

struct list_cmd {
	struct command *c;
	struct slice *patterns;
	size_t n_patterns;
	struct slice reference;
	unsigned options;
	unsigned status; /* items of RETURN (STATUS ...) */
	struct entry_list metadata; /* of RETURN (METADATA ...) */
	bool extended;
	bool lsub;
	bool loaded;
	struct store_list list;
	struct map parents; /* of subscribed names: to RECURSIVEMATCH, LSUB */
	size_t at;
	enum store_err err;
};

static void
list_release(void *state)
{
	struct list_cmd *l = state;

	store_list_release(&l->list);
	map_release(&l->parents, NULL);
}

static bool
matches(const struct list_cmd *l, struct slice name)
{
	struct buf utf8 = BUF_INIT(LIMIT_MAILBOX_NAME * 2);
	char separator = box_separator(name);
	bool found = false;

	/* A pattern of UTF-8 is compared with the name as it is told. */
	if (l->c->session->utf8 && slice_find(name, '&') != -1) {
		name_decode(&utf8, name);
		name = buf_slice(&utf8);
	}
	for (size_t i = 0; !found && i < l->n_patterns; i++)
		found = pattern_matches(l->patterns[i], name, separator);
	buf_release(&utf8);
	return found;
}

/* Notes every level above a subscribed name. */
static void
add_parents(struct list_cmd *l, struct slice name)
{
	char separator = box_separator(name);
	ssize_t dot;

	while ((dot = slice_rfind(name, separator)) > 0) {
		name = slice_head(name, (size_t)dot);
		if (map_put(&l->parents, name, l) != NULL)
			return; /* and so are those above it */
	}
}

/* True if a pattern can match names in the other namespaces. */
static bool
reaches_others(const struct list_cmd *l)
{
	for (size_t i = 0; i < l->n_patterns; i++)
		if (pattern_reaches(l->patterns[i], S(BOX_OTHERS)) ||
		    pattern_reaches(l->patterns[i], S(BOX_SHARED)))
			return true;
	return false;
}

static enum store_err
load(struct list_cmd *l)
{
	enum store_err err = store_list(l->c->session->store, &l->list);

	l->loaded = true;
	if (err == STORE_OK && reaches_others(l))
		err = box_list(l->c, &l->list);
	if (err != STORE_OK)
		return err;
	for (size_t i = 0; i < l->list.n; i++) {
		struct slice name = slice_str(l->list.entries[i].name);

		/* Children that are told need not be hinted at. */
		if ((l->list.entries[i].attributes & STORE_SUBSCRIBED) != 0 &&
		    !matches(l, name))
			add_parents(l, name);
	}
	return STORE_OK;
}

static void
write_name(struct list_cmd *l, const struct store_list_entry *e,
    bool child_subscribed)
{
	struct buf *out = &l->c->out;
	const struct session *s = l->c->session;
	struct list_form form = {
		.lsub = l->lsub,
		.nonexistent = l->extended || s->rev2,
		.subscribed =
		    (l->options & (SELECT_SUBSCRIBED | RETURN_SUBSCRIBED)) != 0,
		.utf8 = s->utf8,
	};

	list_put(out, e, &form);
	if (child_subscribed)
		buf_adds(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	buf_adds(out, "\r\n");
}

/*
 * LSUB "%" shows the parents of what is subscribed below (RFC 3501 6.3.9);
 * LIST with RECURSIVEMATCH does it with CHILDINFO (RFC 5258 3.5).
 */
static void
write_parents(struct list_cmd *l, struct slice name)
{
	char separator = box_separator(name);
	struct slice parent = name;
	ssize_t dot;

	while ((dot = slice_rfind(parent, separator)) > 0) {
		struct store_list_entry e = {
			.attributes = STORE_NOSELECT | STORE_HASCHILDREN |
			    (separator == '/' ? BOX_OTHER : 0),
		};

		parent = slice_head(parent, (size_t)dot);
		if (map_get(&l->parents, parent) == NULL)
			continue; /* told, or a mailbox of its own */
		map_remove(&l->parents, parent);
		if (!matches(l, parent))
			continue;
		e.name = arena_dup(&l->c->arena, parent);
		write_name(l, &e, !l->lsub);
	}
}

static bool
is_wanted(const struct list_cmd *l, const struct store_list_entry *e,
    bool child_subscribed)
{
	bool special = (l->options & SELECT_SPECIAL) != 0;
	bool subscribed = (l->options & SELECT_SUBSCRIBED) != 0;

	if (special && e->special_use == NULL)
		return false;
	if (!subscribed)
		/* A name that is only subscribed is no mailbox. */
		return (e->attributes & STORE_NOSELECT) == 0 ||
		    (e->attributes & STORE_HASCHILDREN) != 0;
	return (e->attributes & STORE_SUBSCRIBED) != 0 || child_subscribed;
}

/* One that fails is left out (RFC 5819 section 2). */
static void
write_more(struct list_cmd *l, struct slice name)
{
	struct metadata_question q = { .entries = &l->metadata,
		.max = UINT32_MAX };

	if ((l->options & RETURN_STATUS) != 0)
		(void)status_write(l->c, name, l->status);
	if ((l->options & RETURN_METADATA) != 0)
		(void)metadata_tell(l->c, name, &q);
	if ((l->options & RETURN_MYRIGHTS) != 0)
		(void)myrights_write(l->c, name);
}

static void
write_entry(struct list_cmd *l, const struct store_list_entry *e)
{
	struct slice name = slice_str(e->name);
	bool parents = l->lsub || (l->options & SELECT_RECURSIVE) != 0;
	bool child = parents && map_get(&l->parents, name) != NULL;

	if (matches(l, name) && is_wanted(l, e, child)) {
		struct store_list_entry told = *e;

		if (l->lsub && (e->attributes & STORE_SUBSCRIBED) == 0)
			told.attributes |= STORE_NOSELECT;
		map_remove(&l->parents, name);
		write_name(l, &told, child && !l->lsub);
		if ((e->attributes & STORE_NOSELECT) == 0)
			write_more(l, name);
	} else if (parents && (e->attributes & STORE_SUBSCRIBED) != 0) {
		write_parents(l, name);
	}
}

static enum step
list_step(struct command *c)
{
	struct list_cmd *l = c->state;

	if (!l->loaded)
		l->err = load(l);
	while (l->err == STORE_OK && l->at < l->list.n) {
		write_entry(l, &l->list.entries[l->at++]);
		if (command_should_yield(c))
			return STEP_MORE;
	}
	command_refresh(c, true, false);
	if (l->err != STORE_OK)
		command_failed(c, l->err);
	else
		command_completed(c);
	return STEP_DONE;
}

/* ---- syntax --------------------------------------------------------------- */

struct option {
	const char *name;
	unsigned bit;
};

static const struct option selections[] = {
	{ "SUBSCRIBED", SELECT_SUBSCRIBED },
	{ "REMOTE", SELECT_REMOTE },
	{ "RECURSIVEMATCH", SELECT_RECURSIVE },
	{ "SPECIAL-USE", SELECT_SPECIAL },
};

static const struct option returns[] = {
	{ "SUBSCRIBED", RETURN_SUBSCRIBED },
	{ "CHILDREN", RETURN_CHILDREN },
	{ "SPECIAL-USE", RETURN_SPECIAL },
	{ "STATUS", RETURN_STATUS },
	{ "METADATA", RETURN_METADATA },
	{ "MYRIGHTS", RETURN_MYRIGHTS },
};

/* Behind "(": options up to ")". */
static int
parse_options(struct parser *p, const struct option *known, size_t n,
    struct list_cmd *l)
{
	if (parse_try(p, ')'))
		return 0;
	do {
		struct slice name;
		size_t i = 0;

		if (parse_atom(p, &name) == -1)
			return -1;
		while (i < n && !slice_ieq(name, slice_str(known[i].name)))
			i++;
		if (i == n)
			return parse_fail(p, "Unknown LIST option");
		l->options |= known[i].bit;
		if (known[i].bit == RETURN_STATUS &&
		    (parse_sp(p) == -1 || status_parse(p, &l->status) == -1))
			return -1;
		if (known[i].bit == RETURN_METADATA && (parse_sp(p) == -1 ||
		    metadata_parse_entries(p, &l->metadata) == -1))
			return -1;
	} while (parse_try(p, ' '));
	return parse_char(p, ')');
}

static int
parse_patterns(struct parser *p, struct slice reference, struct list_cmd *l)
{
	bool many = parse_try(p, '(');
	struct slice pattern;

	l->patterns = arena_array(p->arena, many ? LIMIT_IMAP_PATTERNS : 1,
	    sizeof(*l->patterns));
	l->extended = l->extended || many;
	do {
		if (l->n_patterns == LIMIT_IMAP_PATTERNS)
			return parse_fail(p, "Too many patterns");
		if (parse_list_mailbox(p, &pattern) == -1)
			return -1;
		l->patterns[l->n_patterns++] =
		    pattern_make(p->arena, reference, pattern);
	} while (many && parse_try(p, ' '));
	if (many)
		return parse_char(p, ')');
	/* LIST ref "" asks for the separator (RFC 3501 6.3.8). */
	if (pattern.n == 0)
		l->n_patterns = 0;
	return 0;
}

static int
parse_list(struct parser *p, struct list_cmd *l)
{
	struct slice reference;

	if (parse_sp(p) == -1)
		return -1;
	if (!l->lsub && parse_try(p, '(')) {
		l->extended = true;
		if (parse_options(p, selections, LEN(selections), l) == -1 ||
		    parse_sp(p) == -1)
			return -1;
	}
	if (parse_reference(p, &reference) == -1 || parse_sp(p) == -1)
		return -1;
	l->reference = reference;
	if (parse_patterns(p, reference, l) == -1)
		return -1;
	if (!l->lsub && parse_try(p, ' ')) {
		l->extended = true;
		if (!parse_word(p, S("RETURN")) || parse_sp(p) == -1 ||
		    parse_char(p, '(') == -1)
			return parse_fail(p, "Expected RETURN (");
		if (parse_options(p, returns, LEN(returns), l) == -1)
			return -1;
	}
	/* RFC 5258 section 3.1: it changes what another option selects. */
	if ((l->options & SELECT_RECURSIVE) != 0 &&
	    (l->options & (SELECT_SUBSCRIBED | SELECT_SPECIAL)) == 0)
		return parse_fail(p, "RECURSIVEMATCH without another option");
	return parse_end(p);
}

/* The root of the namespace that the reference is in, and its separator. */
static void
tell_root(const struct list_cmd *l)
{
	struct slice shared = slice_str(l->c->session->worker->conf.shared);
	struct slice root = S("");

	if (slice_starts(l->reference, S(BOX_OTHERS)))
		root = S(BOX_OTHERS);
	else if (shared.n > 0 && slice_starts(l->reference, S(BOX_SHARED)))
		root = S(BOX_SHARED);
	buf_addf(&l->c->out, "* %s (\\Noselect) \"%s\" \"%.*s\"\r\n",
	    l->lsub ? "LSUB" : "LIST", root.n > 0 ? "/" : ".",
	    SLICE_ARG(root));
}

static enum verdict
list_or_lsub(struct command *c, bool lsub)
{
	struct list_cmd *l = COMMAND_STATE(c, struct list_cmd);

	l->c = c;
	l->lsub = lsub;
	map_init(&l->parents);
	c->release = list_release;
	if (parse_list(&c->p, l) == -1)
		return CMD_BAD;
	if (lsub)
		l->options |= SELECT_SUBSCRIBED;
	if (l->n_patterns == 0) {
		tell_root(l);
		command_completed(c);
		return CMD_DONE;
	}
	if (status_has_modseq(l->status) &&
	    (l->options & RETURN_STATUS) != 0)
		command_enable_condstore(c);
	c->step = list_step;
	return CMD_WORK;
}

enum verdict
cmd_list(struct command *c)
{
	return list_or_lsub(c, false);
}

enum verdict
cmd_lsub(struct command *c)
{
	return list_or_lsub(c, true);
}
