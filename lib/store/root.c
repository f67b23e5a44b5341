/*
 * The store itself: its configuration, handles on users, what a user has
 * stored. Databases are lent by pool.c.
 */
#include "store/gather.h"
#include "store/pool.h"

#include "core/file.h"
#include "store/acl_store.h"

static const struct store_special default_special[] = {
	{ "Drafts", "\\Drafts", true },
	{ "Junk", "\\Junk", true },
	{ "Trash", "\\Trash", true },
	{ "Sent", "\\Sent", true },
};

static char *
read_boot_id(void)
{
	struct buf b = BUF_INIT(128);
	char *id;

	if (file_read("/proc/sys/kernel/random/boot_id", &b) == -1)
		buf_clear(&b);
	/* "" is the mark of a mailbox that was never read. */
	if (b.n == 0)
		buf_adds(&b, "unknown");
	id = slice_dup(slice_trim(buf_slice(&b)));
	buf_release(&b);
	return id;
}

/* What may not be in a file name, or would end the base name, becomes "_". */
static char *
clean_hostname(const char *given)
{
	char name[128] = "";
	char *out;

	if (given != NULL)
		snprintf(name, sizeof(name), "%s", given);
	else if (gethostname(name, sizeof(name) - 1) == -1)
		name[0] = '\0';
	name[64] = '\0';
	if (name[0] == '\0')
		snprintf(name, sizeof(name), "mail");
	out = mem_str(name);
	for (char *p = out; *p != '\0'; p++)
		if (!ascii_is_alnum(*p) && *p != '.' && *p != '-')
			*p = '_';
	return out;
}

struct store *
store_open_root(const struct store_config *conf, const char **why)
{
	const struct store_special *special = conf->special;
	size_t n = conf->n_special;
	struct store *s;

	if (conf->mailroot == NULL || strlen(conf->mailroot) > 1024) {
		fail(why, "no usable mail root");
		return NULL;
	}
	if (special == NULL) {
		special = default_special;
		n = LEN(default_special);
	}
	if (!objectid_init()) {
		fail(why, "libsodium cannot start");
		return NULL;
	}
	s = mem_zero(sizeof(*s));
	s->conf = *conf;
	if (s->conf.max_open == 0)
		s->conf.max_open = 192;
	if (s->conf.idle_ms == 0)
		s->conf.idle_ms = 10000;
	if (s->conf.adopt_batch == 0)
		s->conf.adopt_batch = 100000;
	s->mailroot = mem_str(conf->mailroot);
	s->hostname = clean_hostname(conf->hostname);
	s->boot_id = conf->boot_id != NULL ? mem_str(conf->boot_id) :
	    read_boot_id();
	s->special = mem_array(n + 1, sizeof(*s->special));
	for (size_t i = 0; i < n; i++)
		s->special[i] = (struct store_special){
			mem_str(special[i].name), mem_str(special[i].use),
			special[i].automatic,
		};
	s->conf.n_special = n;
	pool_init(s);
	gather_init(s);
	dirsync_init(&s->dirsync);
	acl_init(s);
	return s;
}

void
store_close_root(struct store *s)
{
	if (s == NULL)
		return;
	gather_stop(s);
	pool_release(s);
	dirsync_release(&s->dirsync);
	acl_end(s);
	for (size_t i = 0; i < s->conf.n_special; i++) {
		mem_free((char *)(uintptr_t)s->special[i].name);
		mem_free((char *)(uintptr_t)s->special[i].use);
	}
	mem_free(s->special);
	mem_free(s->mailroot);
	mem_free(s->hostname);
	mem_free(s->boot_id);
	mem_free(s);
}

/* ---- users --------------------------------------------------------------- */

static bool
path_part_is_valid(struct slice part)
{
	if (part.n == 0 || part.n > 255 || part.p[0] == '.')
		return false;
	for (size_t i = 0; i < part.n; i++)
		if (part.p[i] == '/' || (unsigned char)part.p[i] < 0x20 ||
		    part.p[i] == 0x7f)
			return false;
	return true;
}

enum store_err
store_user_open(struct store *s, struct slice address,
    struct store_user **out)
{
	ssize_t at = slice_rfind(address, '@');
	struct slice local, domain;
	struct store_user *u;
	struct buf path = BUF_INIT(2048);

	if (at < 0)
		return STORE_NAME;
	local = slice_head(address, (size_t)at);
	domain = slice_from(address, (size_t)at + 1);
	if (!path_part_is_valid(local) || !path_part_is_valid(domain))
		return STORE_NAME;
	buf_addf(&path, "%s/%.*s/%.*s", s->mailroot, SLICE_ARG(domain),
	    SLICE_ARG(local));
	u = mem_zero(sizeof(*u));
	u->store = s;
	u->address = slice_dup(address);
	u->root = buf_take(&path);
	*out = u;
	return STORE_OK;
}

void
store_user_close(struct store_user *u)
{
	if (u == NULL)
		return;
	mem_free(u->address);
	mem_free(u->root);
	mem_free(u);
}

const char *
store_user_address(const struct store_user *u)
{
	return u->address;
}

const char *
store_user_path(const struct store_user *u)
{
	return u->root;
}

enum store_err
store_usage(struct store_user *u, struct store_usage *out)
{
	struct index *ix;
	enum store_err err = index_take(u, &ix);
	sqlite3_stmt *st;

	if (err != STORE_OK)
		return err;
	st = index_query(ix, SQL_USAGE, "");
	if (index_step(ix, st, &err) > 0) {
		out->bytes = (uint64_t)sqlite3_column_int64(st, 0);
		out->messages = (uint64_t)sqlite3_column_int64(st, 1);
		index_done(st);
	}
	index_give(u, ix);
	return err;
}
