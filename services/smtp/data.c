/* DATA (RFC 5321 4.1.1.4). */
#include "services/smtp/command.h"

#include "services/smtp/reply.h"

static void
begin(struct session *s)
{
	body_init(&s->t.body, s->server->conf->message_size_limit, false);
	s->t.until = loop_now(service_loop(s->server->service)) +
	    LIMIT_SMTP_DATA_MS;
	session_enter(s, SMTP_DATA);
	reply(s, "354 End data with <CR><LF>.<CR><LF>");
}

void
smtp_cmd_data(struct session *s, struct slice args)
{
	if (args.n > 0)
		reply(s, "501 5.5.4 Syntax: DATA");
	else
		transaction_need_file(s, begin);
}

size_t
data_input(struct session *s, struct slice in)
{
	size_t used = body_take(&s->t.body, s->t.fd, in);

	if (s->t.body.text.done)
		transaction_commit(s);
	return used;
}
