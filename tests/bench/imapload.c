/*
 * A mixed load of IMAP clients over TLS, for tests/bench/run.
 *
 *	imapload PORT CLIENTS USERS SECONDS DOMAIN PASSWORD
 *
 * Each client lives many short sessions, one after the other, as u0@DOMAIN,
 * u1@DOMAIN, ... The commands of a session and their odds are the defaults of
 * Dovecot's ImapTest; those that it has off by default are added with small
 * odds. Several clients share a mailbox, so that it changes under each of them.
 *
 * Every answer is checked: a command ends in OK, or in NO where others may have
 * removed its messages; a number is never above EXISTS; EXPUNGE comes only
 * when it may (RFC 9051 7.5.1); a message keeps its UID as numbers move.
 * Prints the commands and seconds; then each command, how often, and its mean
 * in milliseconds. The exit status is 1 if any answer was wrong.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define MESSAGES 30    /* of a mailbox, about */
#define UIDS_MAX 4096  /* more messages than a mailbox ever has here */
#define BODY_LINES 50
#define IDLE_MS 200
#define PATIENCE 30    /* seconds without an answer */

enum kind {
	LOGIN, LIST, STATUS, SELECT, FETCH, FETCH2, SEARCH, STORE, COPY,
	DELETE, EXPUNGE, APPEND, NOOP, IDLE, LOGOUT, KINDS
};

/* Percent: that a session has the command, and that it comes once more. */
static const struct {
	const char *name;
	unsigned odds;
	unsigned again;
	bool moves; /* EXPUNGE may come */
} kinds[KINDS] = {
	[LOGIN] = { "LOGIN", 100, 0, false },
	[LIST] = { "LIST", 50, 0, true },
	[STATUS] = { "STATUS", 50, 0, true },
	[SELECT] = { "SELECT", 100, 0, false },
	[FETCH] = { "FETCH", 100, 0, false },
	[FETCH2] = { "FETCH BODY[]", 100, 30, false },
	[SEARCH] = { "SEARCH", 10, 0, false },
	[STORE] = { "STORE", 50, 0, false },
	[COPY] = { "COPY", 10, 5, true },
	[DELETE] = { "STORE \\Deleted", 100, 0, false },
	[EXPUNGE] = { "EXPUNGE", 100, 0, true },
	[APPEND] = { "APPEND", 100, 5, true },
	[NOOP] = { "NOOP", 10, 0, true },
	[IDLE] = { "IDLE", 5, 0, true },
	[LOGOUT] = { "LOGOUT", 100, 0, true },
};

struct client {
	int number;
	unsigned seed;
	int fd;
	SSL *ssl;
	char in[65536];
	size_t at, n; /* in[at..n) is unread */
	char line[65536];
	unsigned tag;
	unsigned exists;
	uint32_t uids[UIDS_MAX]; /* of each number, 0: not known */
	bool moves; /* EXPUNGE may come now */
	bool broken;
	uint64_t count[KINDS];
	double seconds[KINDS];
};

static int port, users;
static const char *domain, *password;
static double end;
static SSL_CTX *ctx;
static char message[8192];
static size_t message_n;
static unsigned wrongs;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned
chance(struct client *c, unsigned below)
{
	return (unsigned)rand_r(&c->seed) % below;
}

static void __attribute__((format(printf, 2, 3)))
wrong(struct client *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->broken = true;
	if (__atomic_add_fetch(&wrongs, 1, __ATOMIC_RELAXED) <= 10)
		fprintf(stderr, "imapload: client %d: %s\n", c->number, text);
}

/* ---- the connection ------------------------------------------------------- */

static bool
say(struct client *c, const char *text, size_t n)
{
	if (!c->broken && SSL_write(c->ssl, text, (int)n) <= 0)
		wrong(c, "connection lost");
	return !c->broken;
}

static bool
fill(struct client *c)
{
	int n = SSL_read(c->ssl, c->in, sizeof(c->in));

	c->at = 0;
	c->n = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		wrong(c, "no answer, after: %.80s", c->line);
	return n > 0;
}

/* The next line without its end, in c->line. */
static bool
next_line(struct client *c)
{
	size_t n = 0;

	for (;;) {
		char *nl;
		size_t piece;

		if (c->at == c->n && !fill(c))
			return false;
		nl = memchr(c->in + c->at, '\n', c->n - c->at);
		piece = (nl != NULL ? (size_t)(nl - c->in) : c->n) - c->at;
		if (n + piece >= sizeof(c->line)) {
			wrong(c, "a line without end");
			return false;
		}
		memcpy(c->line + n, c->in + c->at, piece);
		n += piece;
		c->at += piece + (nl != NULL);
		if (nl == NULL)
			continue;
		if (n == 0 || c->line[n - 1] != '\r')
			wrong(c, "a line without CR");
		c->line[n > 0 ? n - 1 : 0] = '\0';
		return !c->broken;
	}
}

static bool
skip(struct client *c, size_t n)
{
	while (n > c->n - c->at) {
		n -= c->n - c->at;
		if (!fill(c))
			return false;
	}
	c->at += n;
	return true;
}

/* ---- what the server says ------------------------------------------------- */

static void
on_expunge(struct client *c, unsigned seq)
{
	if (!c->moves)
		wrong(c, "EXPUNGE when it must not come");
	else if (seq == 0 || seq > c->exists)
		wrong(c, "EXPUNGE %u of %u", seq, c->exists);
	else
		memmove(c->uids + seq - 1, c->uids + seq,
		    (c->exists-- - seq) * sizeof(*c->uids));
}

static void
on_exists(struct client *c, unsigned n)
{
	if (n < c->exists || n > UIDS_MAX) {
		wrong(c, "EXISTS %u after %u", n, c->exists);
		return;
	}
	memset(c->uids + c->exists, 0, (n - c->exists) * sizeof(*c->uids));
	c->exists = n;
}

static void
on_uid(struct client *c, unsigned seq, uint32_t uid)
{
	uint32_t *known = &c->uids[seq - 1];

	if (*known != 0 && *known != uid)
		wrong(c, "message %u has UID %u, had %u", seq, uid, *known);
	for (unsigned i = seq - 1; i > 0 && i + 8 > seq; i--)
		if (c->uids[i - 1] >= uid)
			wrong(c, "UID %u is not above that before it", uid);
	*known = uid;
}

/* A response that may go on behind literals. */
static bool
on_fetch(struct client *c, unsigned seq)
{
	if (seq == 0 || seq > c->exists) {
		wrong(c, "FETCH of %u, there are %u", seq, c->exists);
		return false;
	}
	for (;;) {
		size_t n = strlen(c->line);
		const char *uid = strstr(c->line, "UID ");
		const char *open;

		if (uid != NULL)
			on_uid(c, seq, (uint32_t)strtoul(uid + 4, NULL, 10));
		if (n == 0 || c->line[n - 1] != '}')
			break;
		open = strrchr(c->line, '{');
		if (open == NULL || !skip(c, strtoul(open + 1, NULL, 10)) ||
		    !next_line(c))
			return false;
	}
	if (c->line[strlen(c->line) - 1] != ')')
		wrong(c, "FETCH without end: %.80s", c->line);
	return !c->broken;
}

static void
on_search(struct client *c)
{
	char *at = c->line + strlen("* SEARCH");

	while (*at == ' ') {
		unsigned long seq = strtoul(at + 1, &at, 10);

		if (seq == 0 || seq > c->exists)
			wrong(c, "SEARCH found %lu of %u", seq, c->exists);
	}
}

static bool
on_untagged(struct client *c)
{
	char *word;
	unsigned long number = strtoul(c->line + 2, &word, 10);

	if (strncmp(c->line, "* SEARCH", 8) == 0)
		on_search(c);
	if (word == c->line + 2)
		return !c->broken;
	if (strcmp(word, " EXISTS") == 0)
		on_exists(c, (unsigned)number);
	else if (strcmp(word, " EXPUNGE") == 0)
		on_expunge(c, (unsigned)number);
	else if (strncmp(word, " FETCH ", 7) == 0)
		return on_fetch(c, (unsigned)number);
	else if (strcmp(word, " RECENT") != 0)
		wrong(c, "not understood: %.80s", c->line);
	return !c->broken;
}

/* Reads to the continuation, or to the tagged reply. */
static bool
answer(struct client *c, bool may_fail)
{
	char tag[16];
	size_t n = (size_t)snprintf(tag, sizeof(tag), "t%u ", c->tag);

	while (next_line(c)) {
		if (c->line[0] == '+')
			return true;
		if (strncmp(c->line, "* ", 2) == 0) {
			if (!on_untagged(c))
				return false;
			continue;
		}
		if (strncmp(c->line, tag, n) != 0)
			wrong(c, "not the answer to %s: %.80s", tag, c->line);
		else if (strncmp(c->line + n, "OK", 2) != 0 &&
		    !(may_fail && strncmp(c->line + n, "NO", 2) == 0))
			wrong(c, "%.200s", c->line);
		return !c->broken;
	}
	return false;
}

/* Sends a command that is complete, or up to its first continuation. */
static bool __attribute__((format(printf, 3, 4)))
command(struct client *c, enum kind kind, const char *fmt, ...)
{
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), "t%u ", ++c->tag);
	bool may_fail = kind == FETCH || kind == FETCH2 || kind == STORE ||
	    kind == COPY || kind == DELETE;
	va_list ap;

	va_start(ap, fmt);
	n += (size_t)vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	c->moves = kinds[kind].moves;
	return say(c, text, n) && answer(c, may_fail);
}

/* ---- commands ------------------------------------------------------------- */

static void
put_set(struct client *c, char *out, size_t n)
{
	unsigned from = chance(c, c->exists) + 1;
	unsigned to = from + chance(c, 5);

	snprintf(out, n, "%u:%u", from, to < c->exists ? to : c->exists);
}

static void
fetch(struct client *c)
{
	static const char *const items[] = {
		"FLAGS", "ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE",
		"RFC822.SIZE", "BODY.PEEK[HEADER]",
		"BODY.PEEK[HEADER.FIELDS (From To Subject Date)]",
	};
	unsigned first = chance(c, 7), second = chance(c, 7);
	char set[32];

	put_set(c, set, sizeof(set));
	command(c, FETCH, "FETCH %s (UID %s%s%s)\r\n", set, items[first],
	    second != first ? " " : "", second != first ? items[second] : "");
}

static void
search(struct client *c)
{
	static const char *const keys[] = {
		"UNSEEN", "FROM sender", "SUBJECT lorem", "FLAGGED",
		"SINCE 1-Jan-2020 NOT DELETED", "BODY ipsum",
	};

	command(c, SEARCH, "SEARCH %s\r\n", keys[chance(c, 6)]);
}

static void
store(struct client *c)
{
	static const char *const flags[] = { "\\Seen", "\\Flagged",
		"\\Answered", "$Label1", "\\Draft" };
	char set[32];

	put_set(c, set, sizeof(set));
	command(c, STORE, "STORE %s %cFLAGS (%s)\r\n", set,
	    chance(c, 2) ? '+' : '-', flags[chance(c, 5)]);
}

/* As many as there are too many, and sometimes one more. */
static void
delete(struct client *c)
{
	unsigned many = c->exists > MESSAGES ? c->exists - MESSAGES : 1;
	unsigned from = chance(c, c->exists) + 1;

	many += from - 1;
	command(c, DELETE, "STORE %u:%u +FLAGS (\\Deleted)\r\n", from,
	    many < c->exists ? many : c->exists);
}

static void
append(struct client *c)
{
	if (command(c, APPEND, "APPEND INBOX (\\Seen) {%zu}\r\n", message_n) &&
	    say(c, message, message_n) && say(c, "\r\n", 2))
		answer(c, false);
}

static void
idle(struct client *c)
{
	if (!command(c, IDLE, "IDLE\r\n"))
		return;
	if (c->line[0] != '+') {
		wrong(c, "IDLE without continuation: %.80s", c->line);
		return;
	}
	usleep(IDLE_MS * 1000);
	if (say(c, "DONE\r\n", 6))
		answer(c, false);
}

static void
run(struct client *c, enum kind kind)
{
	char set[32];

	switch (kind) {
	case LOGIN:
		command(c, kind, "LOGIN u%d@%s %s\r\n", c->number % users,
		    domain, password);
		break;
	case LIST:
		command(c, kind, "LIST \"\" \"*\"\r\n");
		break;
	case STATUS:
		command(c, kind,
		    "STATUS INBOX (MESSAGES UNSEEN RECENT)\r\n");
		break;
	case SELECT:
		c->exists = 0;
		command(c, kind, "SELECT INBOX\r\n");
		break;
	case FETCH:
		fetch(c);
		break;
	case FETCH2:
		command(c, kind, "FETCH %u (UID BODY.PEEK[])\r\n",
		    chance(c, c->exists) + 1);
		break;
	case SEARCH:
		search(c);
		break;
	case STORE:
		store(c);
		break;
	case COPY:
		put_set(c, set, sizeof(set));
		command(c, kind, "COPY %s INBOX\r\n", set);
		break;
	case DELETE:
		delete(c);
		break;
	case EXPUNGE:
		command(c, kind, "EXPUNGE\r\n");
		break;
	case APPEND:
		append(c);
		break;
	case NOOP:
		command(c, kind, "NOOP\r\n");
		break;
	case IDLE:
		idle(c);
		break;
	default:
		command(c, LOGOUT, "LOGOUT\r\n");
		break;
	}
}

/* Nothing is done to no messages, and adding stops while there are enough. */
static bool
is_wanted(const struct client *c, enum kind kind)
{
	switch (kind) {
	case FETCH:
	case FETCH2:
	case STORE:
	case DELETE:
		return c->exists > 0;
	case COPY:
		return c->exists > 0 && c->exists < MESSAGES;
	case APPEND:
		return c->exists < MESSAGES;
	default:
		return true;
	}
}

static void
take(struct client *c, enum kind kind)
{
	if (chance(c, 100) >= kinds[kind].odds)
		return;
	do {
		double began = now();

		if (!is_wanted(c, kind))
			return;
		run(c, kind);
		if (c->broken)
			return;
		c->count[kind]++;
		c->seconds[kind] += now() - began;
	} while (chance(c, 100) < kinds[kind].again);
}

/* ---- sessions ------------------------------------------------------------- */

static bool
open_client(struct client *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	struct timeval patience = { PATIENCE, 0 };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->ssl = SSL_new(ctx);
	SSL_set_fd(c->ssl, c->fd);
	c->at = c->n = c->exists = 0;
	c->broken = false;
	c->line[0] = '\0';
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    SSL_connect(c->ssl) != 1)
		wrong(c, "no connection");
	return !c->broken && next_line(c);
}

static void
close_client(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
}

static void *
live(void *arg)
{
	struct client *c = arg;

	while (now() < end) {
		if (open_client(c))
			for (int kind = 0; kind < KINDS && !c->broken; kind++)
				if (now() < end || kind == LOGOUT)
					take(c, (enum kind)kind);
		close_client(c);
		/* A server that refuses is not asked in a tight loop. */
		if (c->broken)
			usleep(100000);
	}
	return NULL;
}

static void
make_message(void)
{
	size_t n = (size_t)snprintf(message, sizeof(message),
	    "From: Sender <sender@example.org>\r\nTo: <r@example.org>\r\n"
	    "Subject: lorem ipsum\r\nDate: Mon, 1 Jan 2024 12:00:00 +0000\r\n"
	    "Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n");

	for (int i = 0; i < BODY_LINES; i++)
		n += (size_t)snprintf(message + n, sizeof(message) - n,
		    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, "
		    "sed do eiusmod.\r\n");
	message_n = n;
}

static uint64_t
report(const struct client *clients, int n, double took)
{
	uint64_t count[KINDS] = { 0 }, all = 0;
	double seconds[KINDS] = { 0 };

	for (int i = 0; i < n; i++)
		for (int k = 0; k < KINDS; k++) {
			count[k] += clients[i].count[k];
			seconds[k] += clients[i].seconds[k];
		}
	for (int k = 0; k < KINDS; k++)
		all += count[k];
	printf("%llu %.3f\n", (unsigned long long)all, took);
	for (int k = 0; k < KINDS; k++)
		printf("%llu %.2f %s\n", (unsigned long long)count[k],
		    count[k] > 0 ? seconds[k] * 1e3 / (double)count[k] : 0,
		    kinds[k].name);
	return all;
}

int
main(int argc, char **argv)
{
	struct client *clients;
	pthread_t *threads;
	double began;
	int n;

	if (argc != 7) {
		fprintf(stderr, "usage: imapload PORT CLIENTS USERS SECONDS "
		    "DOMAIN PASSWORD\n");
		return 2;
	}
	port = atoi(argv[1]);
	n = atoi(argv[2]);
	users = atoi(argv[3]);
	domain = argv[5];
	password = argv[6];
	make_message();
	ctx = SSL_CTX_new(TLS_client_method());
	clients = calloc((size_t)n, sizeof(*clients));
	threads = calloc((size_t)n, sizeof(*threads));
	began = now();
	end = began + atof(argv[4]);
	for (int i = 0; i < n; i++) {
		clients[i].number = i;
		clients[i].seed = (unsigned)i + 1;
		pthread_create(&threads[i], NULL, live, &clients[i]);
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return report(clients, n, now() - began) == 0 || wrongs > 0;
}
