#include "setup/owner.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <grp.h>
#include <time.h>

#include "core/file.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Gives up root for good. -1 with errno set. */
static int
become_owner(const struct conf *conf)
{
	gid_t gid = (gid_t)conf->vmail_gid;
	uid_t uid = (uid_t)conf->vmail_uid;

	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return -1;
	if (setuid(0) == 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/* A mail folder that nobody made yet is the owner's. */
static int
make_mail_dir(const struct conf *conf)
{
	if (file_exists(conf->mail_dir))
		return 0;
	if (file_make_dirs(conf->mail_dir, 0755) == -1)
		return -1;
	return geteuid() == 0 ? chown(conf->mail_dir,
	    (uid_t)conf->vmail_uid, (gid_t)conf->vmail_gid) : 0;
}

static int
enter(struct owner *o, const struct conf *conf)
{
	o->mail_dir = conf->mail_dir;
	if (make_mail_dir(conf) == -1)
		return -1;
	if (geteuid() != 0)
		return 0;
	/* What the C library loads late, it must load now. */
	tzset();
	/* Without the right to chroot, the owner's rights must do. */
	if (chroot(conf->mail_dir) == 0) {
		o->mail_dir = "";
		if (chdir("/") == -1)
			return -1;
	}
	return become_owner(conf);
}

static int
child(const struct setup *s, int sock, int (*fn)(struct owner *o, void *ctx),
    void *ctx)
{
	struct buf boot_id = BUF_INIT(128);
	struct files files = { .sock = sock };
	struct owner o = { .setup = s, .files = sock != -1 ? &files : NULL };
	struct store_config conf = { 0 };
	const char *why = "";
	int status;

	if (file_read(BOOT_ID, &boot_id) == -1)
		buf_adds(&boot_id, "unknown");
	buf_truncate(&boot_id, slice_trim(buf_slice(&boot_id)).n);
	if (enter(&o, &s->conf) == -1)
		return say_abort(s, "%s: %s", s->conf.mail_dir,
		    strerror(errno));
	umask(077);
	conf.mailroot = o.mail_dir;
	conf.boot_id = buf_str(&boot_id);
	if (*s->conf.override_hostname != '\0')
		conf.hostname = s->conf.override_hostname;
	o.store = store_open_root(&conf, &why);
	if (o.store == NULL)
		return say_abort(s, "%s: %s", s->conf.mail_dir, why);
	status = fn(&o, ctx);
	store_close_root(o.store);
	buf_release(&boot_id);
	return fflush(stdout) == 0 ? status : 1;
}

int
owner_run(const struct setup *s, const char *outside, bool write,
    int (*fn)(struct owner *o, void *ctx), void *ctx)
{
	int socks[2] = { -1, -1 }, status;
	int root = -1;
	pid_t pid;

	if (outside != NULL) {
		root = open(outside, O_RDONLY | O_CLOEXEC);
		if (root == -1)
			return say_abort(s, "%s: %s", outside,
			    strerror(errno));
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		    socks) == -1)
			return say_abort(s, "socketpair: %s", strerror(errno));
	}
	fflush(NULL);
	pid = fork();
	if (pid == -1)
		return say_abort(s, "fork: %s", strerror(errno));
	if (pid == 0) {
		if (root != -1) {
			close(root);
			close(socks[0]);
		}
		_exit(child(s, socks[1], fn, ctx));
	}
	if (root != -1) {
		close(socks[1]);
		files_serve(socks[0], root, write);
		close(socks[0]);
		close(root);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return say_abort(s, "wait: %s", strerror(errno));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return say_abort(s, "the work on mail was killed by signal %d",
	    WTERMSIG(status));
}

void
owner_path(const struct owner *o, struct slice address, struct buf *out)
{
	ssize_t at = slice_rfind(address, '@');
	size_t start;

	buf_adds(out, o->mail_dir);
	start = out->n;
	buf_addf(out, "/%.*s/%.*s",
	    SLICE_ARG(slice_from(address, (size_t)at + 1)),
	    SLICE_ARG(slice_head(address, (size_t)at)));
	for (size_t i = start; i < out->n; i++)
		out->p[i] = ascii_lower(out->p[i]);
}
