#include "supervisor/sup.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/file.h"
#include "core/log.h"
#include "wire/admin.h"
#include "wire/control.h"

#define REQUEST_MAX 8192
#define REPLY_MAX (64u << 20)
#define STATUS_WAIT_MS 1000
#define CLIENTS_MAX 32

/*
 * The socket of `setup`: a request is words, each ended by NUL, and a newline;
 * the answer is text, its last line "exit N". Only root (or who runs the
 * stack) can open it: the file's mode says so.
 */
struct client {
	struct list link;
	struct sup_control *control;
	struct loop_poll *poll;
	struct loop_timer *timer;
	struct buf in;
	struct buf out;
	uint32_t id;      /* of its question to services */
	bool asks_status;
	struct sup_child *asks; /* this one; NULL: none */
	bool done;        /* close when out is written */
	int fd;
};

struct sup_control {
	struct sup *sup;
	struct loop_poll *poll;
	struct list clients;
	size_t count;
	uint32_t last_id;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void
client_free(struct client *c)
{
	list_remove(&c->link);
	c->control->count--;
	loop_poll_free(c->poll);
	loop_timer_free(c->timer);
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	mem_free(c);
}

static void
flush(struct client *c)
{
	while (c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_poll_set(c->poll, LOOP_READ | LOOP_WRITE);
			return;
		}
		if (n < 0) {
			client_free(c);
			return;
		}
		buf_consume(&c->out, (size_t)n);
	}
	if (c->done)
		client_free(c);
	else
		loop_poll_set(c->poll, LOOP_READ);
}

static void
end(struct client *c, int status)
{
	buf_addf(&c->out, "exit %d\n", status);
	c->done = true;
	flush(c);
}

/* Up, but it has answered neither question id nor a later one: it hangs. */
static bool
is_silent(const struct sup_child *c, uint32_t id)
{
	return c->state == SUP_UP && c->status_id < id;
}

static void
describe(const struct sup_child *c, uint32_t id, uint64_t now, struct buf *out)
{
	struct slice rest = buf_slice(&c->status), pair;
	struct slice pss = S("-");
	struct buf extra = BUF_INIT(4096);
	bool silent = is_silent(c, id);

	if (c->state == SUP_UP && !silent)
		while (slice_word(&rest, &pair)) {
			if (slice_starts(pair, S("pss_kb="))) {
				pss = slice_from(pair, 7);
				continue;
			}
			buf_addc(&extra, ' ');
			buf_add_slice(&extra, pair);
		}
	buf_addf(out, "%-12s %-9s %7d %8llus %8u %7.*s%s\n", c->name,
	    silent ? "silent" : sup_state_name(c->state), (int)c->pid,
	    (unsigned long long)((now - c->since) / 1000), c->restarts,
	    SLICE_ARG(pss), buf_str(&extra));
	buf_release(&extra);
}

static void
answer_status(struct client *c)
{
	struct sup *s = c->control->sup;
	bool healthy = true;

	buf_addf(&c->out, "%-12s %-9s %7s %9s %8s %7s\n", "PROCESS", "STATE",
	    "PID", "UPTIME", "RESTARTS", "KB");
	for (size_t i = 0; i < s->count; i++) {
		describe(&s->children[i], c->id, loop_now(s->loop), &c->out);
		if (s->children[i].state != SUP_UP ||
		    is_silent(&s->children[i], c->id))
			healthy = false;
	}
	sup_listen_describe(s, &c->out);
	end(c, healthy ? 0 : 1);
}

static bool
all_answered(const struct client *c)
{
	const struct sup *s = c->control->sup;

	for (size_t i = 0; i < s->count; i++)
		if (is_silent(&s->children[i], c->id))
			return false;
	return true;
}

void
sup_control_on_status(struct sup_child *child)
{
	struct client *c;

	if (child->sup->control == NULL)
		return;
	LIST_EACH(c, &child->sup->control->clients, struct client, link) {
		if (c->asks_status && !c->done && all_answered(c)) {
			answer_status(c);
			return;
		}
	}
}

static void
on_status_late(void *arg)
{
	struct client *c = arg;

	if (!c->done)
		answer_status(c);
}

static void
ask_status(struct client *c)
{
	struct sup *s = c->control->sup;

	c->asks_status = true;
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].control != NULL)
			(void)chan_send(s->children[i].control,
			    WIRE_CONTROL_STATUS, c->id, S(""), -1);
	c->timer = loop_timer_new(s->loop, on_status_late, c);
	loop_timer_start(c->timer, STATUS_WAIT_MS, 0);
}

static void
ask_child(struct client *c, struct sup_child *child, struct slice words)
{
	if (child->admin == NULL) {
		buf_addf(&c->out, "%s is being restarted\n", child->name);
		end(c, 1);
		return;
	}
	c->asks = child;
	(void)chan_send(child->admin, WIRE_ADMIN, c->id, words, -1);
}

/* Who has a door admin under that name; NULL: nobody that runs here. */
static struct sup_child *
child_for(struct sup *s, struct slice word)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].row->admin &&
		    slice_eq(word, slice_str(s->children[i].row->name)))
			return &s->children[i];
	return NULL;
}

static struct client *
client_by_id(struct sup_control *ctl, uint32_t id)
{
	struct client *c;

	LIST_EACH(c, &ctl->clients, struct client, link) {
		if (c->id == id)
			return c;
	}
	return NULL;
}

int
sup_control_on_admin(void *arg, struct chan *ch UNUSED, struct chan_frame *f)
{
	struct sup_child *child = arg;
	struct sup *s = child->sup;
	struct client *c;

	if (f->type != WIRE_ADMIN_TEXT && f->type != WIRE_ADMIN_END)
		return -1;
	c = s->control != NULL ? client_by_id(s->control, f->id) : NULL;
	if (c == NULL || c->asks != child)
		return 0;
	if (f->type == WIRE_ADMIN_TEXT) {
		buf_add_slice(&c->out, f->payload);
		flush(c);
		return 0;
	}
	end(c, f->payload.n == 1 ? (unsigned char)f->payload.p[0] : 1);
	return 0;
}

void
sup_control_on_admin_gone(void *arg, struct chan *ch UNUSED)
{
	struct sup_child *child = arg;
	struct sup *s = child->sup;
	struct client *c;

	child->admin = NULL;
	if (s->control == NULL)
		return;
	LIST_EACH(c, &s->control->clients, struct client, link) {
		if (c->asks == child && !c->done) {
			buf_addf(&c->out, "%s died\n", child->name);
			end(c, 1);
		}
	}
}

static void
handle(struct client *c, struct slice request)
{
	struct slice rest = request, word = S("");
	struct sup_child *child;

	slice_split(&rest, '\0', &word);
	if (rest.n > 0 && rest.p[rest.n - 1] == '\0')
		rest.n--;
	c->id = ++c->control->last_id;
	if (slice_eq(word, S("status"))) {
		ask_status(c);
	} else if ((child = child_for(c->control->sup, word)) != NULL) {
		ask_child(c, child, rest);
	} else {
		buf_adds(&c->out, "unknown request\n");
		end(c, 2);
	}
}

static void
on_client(void *arg, int events)
{
	struct client *c = arg;
	char bytes[1024];
	ssize_t n, at;

	if ((events & LOOP_WRITE) && c->out.n > 0) {
		flush(c);
		return;
	}
	n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(c);
		return;
	}
	if (c->asks_status || c->asks != NULL || c->done)
		return;
	buf_add(&c->in, bytes, (size_t)n);
	at = slice_find(buf_slice(&c->in), '\n');
	if (at >= 0)
		handle(c, slice_head(buf_slice(&c->in), (size_t)at));
	else if (!buf_ok(&c->in))
		client_free(c);
}

static void
on_knock(void *arg, int events UNUSED)
{
	struct sup_control *ctl = arg;
	int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd == -1)
		return;
	if (ctl->count >= CLIENTS_MAX) {
		close(fd);
		return;
	}
	c = mem_zero(sizeof(*c));
	c->control = ctl;
	c->fd = fd;
	buf_init(&c->in, REQUEST_MAX);
	buf_init(&c->out, REPLY_MAX);
	c->poll = loop_poll_new(ctl->sup->loop, fd, on_client, c);
	loop_poll_set(c->poll, LOOP_READ);
	list_push(&ctl->clients, &c->link);
	ctl->count++;
}

int
sup_control_start(struct sup *s)
{
	struct sup_control *ctl = mem_zero(sizeof(*ctl));
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	ctl->sup = s;
	list_init(&ctl->clients);
	if (snprintf(ctl->path, sizeof(ctl->path), "%s/control.sock",
	    s->conf.run_dir) >= (int)sizeof(ctl->path)) {
		log_error("control", "the path of %s is too long",
		    s->conf.run_dir);
		return -1;
	}
	memcpy(at.sun_path, ctl->path, sizeof(at.sun_path));
	unlink(ctl->path);
	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	r = ctl->fd == -1 ? -1 :
	    bind(ctl->fd, (struct sockaddr *)&at, sizeof(at));
	umask(mask);
	if (r == -1 || listen(ctl->fd, 16) == -1) {
		log_error("control", "path=%s error=\"%s\"", ctl->path,
		    strerror(errno));
		return -1;
	}
	ctl->poll = loop_poll_new(s->loop, ctl->fd, on_knock, ctl);
	loop_poll_set(ctl->poll, LOOP_READ);
	s->control = ctl;
	return 0;
}

void
sup_control_stop(struct sup *s)
{
	if (s->control != NULL)
		unlink(s->control->path);
}
