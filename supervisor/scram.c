/*
 * SCRAM: which of its mechanisms the fronts are to offer, and the verifiers
 * that auth makes at logins, which it cannot write itself.
 */
#include "supervisor/sup.h"

#include <sys/mman.h>

#include <limits.h>

#include "conf/conf_load.h"
#include "conf/conf_scram.h"
#include "core/file.h"
#include "core/log.h"

#define WRITE_MS 500 /* many first logins come together after a migration */
#define WAITING_MAX 1048576

struct sup_scram {
	struct sup *sup;
	struct loop_timer *timer;
	struct buf waiting; /* lines to write */
};

static int
read_file(const struct sup *s, const char *file, struct buf *text)
{
	struct buf path = BUF_INIT(PATH_MAX);
	int r;

	conf_config_path(&s->conf, file, &path);
	r = file_read(buf_str(&path), text);
	buf_release(&path);
	return r;
}

/* --- what is offered ------------------------------------------------------ */

static void
add_covered(const struct sup *s, struct buf *out)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct conf_accounts accounts, masters;
	struct conf_scram scram;

	conf_accounts_init(&accounts);
	conf_accounts_init(&masters);
	conf_scram_init(&scram);
	if (read_file(s, CONF_ACCOUNTS_FILE, &text) == 0)
		conf_accounts_parse(&accounts, CONF_ACCOUNTS_FILE,
		    buf_slice(&text), NULL);
	buf_clear(&text);
	if (read_file(s, CONF_MASTERS_FILE, &text) == 0)
		conf_masters_parse(&masters, CONF_MASTERS_FILE,
		    buf_slice(&text), NULL);
	buf_clear(&text);
	if (read_file(s, CONF_SCRAM_FILE, &text) == 0)
		conf_scram_parse(&scram, CONF_SCRAM_FILE, buf_slice(&text),
		    NULL);
	for (unsigned i = 0; i < SCRAM_HASHES; i++)
		if (s->conf.scram == CONF_SCRAM_ALWAYS ||
		    conf_scram_covers(&scram, &accounts, &masters, i))
			buf_addf(out, "%s\n", scram_hash_name(i));
	conf_scram_release(&scram);
	conf_accounts_release(&accounts);
	conf_accounts_release(&masters);
	buf_wipe(&text);
}

int
sup_scram_mechanisms(const struct sup *s)
{
	struct buf text = BUF_INIT(1024);
	int fd = memfd_create("mechanisms", MFD_CLOEXEC);

	if (s->conf.scram != CONF_SCRAM_NEVER)
		add_covered(s, &text);
	if (fd != -1 && file_write_all(fd, text.p, text.n) == -1) {
		close(fd);
		fd = -1;
	}
	buf_release(&text);
	return fd;
}

/* --- what logins taught us ------------------------------------------------ */

static int
write_lines(struct sup_scram *w)
{
	struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct slice rest = buf_slice(&w->waiting), line;
	int r = 0;

	conf_config_path(&w->sup->conf, CONF_SCRAM_FILE, &path);
	if (file_read(buf_str(&path), &text) == -1 && errno != ENOENT) {
		r = -1;
	} else {
		while (slice_line(&rest, &line)) {
			struct slice of = line, name;

			slice_split(&of, '|', &name);
			conf_scram_put(&text, name, line);
		}
		if (!buf_ok(&text))
			errno = EFBIG;
		r = !buf_ok(&text) ? -1 :
		    file_replace(buf_str(&path), buf_slice(&text), 0600);
	}
	if (r == -1)
		log_warn("scram-not-kept", "path=%s error=\"%s\"",
		    buf_str(&path), strerror(errno));
	buf_wipe(&text);
	buf_release(&path);
	return r;
}

static void
on_write(void *arg)
{
	struct sup_scram *w = arg;
	int lock = conf_lock(&w->sup->conf, false);

	if (lock == -1) {
		loop_timer_start(w->timer, WRITE_MS, 0);
		return;
	}
	/* What cannot be written is dropped: the next login brings it again. */
	if (write_lines(w) == 0)
		log_info("scram-kept", "bytes=%zu", w->waiting.n);
	buf_wipe(&w->waiting);
	buf_init(&w->waiting, WAITING_MAX);
	close(lock);
}

struct sup_scram *
sup_scram_new(struct sup *s)
{
	struct sup_scram *w = mem_zero(sizeof(*w));

	w->sup = s;
	w->timer = loop_timer_new(s->loop, on_write, w);
	buf_init(&w->waiting, WAITING_MAX);
	return w;
}

/* The line comes from a process with fewer rights: it has to be one of the
 * file, and for that name. */
static bool
is_sound(struct slice name, struct slice line)
{
	struct conf_problems problems;
	struct slice rest = line, first = S("");
	struct conf_scram scram;
	bool ok;

	slice_split(&rest, '|', &first);
	conf_problems_init(&problems);
	conf_scram_init(&scram);
	conf_scram_parse(&scram, CONF_SCRAM_FILE, line, &problems);
	ok = slice_eq(first, name) && name.n > 0 &&
	    slice_find(line, '\n') < 0 && problems.n == 0 &&
	    scram.by_name.count == 1;
	conf_scram_release(&scram);
	conf_problems_release(&problems);
	return ok;
}

int
sup_scram_learn(struct sup_scram *w, struct slice name, struct slice line)
{
	if (!is_sound(name, line))
		return -1;
	if (w->waiting.n == 0)
		loop_timer_start(w->timer, WRITE_MS, 0);
	/* What has no room comes with a later login. */
	if (w->waiting.n + line.n + 1 <= WAITING_MAX) {
		buf_add_slice(&w->waiting, line);
		buf_addc(&w->waiting, '\n');
	}
	return 0;
}
