#include "services/deliver/place.h"

#include "core/limits.h"
#include "mail/trace.h"
#include "wire/deliver.h"

#define LATER(enhanced, text) { WIRE_LATER, enhanced, text }
#define NEVER(enhanced, text) { WIRE_NEVER, enhanced, text }

static const struct place_verdict verdicts[STORE_ERRORS] = {
	[STORE_OK] = { WIRE_DONE, "2.0.0", "Saved" },
	[STORE_NO_MAILBOX] = LATER("4.3.0", "Mailbox is not available"),
	[STORE_NO_MESSAGE] = LATER("4.3.0", "Mailbox is not available"),
	[STORE_EXISTS] = LATER("4.3.0", "Mailbox is not available"),
	[STORE_HAS_CHILDREN] = LATER("4.3.0", "Mailbox is not available"),
	[STORE_NAME] = NEVER("5.1.3", "Not a valid mailbox name"),
	[STORE_LIMIT] = NEVER("5.2.3", "Message exceeds a mailbox limit"),
	[STORE_QUOTA] = NEVER("5.2.2",
	    "Quota exceeded (mailbox for user is full)"),
	[STORE_NO_RIGHT] = LATER("4.3.0", "Mailbox is not available"),
	[STORE_NO_SPACE] = LATER("4.3.1", "Insufficient system storage"),
	[STORE_READ_ONLY] = LATER("4.3.0", "Mail storage is read-only"),
	[STORE_DENIED] = LATER("4.3.0", "Mail storage refuses access"),
	[STORE_AGAIN] = LATER("4.2.0", "Mailbox is busy"),
	[STORE_CORRUPT] = LATER("4.3.0", "Mailbox is damaged"),
	[STORE_IO] = LATER("4.3.0", "Mail storage failed"),
};

const struct place_verdict *
place_verdict(enum store_err err)
{
	assert((unsigned)err < STORE_ERRORS && verdicts[err].text != NULL);
	return &verdicts[err];
}

void
place_headers(struct buf *out, struct slice sender, struct slice recipient)
{
	trace_return_path(out, sender);
	buf_adds(out, "Delivered-To: <");
	for (size_t i = 0; i < recipient.n; i++) {
		unsigned char c = (unsigned char)recipient.p[i];

		buf_addc(out, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
	buf_adds(out, ">\r\n");
}

void
place_message(struct place *p)
{
	struct buf prefix = BUF_INIT(LIMIT_FRAME + 4096);
	struct store_user *user;
	struct store_appended appended = { 0 };

	place_headers(&prefix, p->sender, p->recipient);
	buf_add_slice(&prefix, p->prefix);
	p->err = store_user_open(p->store, p->user, &user);
	if (p->err == STORE_OK) {
		const struct store_delivery d = {
			.mailbox = S("INBOX"),
			.prefix = buf_slice(&prefix),
			.fd = p->fd,
			.size = p->size,
			.cuts = p->cuts,
			.n_cuts = p->n_cuts,
			.meta = { .delivery_id = p->queue_id },
		};

		store_user_set_quota(user, &p->quota);
		p->err = store_deliver(user, &d, &appended);
		p->repeated = appended.repeated;
		p->counted = store_user_usage(user, &p->held);
		store_user_close(user);
	}
	buf_release(&prefix);
}
