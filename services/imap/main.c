/*
 * The IMAP worker: serves clients that login has authenticated. It is given
 * each as one end of a socket pair and a ticket, which it redeems at auth to
 * learn whose mail it may open (law 1: login cannot name a user).
 */
#include "core/file.h"
#include "core/log.h"
#include "mail/charset.h"
#include "service/service.h"
#include "services/imap/session.h"
#include "wire/auth.h"
#include "wire/session.h"

#define THREADS 8
#define REDEEM_MS 10000
#define KEEPALIVE_MS 120000
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define SESSION_ID_MAX 64

/* A session that waits for auth's answer. */
struct arrival {
	struct list link;
	struct service *service;
	struct chan *login; /* who sent it, or NULL when that is gone */
	uint32_t login_id;
	int fd;
	char *ip;
	char *id;
	char *tag;
	char *input;
	size_t input_n;
	bool tls;
};

static struct buf boot_id = BUF_INIT(64);
static struct list arrivals;
static struct worker *worker;

static void
arrival_free(struct arrival *a)
{
	list_remove(&a->link);
	if (a->fd != -1)
		close(a->fd);
	mem_free(a->ip);
	mem_free(a->id);
	mem_free(a->tag);
	mem_free(a->input);
	mem_free(a);
}

static void
log_refusal(const struct arrival *a, const char *why)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "login-refused");
	log_str(&l, "session", a->id);
	log_str(&l, "ip", a->ip);
	log_str(&l, "reason", why);
	log_end(&l);
}

static void
serve(struct arrival *a, struct slice user, const struct store_quota *quota)
{
	struct session_start start = {
		.user = user,
		.ip = slice_str(a->ip),
		.id = slice_str(a->id),
		.tag = slice_str(a->tag),
		.input = slice_of(a->input, a->input_n),
		.tls = a->tls,
		.login = a->login,
		.login_id = a->login_id,
		.quota = *quota,
	};
	const char *why = "unknown";
	int fd = a->fd;

	a->fd = -1;
	if (session_start(worker, fd, &start, &why) == -1)
		log_refusal(a, why);
}

static void
on_redeemed(void *arg, struct chan_frame *reply)
{
	struct arrival *a = arg;
	struct wire_in in;
	struct store_quota quota;
	struct slice user;
	unsigned service;
	bool ok;

	if (reply == NULL || reply->type != WIRE_AUTH_REDEEM_REPLY) {
		log_refusal(a, "auth does not answer");
		arrival_free(a);
		return;
	}
	in = wire_in(reply->payload);
	ok = wire_get_bool(&in);
	user = wire_get_slice(&in, LIMIT_ADDRESS);
	service = wire_get_enum(&in, WIRE_SERVICES);
	quota.bytes = wire_get_u64(&in);
	quota.messages = wire_get_u64(&in);
	if (wire_end(&in) == -1)
		log_refusal(a, "malformed answer of auth");
	else if (!ok || service != WIRE_SERVICE_IMAP)
		log_refusal(a, "ticket not accepted");
	else
		serve(a, user, &quota);
	arrival_free(a);
}

static int
on_session(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct slice ticket = wire_get_slice(&in, WIRE_TICKET);
	struct slice ip = wire_get_slice(&in, SOCKADDR_TEXT);
	bool tls = wire_get_bool(&in);
	struct slice tag = wire_get_slice(&in, LIMIT_IMAP_TAG);
	struct slice input = wire_get_slice(&in, LIMIT_FRAME);
	struct slice id = wire_get_slice(&in, SESSION_ID_MAX);
	struct buf request = WIRE_BUF;
	struct arrival *a;

	if (wire_end(&in) == -1 || f->fd == -1)
		return -1;
	a = mem_zero(sizeof(*a));
	a->service = s;
	a->login = c;
	a->login_id = f->id;
	list_init(&a->link);
	list_push(&arrivals, &a->link);
	a->fd = f->fd;
	f->fd = -1;
	a->ip = slice_dup(ip);
	a->id = slice_dup(id);
	a->tag = slice_dup(tag);
	a->input = mem_dup(input.p, input.n);
	a->input_n = input.n;
	a->tls = tls;
	wire_put_slice(&request, ticket);
	peer_request(service_peer(s, "auth.redeem", 0),
	    WIRE_AUTH_REDEEM,
	    buf_slice(&request), -1, REDEEM_MS, on_redeemed, a);
	buf_wipe(&request);
	return 0;
}

/* Nobody is told any more; the clients go with their connections. */
static void
on_peer(struct service *sv UNUSED, struct chan *c, bool open)
{
	struct arrival *a;
	struct session *s;

	if (open)
		return;
	LIST_EACH(a, &arrivals, struct arrival, link)
		if (a->login == c)
			a->login = NULL;
	LIST_EACH(s, &worker->sessions, struct session, link)
		if (s->login == c)
			s->login = NULL;
}

/*
 * Converters that are open before chroot keep iconv's tables in reach, so that
 * SEARCH understands the charsets that mail still comes in.
 */
static void
load_charsets(void)
{
	static const char *const names[] = { "iso-8859-2", "iso-8859-3",
		"iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7",
		"iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-13",
		"iso-8859-14", "iso-8859-16", "windows-1250", "windows-1251",
		"windows-1253", "windows-1254", "windows-1255",
		"windows-1256", "windows-1257", "windows-1258", "koi8-r",
		"koi8-u", "cp866", "cp874", "tis-620", "gb18030", "gbk",
		"big5", "shift_jis", "cp932", "iso-2022-jp", "euc-jp",
		"euc-kr", "uhc", "iso-2022-kr", "utf-16", "utf-7",
		"macintosh" };

	for (size_t i = 0; i < LEN(names); i++)
		(void)charset_open(slice_str(names[i]));
}

static int
prepare(struct service *s UNUSED, const char **why UNUSED)
{
	if (file_read(BOOT_ID, &boot_id) == -1)
		buf_adds(&boot_id, "unknown");
	buf_truncate(&boot_id, slice_trim(buf_slice(&boot_id)).n);
	buf_addc(&boot_id, '\0');
	load_charsets();
	return 0;
}

static int
start(struct service *s, const char **why)
{
	const struct conf *conf = service_conf(s);
	struct store_config store_conf = {
		.mailroot = service_root(s),
		.boot_id = buf_str(&boot_id),
		.search_index = conf->search_index,
	};
	struct worker_config worker_conf = {
		.timeout_ms = conf->imap_timeout * 1000,
		.keepalive_ms = KEEPALIVE_MS,
		.sessions_max = conf->imap_connections,
		.sessions_per_user = conf->imap_connections_per_user,
		.message_limit = conf->imap_message_limit,
		.auth = service_peer(s, "auth.redeem", 0),
		.quotas = conf->enable_quotas && !conf->smtp_only,
		.unauthenticate = conf->imap_unauthenticate,
	};
	struct store *store = store_open_root(&store_conf, why);

	snprintf(worker_conf.shared, sizeof(worker_conf.shared), "%s",
	    conf->imap_shared_account);
	for (char *p = worker_conf.shared; *p != '\0'; p++)
		*p = ascii_lower(*p);
	if (conf->postmaster_address[0] != '\0')
		snprintf(worker_conf.admin, sizeof(worker_conf.admin),
		    "mailto:%s", conf->postmaster_address);
	else if (conf->domainname[0] != '\0')
		snprintf(worker_conf.admin, sizeof(worker_conf.admin),
		    "mailto:postmaster@%s", conf->domainname);

	if (store == NULL)
		return -1;
	list_init(&arrivals);
	worker = worker_new(service_loop(s), store, &worker_conf);
	return 0;
}

static void
on_empty(void *arg)
{
	service_exit(arg);
}

static void
on_stop(struct service *s)
{
	worker_stop(worker, on_empty, s);
}

static void
status(struct service *s UNUSED, struct buf *out)
{
	if (worker != NULL)
		buf_addf(out, " sessions=%zu users=%zu", worker->count,
		    worker->users.count);
}

static const struct service_handler handlers[] = {
	{ "", WIRE_SESSION, on_session },
	{ NULL, 0, NULL },
};

static const struct service_ops ops = {
	.name = "imap",
	.handlers = handlers,
	.threads = THREADS,
	.prepare = prepare,
	.start = start,
	.on_peer = on_peer,
	.on_stop = on_stop,
	.status = status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
