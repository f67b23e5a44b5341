/* Replies to the client. See reply.h. */
#include "services/smtp/reply.h"

/* RFC 5321 4.5.3.1.5 asks for 512; addresses that we quote can be longer. */
#define MAX_REPLY 1000

static struct slice
send_reply(struct session *s, char text[MAX_REPLY], const char *fmt, va_list ap)
{
	int made = vsnprintf(text, MAX_REPLY - 2, fmt, ap);
	size_t n = made < 0 ? 0 : (size_t)made;

	if (n > MAX_REPLY - 3)
		n = MAX_REPLY - 3;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	text[n] = '\r';
	text[n + 1] = '\n';
	conn_write(s->conn, text, n + 2);
	/* RFC 5321 4.2.1: with 4yz the client did nothing wrong. */
	if (text[0] == '5')
		s->errors++;
	return slice_of(text, n);
}

void
reply(struct session *s, const char *fmt, ...)
{
	char text[MAX_REPLY];
	struct slice sent;
	va_list ap;

	va_start(ap, fmt);
	sent = send_reply(s, text, fmt, ap);
	va_end(ap);
	if (log_enabled(LOG_DEBUG)) {
		struct log_line l;

		session_log(s, &l, LOG_DEBUG, "reply");
		log_slice(&l, "text", sent);
		log_end(&l);
	}
}

void
reply_reject(struct session *s, const char *command, struct slice to,
    const char *fmt, ...)
{
	char text[MAX_REPLY];
	struct log_line l;
	struct slice sent;
	va_list ap;

	va_start(ap, fmt);
	sent = send_reply(s, text, fmt, ap);
	va_end(ap);
	session_log(s, &l, LOG_INFO, "reject");
	log_str(&l, "command", command);
	log_slice(&l, "reply", sent);
	if (s->t.sender.p != NULL)
		log_slice(&l, "from", s->t.sender);
	if (to.n > 0)
		log_slice(&l, "to", to);
	log_str(&l, "proto", s->esmtp ? "ESMTP" : "SMTP");
	log_str(&l, "helo", s->helo != NULL ? s->helo : "");
	log_end(&l);
}
