// part: setup
#include "setup/lookup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "check.h"

/* A name server of one thread: each question gets one TXT record "hello" as
 * its answer, questions for names that begin with "n" NXDOMAIN. */
struct server {
	pthread_t thread;
	int fd;
	char address[64];
};

static void *
serve(void *arg)
{
	static const char txt[] = "\xc0\x0c\0\x10\0\x01\0\0\0\0\0\x06\x05hello";
	struct server *s = arg;
	char packet[2048];
	struct sockaddr_in from;
	socklen_t n = sizeof(from);
	ssize_t got;

	while ((got = recvfrom(s->fd, packet, 512, 0, (struct sockaddr *)&from,
	    &n)) > 12) {
		size_t end = 12;
		bool none = packet[13] == 'n';

		while (packet[end] != 0)
			end += (unsigned char)packet[end] + 1u;
		end += 5;
		packet[2] = (char)0x81;
		packet[3] = (char)(none ? 0x83 : 0x80);
		memset(packet + 6, 0, 6);
		if (!none) {
			packet[7] = 1;
			memcpy(packet + end, txt, sizeof(txt) - 1);
			end += sizeof(txt) - 1;
		}
		sendto(s->fd, packet, end, 0, (struct sockaddr *)&from, n);
	}
	return NULL;
}

static void
server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(bind(s->fd, (struct sockaddr *)&a, n) == 0);
	CHECK(getsockname(s->fd, (struct sockaddr *)&a, &n) == 0);
	snprintf(s->address, sizeof(s->address), "127.0.0.1@%u",
	    ntohs(a.sin_port));
	CHECK(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static void
server_stop(struct server *s)
{
	/* An empty packet ends it. */
	struct sockaddr_in a;
	socklen_t n = sizeof(a);

	CHECK(getsockname(s->fd, (struct sockaddr *)&a, &n) == 0);
	CHECK(sendto(s->fd, "", 0, 0, (struct sockaddr *)&a, n) == 0);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

TEST(lookup_waits_for_answers_and_notes_them)
{
	struct buf text = BUF_INIT(4096), out = BUF_INIT(4096);
	struct json j = JSON_INIT(&out);
	const struct wire_dns_answer *a;
	const char *why = NULL;
	struct server server;
	struct dns_question q = { S("A.Example.ORG"), DNS_TXT };
	struct lookup *l;
	char *ms;

	server_start(&server);
	l = lookup_new(NULL, server.address, &why);
	CHECK(l != NULL, "%s", why);
	a = lookup_ask(l, &q);
	CHECK(a->status == WIRE_DNS_OK && a->count == 1 && !a->secure);
	CHECK(wire_dns_txt(a->rdata[0], &text) == 0);
	CHECK_SLICE(buf_slice(&text), "hello");
	/* A name out of the answer before. */
	a = lookup_name(l, slice_from(a->rdata[0], 1), DNS_TXT);
	CHECK(a->status == WIRE_DNS_OK && a->count == 1);
	CHECK(lookup_name(l, S("no.example.org"), DNS_MX)->status ==
	    WIRE_DNS_NXDOMAIN);
	CHECK(lookup_name(l, S("a..b\x1b"), DNS_A)->status ==
	    WIRE_DNS_NXDOMAIN);
	a = lookup_name(l, S("localhost"), DNS_A);
	CHECK(a->status == WIRE_DNS_OK && a->count == 1);

	buf_clear(&text);
	lookup_upstream(l, &text);
	CHECK(strstr(buf_str(&text), server.address) != NULL &&
	    strstr(buf_str(&text), ", without DNSSEC") != NULL, "%s",
	    buf_str(&text));
	buf_clear(&text);
	lookup_trace(l, &text);
	CHECK(strstr(buf_str(&text), "  TXT A.Example.ORG: 1 record, ") != NULL,
	    "%s", buf_str(&text));
	CHECK(strstr(buf_str(&text), "  MX no.example.org: no such name, ") !=
	    NULL, "%s", buf_str(&text));
	CHECK(strstr(buf_str(&text), "  A a..b?: no such name, 0 ms\n") != NULL,
	    "%s", buf_str(&text));
	lookup_trace_json(l, &j, NULL);
	CHECK(strstr(buf_str(&out), "{\"name\":\"localhost\",\"type\":\"A\","
	    "\"result\":\"ok\",\"records\":1,\"ms\":0,\"secure\":false}]") !=
	    NULL, "%s", buf_str(&out));
	ms = strstr(buf_str(&out), "no.example.org");
	CHECK(ms != NULL && strstr(ms, "\"result\":\"nxdomain\"") != NULL);
	lookup_free(l);
	server_stop(&server);
	buf_release(&text);
	buf_release(&out);
}

TEST(lookup_refuses_what_is_no_server)
{
	static const char *const bad[] = { "", "@53", "127.0.0.1@", "::1@0",
		"127.0.0.1@65536", "127.0.0.1@dns", "no.such.host.invalid" };

	for (size_t i = 0; i < LEN(bad); i++) {
		const char *why = NULL;

		CHECK(lookup_new(NULL, bad[i], &why) == NULL && why != NULL,
		    "%s", bad[i]);
	}
}

TEST(json_escapes)
{
	struct buf out = BUF_INIT(256);
	struct json j = JSON_INIT(&out);

	json_object(&j, NULL);
	json_str(&j, "a\"b", "\\\n\x7f\xc3\xa9");
	json_slice(&j, "bad", S("\xff."));
	json_array(&j, "n");
	json_num(&j, NULL, 1);
	json_bool(&j, NULL, true);
	json_array_end(&j);
	json_object_end(&j);
	CHECK_SLICE(buf_slice(&out), "{\"a\\\"b\":\"\\\\\\u000a\\u007f\xc3\xa9\","
	    "\"bad\":\"\\ufffd.\",\"n\":[1,true]}");
	buf_release(&out);
}

TESTS(T(lookup_waits_for_answers_and_notes_them),
    T(lookup_refuses_what_is_no_server),
    T(json_escapes))
