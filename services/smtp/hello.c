/* EHLO, HELO and STARTTLS. */
#include "services/smtp/command.h"

#include "mail/addr.h"
#include "services/smtp/reply.h"

/* dms-compat 6.2: judged at RCPT, of strangers only. */
static enum session_helo
judge(struct slice name)
{
	union sockaddr_any a;

	if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']') {
		struct slice ip = slice_of(name.p + 1, name.n - 2);

		if (slice_istarts(ip, S("IPv6:")))
			ip = slice_from(ip, 5);
		return sockaddr_parse(&a, ip, 0) == 0 ? HELO_OK : HELO_INVALID;
	}
	return addr_domain_valid(name, ADDR_UTF8) ? HELO_OK : HELO_INVALID;
}

static int
greet(struct session *s, struct slice args, bool esmtp)
{
	struct slice name;

	/* Blanks and more words behind the name are nothing we need. */
	if (!slice_word(&args, &name) || name.n > LIMIT_DOMAIN) {
		reply(s, "501 5.5.4 Syntax: %s hostname",
		    esmtp ? "EHLO" : "HELO");
		return -1;
	}
	/* RFC 5321 4.1.4: EHLO in a session is a RSET too. */
	transaction_end(s);
	session_enter(s, SMTP_IDLE);
	mem_free(s->helo);
	s->helo = slice_dup(name);
	s->helo_kind = judge(name);
	s->esmtp = esmtp;
	return 0;
}

void
smtp_cmd_helo(struct session *s, struct slice args)
{
	if (greet(s, args, false) == 0)
		reply(s, "250 %s", s->server->conf->hostname);
}

void
smtp_cmd_ehlo(struct session *s, struct slice args)
{
	const struct server *v = s->server;
	bool tls = conn_is_tls(s->conn);
	struct mechanism_offer offer = auth_offer(s);
	struct buf auth = BUF_INIT(512);
	char size[32] = "";

	if (greet(s, args, true) == -1)
		return;
	if (v->conf->message_size_limit != 0)
		snprintf(size, sizeof(size), " %llu",
		    (unsigned long long)v->conf->message_size_limit);
	if (v->submission && tls) {
		buf_adds(&auth, "250-AUTH");
		mechanism_list(&offer, " ", &auth);
		/* One line more for clients older than RFC 2554. */
		buf_adds(&auth, "\r\n250-AUTH=PLAIN LOGIN\r\n");
	}
	conn_writef(s->conn,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE%s\r\n%s%s"
	    "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n"
	    "250-SMTPUTF8\r\n250 CHUNKING\r\n",
	    v->conf->hostname, size,
	    v->tls != NULL && !tls ? "250-STARTTLS\r\n" : "", buf_str(&auth));
	buf_release(&auth);
}

void
smtp_cmd_starttls(struct session *s, struct slice args)
{
	if (args.n > 0) {
		reply(s, "501 5.5.4 Syntax: STARTTLS");
		return;
	}
	if (conn_is_tls(s->conn)) {
		reply(s, "503 5.5.1 Error: TLS already active");
		return;
	}
	if (s->server->tls == NULL) {
		/* RFC 3207 4 */
		reply(s, "454 4.7.0 TLS not available due to local problem");
		return;
	}
	reply(s, "220 2.0.0 Ready to start TLS");
	/* RFC 3207 4.2: nothing said in clear survives, and what was pipelined
	 * behind the command is dropped with the rest of the input. */
	mem_free(s->helo);
	s->helo = NULL;
	s->esmtp = false;
	session_enter(s, SMTP_OPENING);
	conn_tls_server(s->conn, s->server->tls);
}
