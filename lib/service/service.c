#include "service/service.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>

#include "core/file.h"
#include "core/log.h"
#include "core/num.h"
#include "io/priv.h"
#include "service/internal.h"

#define STOP_MS 20000
#define ACCEPTS_PER_ROUND 32
#define ACCEPT_PAUSE_MS 100

struct listener {
	struct list link;
	struct service *service;
	struct loop_poll *poll;
	struct loop_timer *pause;
	char *name;
	int fd;
};

static void
listener_free(struct listener *l)
{
	list_remove(&l->link);
	loop_poll_free(l->poll);
	loop_timer_free(l->pause);
	close(l->fd);
	mem_free(l->name);
	mem_free(l);
}

static void
on_accept_again(void *arg)
{
	struct listener *l = arg;

	loop_poll_set(l->poll, LOOP_READ);
}

static void
on_listener(void *arg, int events UNUSED)
{
	struct listener *l = arg;

	for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
		union sockaddr_any from = { 0 };
		socklen_t n = sizeof(from);
		int fd = accept4(l->fd, &from.sa, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOMEM || errno == ENOBUFS) {
				/* A level-triggered listener would spin. */
				log_warn("accept", "port=%s error=\"%s\"",
				    l->name, strerror(errno));
				loop_poll_set(l->poll, 0);
				loop_timer_start(l->pause, ACCEPT_PAUSE_MS, 0);
			}
			return;
		}
		l->service->ops->on_accept(l->service, l->name, fd, &from);
	}
}

static int
take_listen(struct service *s, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct slice name = wire_get_slice(&in, 32);
	struct listener *l;

	if (wire_end(&in) == -1 || f->fd == -1 || s->ops->on_accept == NULL)
		return -1;
	l = mem_zero(sizeof(*l));
	l->service = s;
	l->name = slice_dup(name);
	l->fd = f->fd;
	f->fd = -1;
	l->poll = loop_poll_new(s->loop, l->fd, on_listener, l);
	l->pause = loop_timer_new(s->loop, on_accept_again, l);
	list_push(&s->listeners, &l->link);
	return 0;
}

static void
start_listening(struct service *s)
{
	struct listener *l;

	LIST_EACH(l, &s->listeners, struct listener, link)
		loop_poll_set(l->poll, LOOP_READ);
}

static int
take_config(struct service *s, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct slice build = wire_get_slice(&in, 64);
	struct slice name = wire_get_slice(&in, 64);
	struct slice root, pairs;
	struct buf why = BUF_INIT(512);

	s->uid = wire_get_u32(&in);
	s->gid = wire_get_u32(&in);
	root = wire_get_slice(&in, 4096);
	pairs = wire_get_slice(&in, LIMIT_FRAME);
	if (wire_end(&in) == -1 || s->configured)
		return -1;
	/* Frames are typed by position: two builds may not talk. */
	if (!slice_eq(build, S(PILLARBOX_VERSION)))
		fatal(EXIT_CONFIG, "supervisor is another build than this");
	s->configured = true;
	s->name = slice_dup(name);
	s->root_path = slice_dup(root);
	if (conf_decode(&s->conf, pairs, &why) == -1)
		fatal(EXIT_CONFIG, "settings: %s", buf_str(&why));
	buf_release(&why);
	log_init(s->name, s->conf.log_level);
	return 0;
}

static void
refuse_file(struct service *s, struct slice name, const char *why)
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, name);
	wire_put_str(&b, why);
	(void)chan_send(s->control, WIRE_CONTROL_FILE_BAD, 0, buf_slice(&b), -1);
	buf_release(&b);
}

static int
take_file(struct service *s, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct slice name = wire_get_slice(&in, 512), content;
	struct buf b = BUF_INIT(LIMIT_CONFIG_FILE);
	const char *why = "unusable";
	char *name_str;
	int r = 0;

	if (wire_end(&in) == -1 || !s->configured || s->ops->on_file == NULL)
		return -1;
	name_str = slice_dup(name);
	if (f->fd != -1) {
		if (lseek(f->fd, 0, SEEK_SET) == -1 ||
		    file_read_fd(f->fd, &b) == -1) {
			why = errno == EFBIG ? "too large" : "cannot be read";
			r = -1;
		}
		content = buf_slice(&b);
	}
	if (r == 0)
		r = s->ops->on_file(s, name_str,
		    f->fd != -1 ? &content : NULL, &why);
	if (r == -1) {
		refuse_file(s, name, why);
		if (!s->ready)
			fatal(EXIT_CONFIG, "%s: %s", name_str, why);
	}
	buf_wipe(&b);
	mem_free(name_str);
	return 0;
}

static int
take_peer(struct service *s, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct slice name = wire_get_slice(&in, 64);
	struct slice door = wire_get_slice(&in, 64);
	bool dial = wire_get_bool(&in);
	int fd = f->fd;

	if (wire_end(&in) == -1 || (fd == -1 && !dial))
		return -1;
	f->fd = -1;
	if (dial)
		peer_attach(s, name, fd);
	else
		inbound_attach(s, name, door, fd);
	return 0;
}

static int
take_go(struct service *s, struct chan_frame *f UNUSED)
{
	const char *why = "unknown";
	bool confined;

	s->smaps = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	if (!s->configured || s->ready)
		return -1;
	if (s->ops->prepare != NULL && s->ops->prepare(s, &why) == -1)
		fatal(EXIT_CONFIG, "%s", why);
	if (priv_drop(s->uid, s->gid, s->root_path, &confined, &why) == -1)
		fatal(EXIT_CONFIG, "%s: %s", why, strerror(errno));
	s->root = mem_str(confined ? "" : s->root_path);
	if (s->uid != 0 && !confined && s->root_path[0] != '\0')
		log_info("unconfined", "reason=\"no permission to chroot\"");
	if (s->ops->start != NULL && s->ops->start(s, &why) == -1)
		fatal(EXIT_CONFIG, "%s", why);
	s->ready = true;
	start_listening(s);
	return chan_send(s->control, WIRE_CONTROL_READY, 0, S(""), -1);
}

static void
on_stop_timeout(void *arg)
{
	struct service *s = arg;

	log_warn("stop", "reason=\"work left after %d s\"", STOP_MS / 1000);
	service_exit(s);
}

static int
take_stop(struct service *s, struct chan_frame *f UNUSED)
{
	struct listener *l;

	if (s->stopping)
		return 0;
	s->stopping = true;
	LIST_EACH(l, &s->listeners, struct listener, link)
		listener_free(l);
	if (s->ready && s->ops->on_stop != NULL) {
		s->stop_timer = loop_timer_new(s->loop, on_stop_timeout, s);
		loop_timer_start(s->stop_timer, STOP_MS, 0);
		s->ops->on_stop(s);
	} else {
		service_exit(s);
	}
	return 0;
}

/*
 * Proportional memory in KB, 0 if unknown. The file is opened before chroot:
 * the supervisor may not read it, since we are another user.
 */
static unsigned
own_pss(const struct service *s)
{
	char text[2048];
	ssize_t n = s->smaps == -1 ? -1 :
	    pread(s->smaps, text, sizeof(text) - 1, 0);
	const char *at;
	uint64_t kb;
	struct slice rest;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, "\nPss:");
	if (at == NULL)
		return 0;
	rest = slice_trim(slice_str(at + 5));
	return num_take(&rest, UINT32_MAX, &kb) == 0 ? (unsigned)kb : 0;
}

static int
take_status(struct service *s, struct chan_frame *f)
{
	struct buf text = BUF_INIT(4096), b = WIRE_BUF;

	buf_addf(&text, "pss_kb=%u", own_pss(s));

	if (s->ready && s->ops->status != NULL)
		s->ops->status(s, &text);
	wire_put_slice(&b, buf_slice(&text));
	(void)chan_send(s->control, WIRE_CONTROL_STATUS_REPLY, f->id,
	    buf_slice(&b), -1);
	buf_release(&text);
	buf_release(&b);
	return 0;
}

static int (*const control_handlers[WIRE_CONTROL_TYPES])(struct service *,
    struct chan_frame *) = {
	[WIRE_CONTROL_CONFIG] = take_config,
	[WIRE_CONTROL_FILE] = take_file,
	[WIRE_CONTROL_LISTEN] = take_listen,
	[WIRE_CONTROL_PEER] = take_peer,
	[WIRE_CONTROL_GO] = take_go,
	[WIRE_CONTROL_STOP] = take_stop,
	[WIRE_CONTROL_STATUS] = take_status,
};

static int
on_control(void *arg, struct chan *c UNUSED, struct chan_frame *f)
{
	struct service *s = arg;

	if (f->type >= WIRE_CONTROL_TYPES || control_handlers[f->type] == NULL)
		return -1;
	return control_handlers[f->type](s, f);
}

/* Without a supervisor nobody restarts or feeds us: crash only. */
static void
on_control_gone(void *arg, struct chan *c UNUSED)
{
	struct service *s = arg;

	s->control = NULL;
	s->status = EXIT_FAILURE;
	service_exit(s);
}

int
service_main(int argc UNUSED, char **argv UNUSED, const struct service_ops *ops)
{
	static const struct chan_ops control_ops = { on_control,
		on_control_gone };
	struct service *s = mem_zero(sizeof(*s));

	log_init(ops->name, LOG_INFO);
	if (fcntl(WIRE_CONTROL_FD, F_GETFD) == -1)
		fatal(EXIT_CONFIG, "%s is started by pillarbox, not by hand",
		    ops->name);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Few arenas: many threads of ours touch little memory each. */
	mallopt(M_ARENA_MAX, 2);
	if (ops->threads > 0)
		loop_work_threads(ops->threads);
	s->ops = ops;
	s->loop = loop_new();
	conf_init(&s->conf);
	list_init(&s->listeners);
	list_init(&s->peers);
	list_init(&s->inbound);
	file_set_nonblock(WIRE_CONTROL_FD);
	file_set_cloexec(WIRE_CONTROL_FD, true);
	s->control = chan_new(s->loop, WIRE_CONTROL_FD, "supervisor",
	    &control_ops, s);
	loop_run(s->loop);
	inbound_flush(s);
	/* No teardown: the kernel does it faster and never wrongly. */
	_exit(s->status);
}

void
service_report(struct service *s, uint16_t type, struct slice payload)
{
	if (s->control != NULL)
		(void)chan_send(s->control, type, 0, payload, -1);
}

void
service_exit(struct service *s)
{
	loop_stop(s->loop);
}

bool
service_is_stopping(const struct service *s)
{
	return s->stopping;
}

struct loop *
service_loop(struct service *s)
{
	return s->loop;
}

const struct conf *
service_conf(struct service *s)
{
	return &s->conf;
}

const char *
service_name(struct service *s)
{
	return s->name;
}

const char *
service_root(struct service *s)
{
	return s->root;
}

void
service_set_data(struct service *s, void *data)
{
	s->data = data;
}

void *
service_data(struct service *s)
{
	return s->data;
}
