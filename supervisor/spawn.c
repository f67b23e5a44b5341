#include "supervisor/sup.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>

#include "core/log.h"
#include "wire/control.h"

struct sup_child *
sup_child_by_pid(struct sup *s, pid_t pid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].pid == pid)
			return &s->children[i];
	return NULL;
}

static int
on_frame(void *arg, struct chan *ch UNUSED, struct chan_frame *f)
{
	struct sup_child *c = arg;
	struct wire_in in = wire_in(f->payload);
	struct slice name, why, line;

	switch (f->type) {
	case WIRE_CONTROL_READY:
		sup_event(c, SUP_EV_READY);
		return wire_end(&in);
	case WIRE_CONTROL_STATUS_REPLY:
		buf_clear(&c->status);
		buf_add_slice(&c->status, wire_get_slice(&in, 4096));
		if (wire_end(&in) == -1)
			return -1;
		c->status_id = f->id;
		sup_control_on_status(c);
		return 0;
	case WIRE_CONTROL_FILE_BAD: {
		struct log_line l;

		name = wire_get_slice(&in, 512);
		why = wire_get_slice(&in, 4096);
		if (wire_end(&in) == -1)
			return -1;
		log_begin(&l, LOG_ERROR, "file-refused");
		log_str(&l, "process", c->name);
		log_slice(&l, "file", name);
		log_slice(&l, "reason", why);
		log_str(&l, "effect", "the previous content stays in force");
		log_end(&l);
		return 0;
	}
	case WIRE_CONTROL_SCRAM:
		name = wire_get_slice(&in, LIMIT_ADDRESS);
		line = wire_get_slice(&in, LIMIT_CONFIG_LINE);
		/* Of all processes only auth has verifiers. */
		if (wire_end(&in) == -1 || c->row->user != SUP_USER_AUTH)
			return -1;
		return sup_scram_learn(c->sup->scram, name, line);
	default:
		return -1;
	}
}

/* Its end of the channel closed: waitpid will tell the rest. */
static void
on_gone(void *arg, struct chan *ch UNUSED)
{
	struct sup_child *c = arg;

	c->control = NULL;
}

static const struct chan_ops control_ops = { on_frame, on_gone };
static const struct chan_ops admin_ops = { sup_control_on_admin,
	sup_control_on_admin_gone };

/*
 * The environment of services: none of ours, which holds passwords of the
 * container (settings come over the control channel, each service its own).
 * Only what the C library and the sanitizers look at.
 */
static char **
bare_environment(void)
{
	static const char *const names[] = { "TZ", "ASAN_OPTIONS",
		"UBSAN_OPTIONS", "LSAN_OPTIONS" };
	static char *env[LEN(names) + 1];
	size_t n = 0;

	if (env[0] != NULL)
		return env;
	for (size_t i = 0; i < LEN(names); i++) {
		const char *value = getenv(names[i]);
		struct buf b = BUF_INIT(4096);

		if (value == NULL)
			continue;
		buf_addf(&b, "%s=%s", names[i], value);
		env[n++] = buf_take(&b);
	}
	return env;
}

/* Between fork and exec: only what is safe there. Never returns. */
NORETURN static void
become(const char *path, const char *program, char **env, int control)
{
	int null = open("/dev/null", O_RDWR);
	int out = sup_output_fd();
	sigset_t none;

	/* Ctrl-C at a terminal is ours to handle, not theirs. */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* uv_signal installed handlers; exec resets those by itself. */
	if (null == -1 || dup2(null, 0) == -1 || dup2(out, 1) == -1 ||
	    dup2(out, 2) == -1 || dup2(control, WIRE_CONTROL_FD) == -1)
		_exit(127);
	execle(path, program, (char *)NULL, env);
	_exit(127);
}

static uid_t
uid_of(const struct sup_child *c)
{
	if (!c->sup->drops)
		return 0;
	return c->row->user == SUP_USER_VMAIL ?
	    (uid_t)c->sup->conf.vmail_uid : (uid_t)c->row->user;
}

static gid_t
gid_of(const struct sup_child *c)
{
	return c->row->user == SUP_USER_VMAIL ?
	    (gid_t)c->sup->conf.vmail_gid : (gid_t)c->row->user;
}

static const char *
root_of(const struct sup_child *c, struct buf *out)
{
	switch (c->row->root) {
	case SUP_ROOT_MAIL:
		return c->sup->conf.mail_dir;
	case SUP_ROOT_SPOOL:
		return sup_path_spool(c->sup, out);
	case SUP_ROOT_REPORTS:
		return sup_path_reports(c->sup, out);
	case SUP_ROOT_EMPTY:
		break;
	}
	return sup_path_empty(c->sup, out);
}

static void
give_config(struct sup_child *c)
{
	struct buf b = WIRE_BUF, pairs = WIRE_BUF, path = BUF_INIT(PATH_MAX);

	conf_encode(&c->sup->conf, c->row->settings, &pairs);
	wire_put_str(&b, PILLARBOX_VERSION);
	wire_put_str(&b, c->name);
	wire_put_u32(&b, uid_of(c));
	wire_put_u32(&b, gid_of(c));
	wire_put_str(&b, root_of(c, &path));
	wire_put_slice(&b, buf_slice(&pairs));
	assert(buf_ok(&b) && buf_ok(&pairs));
	(void)chan_send(c->control, WIRE_CONTROL_CONFIG, 0, buf_slice(&b), -1);
	buf_wipe(&pairs);
	buf_wipe(&b);
	buf_release(&path);
}

static void
give_peer(struct sup_child *to, const char *name, struct slice door, bool dial,
    int fd)
{
	struct buf b = WIRE_BUF;

	wire_put_str(&b, name);
	wire_put_slice(&b, door);
	wire_put_bool(&b, dial);
	(void)chan_send(to->control, WIRE_CONTROL_PEER, 0, buf_slice(&b), fd);
	buf_release(&b);
}

/* "auth.lookup" is the door lookup of auth; "imap" has the one door "". */
static bool
dial_names(const char *dial, const struct sup_child *callee, struct slice *door)
{
	struct slice rest = slice_str(dial), base;

	slice_split(&rest, '.', &base);
	*door = rest;
	return slice_eq(base, slice_str(callee->row->name));
}

bool
sup_dials(const struct sup_child *caller, const struct sup_child *callee)
{
	struct slice door;

	for (size_t i = 0; i < SUP_DIALS && caller->row->dials[i] != NULL; i++)
		if (dial_names(caller->row->dials[i], callee, &door))
			return true;
	return false;
}

/* A new channel for each of caller's dials that means callee; without its end
 * ("not now") if callee is not running. */
static void
connect_pair(struct sup_child *caller, struct sup_child *callee)
{
	for (size_t i = 0; i < SUP_DIALS && caller->row->dials[i] != NULL; i++) {
		const char *dial = caller->row->dials[i];
		const char *instance = strchr(callee->name, '#');
		char name[64];
		struct slice door;
		int fds[2] = { -1, -1 };

		if (!dial_names(dial, callee, &door))
			continue;
		if (callee->control != NULL && chan_pair(fds) == -1)
			panic("socketpair: %s", strerror(errno));
		snprintf(name, sizeof(name), "%s%s", dial,
		    instance != NULL ? instance : "");
		if (callee->control == NULL) {
			give_peer(caller, name, door, true, -1);
			continue;
		}
		give_peer(caller, name, door, true, fds[0]);
		give_peer(callee, caller->name, door, false, fds[1]);
	}
}

/* Channels to every partner that is alive. One that is not gets its channels
 * when it is started; until then c knows that it may dial it. */
static void
connect_peers(struct sup_child *c)
{
	struct sup *s = c->sup;

	for (size_t i = 0; i < s->count; i++) {
		struct sup_child *other = &s->children[i];

		if (other == c)
			continue;
		connect_pair(c, other);
		if (other->control != NULL)
			connect_pair(other, c);
	}
	if (c->row->admin) {
		int fds[2];

		if (chan_pair(fds) == -1)
			panic("socketpair: %s", strerror(errno));
		if (c->admin != NULL)
			chan_close(c->admin);
		c->admin = chan_new(s->loop, fds[0], "admin", &admin_ops, c);
		give_peer(c, "supervisor", S("admin"), false, fds[1]);
	}
}

int
sup_spawn(struct sup_child *c)
{
	char **env = bare_environment();
	char path[PATH_MAX];
	int fds[2];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", c->sup->bin_dir, c->row->program);
	if (chan_pair(fds) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		become(path, c->row->program, env, fds[1]);
	close(fds[1]);
	if (pid == -1) {
		close(fds[0]);
		return -1;
	}
	c->pid = pid;
	if (c->control != NULL)
		chan_close(c->control);
	c->control = chan_new(c->sup->loop, fds[0], c->name, &control_ops, c);
	give_config(c);
	sup_files_give(c->sup->files, c);
	sup_listen_give(c);
	connect_peers(c);
	(void)chan_send(c->control, WIRE_CONTROL_GO, 0, S(""), -1);
	return 0;
}
