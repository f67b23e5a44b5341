#include "setup/dkim_files.h"

#include <sys/stat.h>

#include "conf/conf_dkim.h"
#include "conf/conf_load.h"
#include "core/file.h"
#include "core/now.h"
#include "setup/dkim_key.h"

void
dkim_files_give_away(const struct setup *s, const char *dir, const char *path)
{
	struct buf of = BUF_INIT(8192);
	struct stat st;

	conf_config_path(&s->conf, dir, &of);
	if (geteuid() == 0 && stat(buf_str(&of), &st) == 0 &&
	    lchown(path, st.st_uid, st.st_gid) == -1)
		say(s, LOG_WARN, "%s: %s", path, strerror(errno));
	buf_release(&of);
}

int
dkim_files_make_dir(const struct setup *s, const char *dir, const char *path)
{
	if (file_exists(path))
		return 0;
	if (file_make_dirs(path, 0755) == -1)
		return say_abort(s, "%s: %s", path, strerror(errno));
	dkim_files_give_away(s, dir, path);
	return 0;
}

int
dkim_files_write(const struct setup *s, const char *dir, const char *path,
    const struct buf *text, mode_t mode)
{
	if (file_replace(path, buf_slice(text), mode) == -1)
		return say_abort(s, "%s: %s", path, strerror(errno));
	dkim_files_give_away(s, dir, path);
	return 0;
}

void
dkim_files_private(const struct setup *s, struct slice domain,
    struct slice selector, struct buf *out)
{
	conf_config_path(&s->conf, CONF_DKIM_DIR "/keys", out);
	buf_addf(out, "/%.*s/%.*s.private", SLICE_ARG(domain),
	    SLICE_ARG(selector));
}

int
dkim_files_make(const struct setup *s, struct slice domain,
    struct slice selector, bool ed25519, unsigned bits)
{
	struct buf dir = BUF_INIT(8192), path = BUF_INIT(8192);
	struct buf text = BUF_INIT(16384), record = BUF_INIT(16384);
	struct buf owner = BUF_INIT(512);
	EVP_PKEY *key = dkim_key_new(ed25519, bits);
	int status = 1;

	conf_config_path(&s->conf, CONF_DKIM_DIR "/keys", &dir);
	dkim_files_private(s, domain, selector, &path);
	buf_addf(&owner, "%.*s._domainkey", SLICE_ARG(selector));
	if (key == NULL || dkim_key_private(key, &text) == -1 ||
	    dkim_key_record(key, buf_slice(&owner), selector, domain,
	    &record) == -1) {
		say_abort(s, "Creating keys failed");
		goto out;
	}
	if (dkim_files_make_dir(s, CONF_DKIM_DIR, buf_str(&dir)) != 0)
		goto out;
	buf_addf(&dir, "/%.*s", SLICE_ARG(domain));
	if (dkim_files_make_dir(s, CONF_DKIM_DIR, buf_str(&dir)) != 0)
		goto out;
	/* The record first: a private key means that all of it is there. */
	buf_addf(&dir, "/%.*s.txt", SLICE_ARG(selector));
	if (dkim_files_write(s, CONF_DKIM_DIR, buf_str(&dir), &record,
	    0600) == 0 && dkim_files_write(s, CONF_DKIM_DIR, buf_str(&path),
	    &text, 0600) == 0)
		status = 0;
out:
	EVP_PKEY_free(key);
	buf_release(&dir);
	buf_release(&path);
	buf_wipe(&text);
	buf_release(&record);
	buf_release(&owner);
	return status;
}

/* One file of the pair; one that is not there is as good as away. */
static int
put_away(const struct setup *s, const char *path, const char *suffix,
    bool purge)
{
	struct buf to = BUF_INIT(8192);
	int r;

	buf_addf(&to, "%s%s", path, suffix);
	r = purge ? unlink(path) : rename(path, buf_str(&to));
	if (r == -1 && errno == ENOENT)
		r = 0;
	if (r == -1)
		say_abort(s, "%s: %s", path, strerror(errno));
	buf_release(&to);
	return r == 0 ? 0 : 1;
}

int
dkim_files_put_away(const struct setup *s, const char *path, bool purge,
    struct buf *kept)
{
	struct slice base = slice_str(path);
	struct buf record = BUF_INIT(8192);
	int64_t now = now_wall();
	char suffix[64];
	struct tm tm;
	int status;

	gmtime_r(&(time_t){ now }, &tm);
	strftime(suffix, sizeof(suffix), ".removed-%Y%m%dT%H%M%SZ", &tm);
	if (!purge && file_exists(path))
		buf_addf(kept, "%s%s", path, suffix);
	status = put_away(s, path, suffix, purge);
	if (status == 0 && slice_iends(base, S(".private"))) {
		base.n -= sizeof(".private") - 1;
		buf_addf(&record, "%.*s.txt", SLICE_ARG(base));
		status = put_away(s, buf_str(&record), suffix, purge);
	}
	buf_release(&record);
	return status;
}
