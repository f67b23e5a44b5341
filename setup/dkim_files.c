#include "setup/dkim_files.h"

#include <sys/stat.h>

#include "conf/conf_dkim.h"
#include "conf/conf_load.h"
#include "core/file.h"
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
