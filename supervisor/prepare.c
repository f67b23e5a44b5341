#include "supervisor/sup.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>

#include "conf/conf_load.h"
#include "conf/conf_quotas.h"
#include "core/file.h"
#include "core/log.h"

#define CHOWN_DEPTH 3 /* dms-compat 1.3: how deep a wrong owner is looked for */

const char *
sup_path_spool(const struct sup *s, struct buf *out)
{
	buf_clear(out);
	buf_addf(out, "%s/spool", s->conf.state_dir);
	return buf_str(out);
}

const char *
sup_path_reports(const struct sup *s, struct buf *out)
{
	buf_clear(out);
	buf_addf(out, "%s/reports", s->conf.state_dir);
	return buf_str(out);
}

const char *
sup_path_empty(const struct sup *s, struct buf *out)
{
	buf_clear(out);
	buf_addf(out, "%s/empty", s->conf.run_dir);
	return buf_str(out);
}

const char *
sup_path_tls(const struct sup *s, const char *file, struct buf *out)
{
	buf_clear(out);
	buf_addf(out, "%s/tls/%s", s->conf.state_dir, file);
	return buf_str(out);
}

static int
folder(const struct sup *s, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	if (file_make_dirs(path, 0755) == -1 || stat(path, &st) == -1)
		goto fault;
	/* A folder that is right already is not touched: it may be mounted
	 * read-only, or be somebody's own. */
	if (s->drops && (st.st_uid != uid || st.st_gid != gid) &&
	    chown(path, uid, gid) == -1)
		goto fault;
	if ((st.st_mode & 07777) != mode && chmod(path, mode) == -1)
		goto fault;
	return 0;
fault:
	log_error("folder", "path=%s error=\"%s\"", path, strerror(errno));
	return -1;
}

/* nftw has no argument for its callback. */
static struct {
	uid_t uid;
	gid_t gid;
	bool wrong;
} owner;

static int
look_at(const char *path UNUSED, const struct stat *st, int kind UNUSED,
    struct FTW *at)
{
	if (at->level > CHOWN_DEPTH)
		return 0;
	if (st->st_uid != owner.uid || st->st_gid != owner.gid) {
		owner.wrong = true;
		return 1;
	}
	return 0;
}

static int
give_to(const char *path, const struct stat *st, int kind UNUSED,
    struct FTW *at UNUSED)
{
	if (st->st_uid == owner.uid && st->st_gid == owner.gid)
		return 0;
	return lchown(path, owner.uid, owner.gid) == -1 ? -1 : 0;
}

/* A volume from another image, or a changed DMS_VMAIL_UID. */
static int
own_mail(const struct sup *s)
{
	if (!s->drops)
		return 0;
	owner.uid = (uid_t)s->conf.vmail_uid;
	owner.gid = (gid_t)s->conf.vmail_gid;
	owner.wrong = false;
	nftw(s->conf.mail_dir, look_at, 16, FTW_PHYS);
	if (!owner.wrong)
		return 0;
	log_info("mail-owner", "path=%s uid=%u gid=%u", s->conf.mail_dir,
	    (unsigned)owner.uid, (unsigned)owner.gid);
	if (nftw(s->conf.mail_dir, give_to, 16, FTW_PHYS) != 0) {
		log_error("mail-owner", "Failed to fix %s permissions: %s",
		    s->conf.mail_dir, strerror(errno));
		return -1;
	}
	return 0;
}

/* Runs setup for what only needs doing once, so that PID 1 links no crypto. */
static int
run_setup(const struct sup *s, const char *a, const char *b, const char *c,
    const char *d)
{
	char path[PATH_MAX];
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "%s/setup", s->bin_dir);
	pid = fork();
	if (pid == 0) {
		dup2(sup_output_fd(), 1);
		dup2(sup_output_fd(), 2);
		execl(path, "setup", a, b, c, d, (char *)NULL);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int
own_certificate(const struct sup *s)
{
	struct buf dir = BUF_INIT(PATH_MAX), cert = BUF_INIT(PATH_MAX);
	int r = 0;

	if (s->conf.ssl_type != CONF_SSL_EMPTY)
		return 0;
	buf_addf(&dir, "%s/tls", s->conf.state_dir);
	if (!file_exists(sup_path_tls(s, "cert.pem", &cert))) {
		log_warn("certificate", "SSL_TYPE is empty: using a "
		    "self-signed certificate, and passwords only over TLS. "
		    "Set SSL_TYPE for a real one. path=%s", buf_str(&cert));
		r = folder(s, buf_str(&dir), 0755, 0, 0);
		if (r == 0)
			r = run_setup(s, "tls", "selfsign", buf_str(&dir),
			    s->conf.hostname);
		if (r == -1)
			log_error("certificate", "path=%s could not be made",
			    buf_str(&cert));
	}
	buf_release(&dir);
	buf_release(&cert);
	return r;
}

/* docker-mailserver makes it empty (dms-compat 3.5); a folder that cannot be
 * written is fine. */
static void
own_quotas(const struct sup *s)
{
	struct buf path = BUF_INIT(PATH_MAX);
	int fd = -1;

	conf_config_path(&s->conf, CONF_QUOTAS_FILE, &path);
	if (s->conf.enable_quotas && !s->conf.smtp_only)
		fd = open(buf_str(&path), O_WRONLY | O_CREAT | O_EXCL |
		    O_CLOEXEC, 0644);
	if (fd != -1)
		close(fd);
	buf_release(&path);
}

int
sup_prepare(struct sup *s)
{
	struct buf path = BUF_INIT(PATH_MAX);
	int r = 0;

	if (folder(s, s->conf.run_dir, 0755, 0, 0) == -1 ||
	    folder(s, sup_path_empty(s, &path), 0755, 0, 0) == -1 ||
	    folder(s, s->conf.state_dir, 0755, 0, 0) == -1 ||
	    folder(s, sup_path_spool(s, &path), 0700, SUP_USER_QUEUE,
	    SUP_USER_QUEUE) == -1 ||
	    folder(s, sup_path_reports(s, &path), 0700, SUP_USER_REPORTS,
	    SUP_USER_REPORTS) == -1 ||
	    folder(s, s->conf.mail_dir, 0755, (uid_t)s->conf.vmail_uid,
	    (gid_t)s->conf.vmail_gid) == -1 ||
	    own_mail(s) == -1 || own_certificate(s) == -1)
		r = -1;
	own_quotas(s);
	buf_release(&path);
	return r;
}
