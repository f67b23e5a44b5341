/*
 * pillarbox: the supervisor, PID 1 of the container. Reads the configuration,
 * binds the ports, starts the process table and keeps it running. It reads no
 * byte of the network and links neither OpenSSL nor SQLite.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <limits.h>
#include <signal.h>

#include "conf/conf_load.h"
#include "core/log.h"
#include "supervisor/sup.h"

#define FILES_WANTED 131072

extern char **environ;

/* The folder our own program is in: the services are its neighbours. */
static char *
own_folder(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		fatal(EXIT_CONFIG, "/proc is not mounted");
	path[n] = '\0';
	slash = strrchr(path, '/');
	*slash = '\0';
	return mem_str(path);
}

static void
report(const struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct conf_problem *e = &p->list[i];

		if (e->level == LOG_ERROR)
			log_error("config", "%s", e->text);
		else if (e->level == LOG_WARN)
			log_warn("config", "%s", e->text);
		else
			log_info("config", "%s", e->text);
	}
}

static int
configure(struct sup *s)
{
	struct conf_problems p;
	int r;

	conf_problems_init(&p);
	r = conf_load(&s->conf, environ, &p);
	if (r == 0)
		r = conf_load_host(&s->conf, &p);
	report(&p);
	conf_problems_release(&p);
	if (r == -1)
		return -1;
	log_set_level(s->conf.log_level);
	/* An empty TZ would mean UTC; without one /etc/localtime counts. */
	if (s->conf.timezone[0] != '\0')
		setenv("TZ", s->conf.timezone, 1);
	else
		unsetenv("TZ");
	tzset();
	sup_trusted_networks(&s->conf);
	return 0;
}

static void
on_child_timer(void *arg)
{
	sup_event(arg, SUP_EV_TIMER);
}

static void
make_children(struct sup *s)
{
	for (size_t i = 0; i < sup_table_size; i++) {
		const struct sup_process *row = &sup_table[i];

		if (row->enabled == NULL || row->enabled(&s->conf))
			s->count += row->instances != NULL ?
			    row->instances(&s->conf) : 1;
	}
	s->children = mem_array(s->count, sizeof(*s->children));
	s->count = 0;
	for (size_t i = 0; i < sup_table_size; i++) {
		const struct sup_process *row = &sup_table[i];
		unsigned n = row->instances != NULL ?
		    row->instances(&s->conf) : 1;

		if (row->enabled != NULL && !row->enabled(&s->conf))
			continue;
		for (unsigned k = 1; k <= n; k++) {
			struct sup_child *c = &s->children[s->count++];

			c->sup = s;
			c->row = row;
			snprintf(c->name, sizeof(c->name),
			    k > 1 ? "%s#%u" : "%s", row->name, k);
			c->timer = loop_timer_new(s->loop, on_child_timer, c);
			buf_init(&c->status, 8192);
		}
	}
}

/* One loop over every dead child: also those that were orphaned to PID 1. */
static void
on_sigchld(void *arg)
{
	struct sup *s = arg;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct sup_child *c = sup_child_by_pid(s, pid);

		if (c == NULL)
			continue;
		c->pid = 0;
		c->exit_status = status;
		if (c->control != NULL)
			chan_close(c->control);
		c->control = NULL;
		sup_event(c, SUP_EV_EXIT);
	}
}

static void
on_sigterm(void *arg)
{
	sup_stop_all(arg, EXIT_SUCCESS);
}

static void
on_sighup(void *arg)
{
	struct sup *s = arg;

	sup_output_open(&s->conf);
	sup_files_check(s->files);
}

/* Ten thousand phones are ten thousand descriptors in login. */
static void
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur >= FILES_WANTED)
		return;
	if (r.rlim_max < FILES_WANTED) {
		struct rlimit more = { FILES_WANTED, FILES_WANTED };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	r.rlim_cur = r.rlim_max < FILES_WANTED ? r.rlim_max : FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static int
start(struct sup *s)
{
	if (configure(s) == -1)
		return EXIT_CONFIG;
	sup_output_open(&s->conf);
	log_info("starting", "version=%s host=%s", PILLARBOX_VERSION,
	    s->conf.hostname);
	if (sup_prepare(s) == -1)
		return EXIT_CONFIG;
	s->scram = sup_scram_new(s);
	s->retire = sup_retire_new(s);
	s->files = sup_files_new(s);
	if (s->files == NULL)
		return EXIT_CONFIG;
	make_children(s);
	if (sup_listen_all(s) == -1 || sup_control_start(s) == -1)
		return EXIT_CONFIG;
	raise_limits();
	loop_signal_new(s->loop, SIGCHLD, on_sigchld, s);
	loop_signal_new(s->loop, SIGTERM, on_sigterm, s);
	loop_signal_new(s->loop, SIGINT, on_sigterm, s);
	loop_signal_new(s->loop, SIGHUP, on_sighup, s);
	/* All at once: channels and sockets queue what comes too early. */
	for (size_t i = 0; i < s->count && !s->stopping; i++)
		sup_event(&s->children[i], SUP_EV_START);
	return 0;
}

int
main(int argc, char **argv UNUSED)
{
	static struct sup s;
	int status;

	if (argc > 1)
		fatal(EXIT_CONFIG, "no arguments: the environment and "
		    "pillarbox.yaml configure it, see setup help");
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	log_init("pillarbox", LOG_INFO);
	s.loop = loop_new();
	s.started = loop_now(s.loop);
	s.bin_dir = own_folder();
	s.drops = geteuid() == 0;
	sup_output_init(&s);
	status = start(&s);
	if (status == 0) {
		loop_run(s.loop);
		status = s.status;
	}
	sup_control_stop(&s);
	if (status == 0)
		log_info("stopped", "status=0");
	else
		log_error("stopped", "status=%d", status);
	sup_output_drain();
	return status;
}
