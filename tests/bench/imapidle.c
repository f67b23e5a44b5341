/*
 * Holds many IMAP connections over TLS in IDLE, for tests/bench/run.
 *
 *	imapidle PORT CONNECTIONS USERS DOMAIN PASSWORD
 *
 * Logs in as u0@DOMAIN, u1@DOMAIN, ... in turn, selects INBOX and idles.
 * Prints "idle N" when N do, waits for a line on standard input, ends every
 * IDLE with DONE, and prints "alive N": how many answered.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define THREADS 4

static int port, connections, users;
static const char *domain, *password;
static SSL_CTX *ctx;
static SSL **clients;
static int count; /* reached the end of the phase */
static void (*phase)(int i);

/* Reads until a line starts with text; -1 if the connection ends or a line
 * starts with refused. */
static int
expect(SSL *ssl, const char *text, const char *refused)
{
	char line[1024];
	size_t n = 0;
	char c;

	while (SSL_read(ssl, &c, 1) == 1) {
		if (c != '\n') {
			if (n < sizeof(line) - 1)
				line[n++] = c;
			continue;
		}
		line[n] = '\0';
		n = 0;
		if (strncmp(line, text, strlen(text)) == 0)
			return 0;
		if (strncmp(line, refused, strlen(refused)) == 0) {
			fprintf(stderr, "imapidle: %s\n", line);
			return -1;
		}
	}
	return -1;
}

static int
say(SSL *ssl, const char *text)
{
	return SSL_write(ssl, text, (int)strlen(text)) > 0 ? 0 : -1;
}

static int
tcp_open(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd != -1 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
		perror("imapidle: connect");
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
open_one(int i)
{
	char login[512];
	SSL *ssl = SSL_new(ctx);
	int fd = tcp_open();

	clients[i] = ssl;
	if (fd == -1)
		return;
	snprintf(login, sizeof(login), "a LOGIN u%d@%s %s\r\n", i % users,
	    domain, password);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1 && expect(ssl, "* OK", "* BYE") == 0 &&
	    say(ssl, login) == 0 && expect(ssl, "a OK", "a ") == 0 &&
	    say(ssl, "b SELECT INBOX\r\n") == 0 &&
	    expect(ssl, "b OK", "b ") == 0 && say(ssl, "c IDLE\r\n") == 0 &&
	    expect(ssl, "+", "c ") == 0)
		__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
}

static void
end_one(int i)
{
	if (clients[i] != NULL && say(clients[i], "DONE\r\n") == 0 &&
	    expect(clients[i], "c OK", "c ") == 0)
		__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
}

static void *
part(void *arg)
{
	for (int i = (int)(long)arg; i < connections; i += THREADS)
		phase(i);
	return NULL;
}

static void
run(void (*fn)(int))
{
	pthread_t threads[THREADS];

	phase = fn;
	count = 0;
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, part, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int
main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	char line[16];

	if (argc != 6) {
		fprintf(stderr, "usage: imapidle PORT CONNECTIONS USERS DOMAIN "
		    "PASSWORD\n");
		return 2;
	}
	port = atoi(argv[1]);
	connections = atoi(argv[2]);
	users = atoi(argv[3]);
	domain = argv[4];
	password = argv[5];
	setrlimit(RLIMIT_NOFILE, &files);
	setvbuf(stdout, NULL, _IOLBF, 0);
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	clients = calloc((size_t)connections, sizeof(*clients));
	run(open_one);
	printf("idle %d\n", count);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 0;
	run(end_one);
	printf("alive %d\n", count);
	return 0;
}
