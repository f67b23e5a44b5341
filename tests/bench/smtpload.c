/*
 * Sends messages over SMTP as fast as a server takes them, for tests/bench/run:
 * a fixed number of connections, each with one message after the other,
 * pipelined as RFC 2920 allows (MAIL, RCPT and DATA in one write).
 *
 *	smtpload [-c CLIENT] [-r REVERSE_PATH] [-f FILE] \
 *	    PORT CONNECTIONS MESSAGES SIZE USERS DOMAIN TAG [EACH]
 *
 * With EACH, a connection ends after so many messages and a new one takes its
 * place. Recipients are u0@DOMAIN, u1@DOMAIN, ... in turn. CLIENT is the
 * address to connect from, FILE a message (CRLF) to send as it is. Prints one
 * line: messages accepted, messages refused, seconds, and the median and the
 * 99th percentile of a message's milliseconds from MAIL to its last reply.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum step { BANNER, HELO, MAIL, RCPT, DATA, BODY, QUIT };

struct client {
	int fd;
	enum step step;
	char line[4096];
	size_t n;
	double began;
	int message;
	int sent; /* on this connection */
};

static int port, connections, messages, users, each;
static size_t size;
static const char *domain, *tag;
static const char *client_address = "127.0.0.1";
static const char *reverse_path = "sender@example.org";
static char *file; /* or NULL */
static size_t file_size;
static int next_message, accepted, refused, open_clients, epoll;
static double *took;
static char *filler;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	fprintf(stderr, "smtpload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
send_all(struct client *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t r = send(c->fd, p, n, MSG_NOSIGNAL);

		if (r < 0)
			die("send");
		p += r;
		n -= (size_t)r;
	}
}

static void
client_open(struct client *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = inet_addr(client_address);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd == -1 ||
	    bind(c->fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->step = BANNER;
	c->n = 0;
	c->sent = 0;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) == -1)
		die("epoll_ctl");
	open_clients++;
}

static void
next(struct client *c)
{
	char text[512];
	int n;

	if (next_message >= messages || (each > 0 && c->sent == each)) {
		c->step = QUIT;
		send_all(c, "QUIT\r\n", 6);
		return;
	}
	c->message = next_message++;
	c->sent++;
	c->step = MAIL;
	c->began = now();
	n = snprintf(text, sizeof(text),
	    "MAIL FROM:<%s>\r\nRCPT TO:<u%d@%s>\r\nDATA\r\n",
	    reverse_path, c->message % users, domain);
	send_all(c, text, (size_t)n);
}

static void
read_file(const char *path)
{
	FILE *f = fopen(path, "r");

	file = malloc(1 << 22);
	if (f == NULL || file == NULL)
		die(path);
	file_size = fread(file, 1, (1 << 22) - 3, f);
	memcpy(file + file_size, ".\r\n", 3);
	file_size += 3;
	fclose(f);
}

static void
send_body(struct client *c)
{
	char *text = malloc(size + 1024);
	int n = snprintf(text, 1024,
	    "From: Sender <sender@example.org>\r\nTo: <u%d@%s>\r\n"
	    "Subject: Message %d of %s\r\n"
	    "Date: Mon, 01 Jan 2024 12:00:00 +0000\r\n"
	    "Message-ID: <%s.%d@example.org>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n",
	    c->message % users, domain, c->message, tag, tag, c->message);
	size_t rest = size > (size_t)n ? size - (size_t)n : 0;

	memcpy(text + n, filler, rest);
	memcpy(text + n + rest, "\r\n.\r\n", 5);
	send_all(c, text, (size_t)n + rest + 5);
	free(text);
}

/* The goodbye came. */
static void
client_quit(struct client *c)
{
	close(c->fd);
	c->fd = -1;
	open_clients--;
	if (next_message < messages)
		client_open(c);
}

/* One complete reply, but for the last. */
static void
on_reply(struct client *c, int code)
{
	switch (c->step) {
	case BANNER:
		send_all(c, "EHLO client.example.org\r\n", 25);
		c->step = HELO;
		break;
	case HELO:
		next(c);
		break;
	case MAIL:
	case RCPT:
		if (code != 250) {
			fprintf(stderr, "smtpload: %d for MAIL or RCPT\n", code);
			exit(1);
		}
		c->step++;
		break;
	case DATA:
		if (code != 354) {
			fprintf(stderr, "smtpload: %d for DATA\n", code);
			exit(1);
		}
		c->step = BODY;
		if (file != NULL)
			send_all(c, file, file_size);
		else
			send_body(c);
		break;
	case BODY:
		took[accepted + refused] = now() - c->began;
		if (code == 250)
			accepted++;
		else
			refused++;
		next(c);
		break;
	case QUIT:
		break;
	}
}

static void
on_readable(struct client *c)
{
	ssize_t r = recv(c->fd, c->line + c->n, sizeof(c->line) - c->n, 0);
	char *at = c->line, *end;

	if (r <= 0)
		die("connection lost");
	c->n += (size_t)r;
	while ((end = memchr(at, '\n', (size_t)(c->line + c->n - at))) !=
	    NULL) {
		int code = atoi(at);
		int last = end - at >= 3 && at[3] != '-';

		at = end + 1;
		if (last && c->step == QUIT) {
			client_quit(c);
			return;
		}
		if (last)
			on_reply(c, code);
	}
	c->n -= (size_t)(at - c->line);
	memmove(c->line, at, c->n);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	struct client *clients;
	double began;
	int option;

	while ((option = getopt(argc, argv, "c:r:f:")) != -1) {
		if (option == 'c')
			client_address = optarg;
		else if (option == 'r')
			reverse_path = optarg;
		else if (option == 'f')
			read_file(optarg);
		else
			return 2;
	}
	argv += optind - 1;
	argc -= optind - 1;
	if (argc < 8) {
		fprintf(stderr, "usage: smtpload [-c CLIENT] [-r REVERSE_PATH] "
		    "[-f FILE] PORT CONNECTIONS MESSAGES SIZE USERS DOMAIN TAG "
		    "[EACH]\n");
		return 2;
	}
	port = atoi(argv[1]);
	connections = atoi(argv[2]);
	messages = atoi(argv[3]);
	size = (size_t)atol(argv[4]);
	users = atoi(argv[5]);
	domain = argv[6];
	tag = argv[7];
	each = argc > 8 ? atoi(argv[8]) : 0;
	setrlimit(RLIMIT_NOFILE, &files);
	filler = malloc(size + 80);
	for (size_t i = 0; i < size + 80; i++)
		filler[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' :
		    (char)('a' + (int)((i * 7 + i / 72) % 26));
	took = calloc((size_t)messages, sizeof(*took));
	clients = calloc((size_t)connections, sizeof(*clients));
	epoll = epoll_create1(0);
	began = now();
	for (int i = 0; i < connections; i++)
		client_open(&clients[i]);
	while (open_clients > 0) {
		struct epoll_event e[128];
		int n = epoll_wait(epoll, e, 128, 60000);

		if (n == 0) {
			fprintf(stderr, "smtpload: nothing for a minute\n");
			return 1;
		}
		for (int i = 0; i < n; i++)
			on_readable(e[i].data.ptr);
	}
	qsort(took, (size_t)messages, sizeof(*took), by_value);
	printf("%d %d %.3f %.2f %.2f\n", accepted, refused, now() - began,
	    took[messages / 2] * 1e3, took[messages * 99 / 100] * 1e3);
	return 0;
}
