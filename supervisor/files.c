#include "supervisor/sup.h"

#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "conf/conf_accounts.h"
#include "conf/conf_dkim.h"
#include "conf/conf_load.h"
#include "conf/conf_quotas.h"
#include "conf/conf_scram.h"
#include "conf/conf_tls.h"
#include "conf/conf_virtual.h"
#include "core/file.h"
#include "core/log.h"
#include "wire/control.h"

#define SETTLE_MS 50 /* an editor's rename and write arrive together */
#define FILES_MAX 1000

/* A file that a service is given, and how it looked when it was sent. */
struct sup_file {
	struct list link;
	unsigned set;
	char *name;
	char *path;
	bool there;
	struct stat st;
	/* Not the file itself but what was found in it (acme.json); then it
	 * is the version that tells whether it changed. */
	const struct buf *text;
	unsigned version;
};

struct sup_files {
	struct sup *sup;
	struct list list;
	struct sup_acme acme;
	struct loop_timer *settle;
	struct loop_timer *poll_timer;
	struct loop_poll *watch;
	int inotify;
};

static void
file_free(struct sup_file *f)
{
	list_remove(&f->link);
	mem_free(f->name);
	mem_free(f->path);
	mem_free(f);
}

static void
log_problems(const struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->list[i].level == LOG_ERROR)
			log_error("config", "%s", p->list[i].text);
		else
			log_warn("config", "%s", p->list[i].text);
	}
}

static struct sup_file *
add(struct list *to, unsigned set, const char *name, const char *path)
{
	struct sup_file *f = mem_zero(sizeof(*f));

	f->set = set;
	f->name = mem_str(name);
	f->path = mem_str(path);
	f->there = stat(path, &f->st) == 0 && S_ISREG(f->st.st_mode);
	list_push(to, &f->link);
	return f;
}

static void
add_config(struct sup_files *fs, struct list *to, unsigned set,
    const char *name, const char *file)
{
	struct buf path = BUF_INIT(PATH_MAX);

	conf_config_path(&fs->sup->conf, file, &path);
	add(to, set, name, buf_str(&path));
	buf_release(&path);
}

static void
add_acme(struct sup_files *fs, struct list *to, const char *name,
    const struct buf *text)
{
	struct sup_file *f = add(to, SUP_FILES_TLS, name, "");

	f->there = true;
	f->text = text;
	f->version = fs->acme.version;
}

static void
add_tls(struct sup_files *fs, struct list *to)
{
	const char *ca = fs->sup->conf.client_ca_path;
	struct conf_problems p;
	struct conf_tls t;

	conf_problems_init(&p);
	conf_tls_init(&t);
	if (sup_acme_look(&fs->acme, &fs->sup->conf, &p)) {
		add_acme(fs, to, "tls-cert", &fs->acme.cert);
		add_acme(fs, to, "tls-key", &fs->acme.key);
	} else if (conf_tls_paths(&fs->sup->conf, &t, NULL) == 0) {
		/* A missing file was fatal at start; later it is a change to
		 * wait out. */
		add(to, SUP_FILES_TLS, "tls-cert", buf_str(&t.cert));
		add(to, SUP_FILES_TLS, "tls-key", buf_str(&t.key));
		add(to, SUP_FILES_TLS, "tls-alt-cert", buf_str(&t.alt_cert));
		add(to, SUP_FILES_TLS, "tls-alt-key", buf_str(&t.alt_key));
	}
	if (*ca != '\0')
		add(to, SUP_FILES_CLIENT_CA, "client-ca", ca);
	log_problems(&p);
	conf_problems_release(&p);
	conf_tls_release(&t);
}

/* A file of the config folder; what cannot be read is as good as empty. */
static bool
read_text(struct sup_files *fs, const char *file, struct buf *text)
{
	struct buf path = BUF_INIT(PATH_MAX);
	bool there;

	conf_config_path(&fs->sup->conf, file, &path);
	there = file_exists(buf_str(&path));
	if (there && file_read(buf_str(&path), text) == -1)
		buf_clear(text);
	buf_release(&path);
	return there;
}

/* The private keys that KeyTable names, or rspamd's file if that counts. */
static void
add_keys(struct sup_files *fs, struct list *to)
{
	struct buf table = BUF_INIT(LIMIT_CONFIG_FILE);
	struct buf rspamd = BUF_INIT(LIMIT_CONFIG_FILE);
	struct conf_dkim_files files = {
		.rspamd_first = fs->sup->conf.dkim_rspamd,
	};
	struct conf_dkim dkim;
	char name[512];

	files.has_key_table = read_text(fs, CONF_DKIM_KEY_TABLE, &table);
	files.key_table = buf_slice(&table);
	read_text(fs, CONF_DKIM_RSPAMD, &rspamd);
	files.rspamd = buf_slice(&rspamd);
	conf_dkim_init(&dkim);
	conf_dkim_parse(&dkim, fs->sup->conf.config_dir, &files, NULL);
	for (size_t i = 0; i < dkim.key_count && i < FILES_MAX; i++) {
		const struct conf_dkim_key *k = &dkim.keys[i];

		snprintf(name, sizeof(name), "key/%.*s/%.*s",
		    SLICE_ARG(k->domain), SLICE_ARG(k->selector));
		add(to, SUP_FILES_KEYS, name, k->path);
	}
	conf_dkim_release(&dkim);
	buf_release(&table);
	buf_release(&rspamd);
}

/* Everything as it is on disk now. */
static void
scan(struct sup_files *fs, struct list *to)
{
	list_init(to);
	add_config(fs, to, SUP_FILES_ACCOUNTS, "accounts", CONF_ACCOUNTS_FILE);
	add_config(fs, to, SUP_FILES_ACCOUNTS, "virtual", CONF_VIRTUAL_FILE);
	add_config(fs, to, SUP_FILES_ACCOUNTS, "quotas", CONF_QUOTAS_FILE);
	add_config(fs, to, SUP_FILES_ACCOUNTS, "masters", CONF_MASTERS_FILE);
	add_config(fs, to, SUP_FILES_ACCOUNTS, "scram", CONF_SCRAM_FILE);
	add_config(fs, to, SUP_FILES_TABLES, "dkim-keytable",
	    CONF_DKIM_KEY_TABLE);
	add_config(fs, to, SUP_FILES_TABLES, "dkim-signingtable",
	    CONF_DKIM_SIGNING_TABLE);
	add_config(fs, to, SUP_FILES_TABLES, "dkim-rspamd", CONF_DKIM_RSPAMD);
	add_keys(fs, to);
	add_tls(fs, to);
}

static bool
same(const struct sup_file *a, const struct sup_file *b)
{
	if (a->there != b->there || a->version != b->version ||
	    strcmp(a->path, b->path) != 0)
		return false;
	return !a->there || (a->st.st_ino == b->st.st_ino &&
	    a->st.st_size == b->st.st_size &&
	    a->st.st_mtim.tv_sec == b->st.st_mtim.tv_sec &&
	    a->st.st_mtim.tv_nsec == b->st.st_mtim.tv_nsec);
}

static struct sup_file *
find(struct list *in, const char *name)
{
	struct sup_file *f;

	LIST_EACH(f, in, struct sup_file, link) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

/* The sets with a file that is in a and not the same in b. */
static unsigned
changed(struct list *a, struct list *b)
{
	struct sup_file *f, *other;
	unsigned sets = 0;

	LIST_EACH(f, a, struct sup_file, link) {
		other = find(b, f->name);
		if (other == NULL || !same(f, other))
			sets |= f->set;
	}
	return sets;
}

static void
send_file(struct sup_child *c, const char *name, int fd)
{
	struct buf b = WIRE_BUF;

	wire_put_str(&b, name);
	(void)chan_send(c->control, WIRE_CONTROL_FILE, 0, buf_slice(&b), fd);
	buf_release(&b);
}

/* An unnamed file with that content; -1 if the system refuses. */
static int
text_fd(const char *name, const struct buf *text)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd != -1 && file_write_all(fd, text->p, text->n) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The addresses of the accounts file in an unnamed file, for a process that
 * has no business with the hashes. -1 if there is no usable file. */
static int
mailboxes_fd(struct sup_files *fs)
{
	struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct buf names = BUF_INIT(LIMIT_CONFIG_FILE);
	struct conf_accounts accounts;
	int fd = -1;

	conf_config_path(&fs->sup->conf, CONF_ACCOUNTS_FILE, &path);
	if (file_read(buf_str(&path), &text) == 0) {
		conf_accounts_init(&accounts);
		conf_accounts_parse(&accounts, CONF_ACCOUNTS_FILE,
		    buf_slice(&text), NULL);
		for (size_t i = 0; i < accounts.n; i++) {
			struct slice a = accounts.list[i].address;

			/* A mailbox's folder is in lower case. */
			for (size_t k = 0; k < a.n; k++)
				buf_addc(&names, ascii_lower(a.p[k]));
			buf_addc(&names, '\n');
		}
		conf_accounts_release(&accounts);
		fd = text_fd("mailboxes", &names);
	}
	buf_release(&path);
	buf_wipe(&text);
	buf_release(&names);
	return fd;
}

static void
give(struct sup_files *fs, struct sup_child *c, unsigned sets)
{
	struct sup_file *f;

	if (c->control == NULL)
		return;
	/* Who speaks TLS makes one context of both. */
	if (sets & SUP_FILES_CLIENT_CA)
		sets |= SUP_FILES_TLS;
	if (sets & SUP_FILES_TLS)
		sets |= SUP_FILES_CLIENT_CA;
	if ((sets & SUP_FILES_ACCOUNTS) && (c->row->files & SUP_FILES_MAILBOXES))
		send_file(c, "mailboxes", mailboxes_fd(fs));
	if ((sets & SUP_FILES_ACCOUNTS) &&
	    (c->row->files & SUP_FILES_MECHANISMS))
		send_file(c, "mechanisms", sup_scram_mechanisms(fs->sup));
	if (sets & c->row->files & SUP_FILES_KEYS)
		send_file(c, "key/", -1);
	LIST_EACH(f, &fs->list, struct sup_file, link) {
		int fd = -1;

		if (!(f->set & sets & c->row->files))
			continue;
		if (f->text != NULL)
			fd = text_fd(f->name, f->text);
		else if (f->there)
			fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (f->there && fd == -1)
			log_error("file-open", "path=%s error=\"%s\"",
			    f->path, strerror(errno));
		if (fd == -1 && f->set == SUP_FILES_KEYS)
			continue;
		send_file(c, f->name, fd);
	}
	if (sets & c->row->files & SUP_FILES_TLS)
		send_file(c, "tls", -1);
}

void
sup_files_give(struct sup_files *f, struct sup_child *c)
{
	give(f, c, c->row->files | SUP_FILES_ACCOUNTS);
}

/* True if the config volume can be used as it is now. */
static bool
valid(struct sup_files *fs)
{
	struct conf_problems p;
	bool ok;

	conf_problems_init(&p);
	ok = conf_check_files(&fs->sup->conf, &p) == 0;
	log_problems(&p);
	conf_problems_release(&p);
	return ok;
}

static bool
has_certificate(struct sup_files *fs)
{
	struct conf_problems p;
	struct conf_tls t;
	bool ok;

	conf_problems_init(&p);
	conf_tls_init(&t);
	ok = sup_acme_look(&fs->acme, &fs->sup->conf, &p) ||
	    conf_tls_paths(&fs->sup->conf, &t, &p) == 0;
	ok &= conf_tls_client_ca(&fs->sup->conf, &p) == 0;
	log_problems(&p);
	conf_problems_release(&p);
	conf_tls_release(&t);
	return ok;
}

static void
watch_folder(struct sup_files *fs, const char *path)
{
	/* Fails for folders that do not exist; the poll finds those. */
	if (fs->inotify != -1)
		(void)inotify_add_watch(fs->inotify, path, IN_CLOSE_WRITE |
		    IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
		    IN_ATTRIB | IN_ONLYDIR);
}

static void
watch_parent(struct sup_files *fs, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (slash == NULL || slash == path)
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	watch_folder(fs, dir);
}

static void
watch_all(struct sup_files *fs)
{
	struct buf path = BUF_INIT(PATH_MAX);
	struct sup_file *f;

	watch_folder(fs, fs->sup->conf.config_dir);
	LIST_EACH(f, &fs->list, struct sup_file, link)
		watch_parent(fs, f->path);
	if (conf_tls_acme_path(&fs->sup->conf, &path))
		watch_parent(fs, buf_str(&path));
	buf_release(&path);
}

void
sup_files_check(struct sup_files *fs)
{
	struct list now;
	struct sup_file *f;
	const unsigned tls = SUP_FILES_TLS | SUP_FILES_CLIENT_CA;
	unsigned sets;
	bool ok = true;

	scan(fs, &now);
	sets = changed(&now, &fs->list) | changed(&fs->list, &now);
	if (sets != 0) {
		if (sets & ~tls)
			ok = valid(fs);
		log_info("config-change", "accounts=%d dkim=%d tls=%d%s",
		    (sets & SUP_FILES_ACCOUNTS) != 0,
		    (sets & (SUP_FILES_TABLES | SUP_FILES_KEYS)) != 0,
		    (sets & tls) != 0,
		    ok ? "" : " effect=\"the previous configuration stays\"");
	}
	/* Also a refused state is remembered: it is reported once. */
	LIST_EACH(f, &fs->list, struct sup_file, link)
		file_free(f);
	while ((f = LIST_FIRST(&now, struct sup_file, link)) != NULL) {
		list_remove(&f->link);
		list_push(&fs->list, &f->link);
	}
	if (sets == 0)
		return;
	watch_all(fs);
	if (sets & SUP_FILES_TABLES)
		sup_retire_look(fs->sup->retire);
	if (!ok)
		sets &= tls;
	for (size_t i = 0; i < fs->sup->count; i++)
		give(fs, &fs->sup->children[i], sets);
}

static void
on_check(void *arg)
{
	sup_files_check(arg);
}

static void
on_notify(void *arg, int events UNUSED)
{
	struct sup_files *fs = arg;
	char bytes[4096];
	ssize_t n;

	do {
		n = read(fs->inotify, bytes, sizeof(bytes));
	} while (n > 0);
	loop_timer_start(fs->settle, SETTLE_MS, 0);
}

struct sup_files *
sup_files_new(struct sup *s)
{
	struct sup_files *fs = mem_zero(sizeof(*fs));

	fs->sup = s;
	sup_acme_init(&fs->acme);
	if (!valid(fs) || !has_certificate(fs)) {
		mem_free(fs);
		return NULL;
	}
	scan(fs, &fs->list);
	fs->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fs->inotify != -1) {
		fs->watch = loop_poll_new(s->loop, fs->inotify, on_notify, fs);
		loop_poll_set(fs->watch, LOOP_READ);
	}
	fs->settle = loop_timer_new(s->loop, on_check, fs);
	/* inotify says nothing on network file systems and some bind mounts. */
	fs->poll_timer = loop_timer_new(s->loop, on_check, fs);
	loop_timer_start(fs->poll_timer, s->conf.config_poll * 1000,
	    s->conf.config_poll * 1000);
	watch_all(fs);
	return fs;
}
