#include "mail/order.h"

#include "core/map.h"
#include "core/num.h"
#include "mail/address_list.h"
#include "mail/date.h"
#include "mail/fold.h"
#include "mail/header.h"
#include "mail/msgid.h"
#include "mail/subject.h"
#include "mail/word.h"

#define FIRST_ADDRESS 4096 /* octets of a list that hold its first address */
#define DATED 1u
#define REPLY 2u

/* The sum is that of the sources that make the form (see the Makefile). */
const uint32_t order_version = ORDER_SUM ^ LIMIT_IMAP_SORT_KEY ^
    LIMIT_IMAP_THREAD_REFERENCES * 31u ^ LIMIT_HEADER_BYTES;

/* ---- the form ------------------------------------------------------------- */

static void
put_number(struct buf *out, uint64_t n)
{
	unsigned char bytes[8];

	num_be64_put(bytes, n);
	buf_add(out, bytes, sizeof(bytes));
}

static void
put_text(struct buf *out, struct slice text)
{
	text = slice_head(text, LIMIT_IMAP_SORT_KEY);
	buf_addc(out, (char)(text.n >> 8));
	buf_addc(out, (char)(text.n & 0xff));
	buf_add_slice(out, text);
}

/* The next n octets of *in; all there are, if fewer. */
static struct slice
take(struct slice *in, size_t n)
{
	struct slice got = slice_head(*in, n);

	*in = slice_from(*in, got.n);
	return got;
}

static bool
take_number(struct slice *in, uint64_t *out)
{
	struct slice got = take(in, 8);

	if (got.n < 8)
		return false;
	*out = num_be64((const unsigned char *)got.p);
	return true;
}

static bool
take_text(struct slice *in, struct slice *out)
{
	struct slice got = take(in, 2);
	size_t n;

	if (got.n < 2)
		return false;
	n = (size_t)(uint8_t)got.p[0] << 8 | (uint8_t)got.p[1];
	*out = take(in, n);
	return out->n == n && n <= LIMIT_IMAP_SORT_KEY;
}

int
order_read(struct order *out, struct slice form)
{
	struct slice head = take(&form, 2);
	uint64_t sent;

	if (head.n < 2 || !take_number(&form, &sent) ||
	    !take_number(&form, &out->id) || !take_number(&form, &out->subject))
		return -1;
	out->dated = (head.p[0] & DATED) != 0;
	out->reply = (head.p[0] & REPLY) != 0;
	out->sent = (int64_t)sent;
	out->n_references = (uint8_t)head.p[1];
	if (out->n_references > LIMIT_IMAP_THREAD_REFERENCES)
		return -1;
	for (size_t i = 0; i < ORDER_TEXTS; i++)
		if (!take_text(&form, &out->texts[i]))
			return -1;
	for (size_t i = 0; i < out->n_references; i++)
		if (!take_number(&form, &out->references[i]))
			return -1;
	return form.n == 0 ? 0 : -1;
}

/* ---- from a header -------------------------------------------------------- */

enum field { CC, DATE, FROM, ID, IN_REPLY_TO, REFERENCES, SUBJECT, TO, FIELDS };

/* The first field of each name. */
static void
find_fields(struct slice headers, struct slice values[FIELDS])
{
	static const struct slice names[FIELDS] = {
		[CC] = { "Cc", 2 }, [DATE] = { "Date", 4 },
		[FROM] = { "From", 4 }, [ID] = { "Message-ID", 10 },
		[IN_REPLY_TO] = { "In-Reply-To", 11 },
		[REFERENCES] = { "References", 10 },
		[SUBJECT] = { "Subject", 7 }, [TO] = { "To", 2 },
	};
	struct header_iter it = header_begin(headers);
	struct header_field field;

	while (header_next(&it, &field))
		for (size_t i = 0; i < FIELDS; i++)
			if (values[i].p == NULL &&
			    header_is(&field, names[i]))
				values[i] = slice_trim(field.value);
}

/* RFC 5957 section 3 */
static void
put_display(struct buf *out, const struct address *a)
{
	size_t before = out->n;

	if (a->name.p != NULL)
		word_decode(out, a->name);
	if (out->n > before || a->mailbox.p == NULL)
		return;
	buf_add_slice(out, a->mailbox);
	if (a->host.p == NULL)
		return;
	buf_addc(out, '@');
	buf_add_slice(out, a->host);
}

/* The mailbox of the first address, and unless it is NULL what is shown. */
static void
fold_address(struct slice value, struct buf *mailbox, struct buf *display)
{
	struct buf plain = BUF_INIT(LIMIT_HEADER_BYTES * 4);
	struct arena arena = ARENA_INIT;
	struct address_list list;

	address_list_parse(&arena, slice_head(value, FIRST_ADDRESS), &list);
	if (list.n > 0) {
		text_fold(mailbox, list.v[0].mailbox);
		if (display != NULL)
			put_display(&plain, &list.v[0]);
	}
	if (display != NULL)
		text_fold(display, buf_slice(&plain));
	arena_release(&arena);
	buf_release(&plain);
}

/* Never 0, which is none. */
static uint64_t
hash_text(struct slice text)
{
	uint64_t h = map_hash_kept(text);

	return h != 0 ? h : 1;
}

static size_t
read_references(const struct slice values[FIELDS],
    uint64_t out[LIMIT_IMAP_THREAD_REFERENCES])
{
	const size_t max = LIMIT_IMAP_THREAD_REFERENCES, ring = max - 1;
	uint64_t ids[LIMIT_IMAP_THREAD_REFERENCES];
	struct buf id = BUF_INIT(LIMIT_HEADER_BYTES);
	struct slice in = values[REFERENCES];
	size_t n = 0, from = 0;

	while (msgid_next(&in, &id)) {
		ids[n < max ? n : 1 + (n - 1) % ring] =
		    hash_text(buf_slice(&id));
		n++;
	}
	in = values[IN_REPLY_TO];
	if (n == 0 && msgid_next(&in, &id))
		ids[n++] = hash_text(buf_slice(&id));
	buf_release(&id);
	if (n > max) {
		from = (n - 1) % ring;
		n = max;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = ids[i == 0 ? 0 : 1 + (from + i - 1) % ring];
	return n;
}

static uint64_t
read_id(struct slice value)
{
	struct buf id = BUF_INIT(LIMIT_HEADER_BYTES);
	uint64_t hash = msgid_next(&value, &id) ? hash_text(buf_slice(&id)) : 0;

	buf_release(&id);
	return hash;
}

static void
fold_subject(struct slice value, struct buf *out, bool *reply)
{
	struct buf base = BUF_INIT(LIMIT_HEADER_BYTES * 4);

	subject_base(&base, value, reply);
	text_fold(out, buf_slice(&base));
	buf_release(&base);
}

void
order_make(struct buf *out, struct slice headers)
{
	struct slice values[FIELDS] = { 0 };
	uint64_t references[LIMIT_IMAP_THREAD_REFERENCES];
	struct buf texts[ORDER_TEXTS];
	struct date date = { 0 };
	bool dated, reply = false;
	size_t n;

	for (size_t i = 0; i < ORDER_TEXTS; i++)
		buf_init(&texts[i], LIMIT_HEADER_BYTES * 16);
	find_fields(headers, values);
	n = read_references(values, references);
	fold_subject(values[SUBJECT], &texts[ORDER_SUBJECT], &reply);
	fold_address(values[CC], &texts[ORDER_CC], NULL);
	fold_address(values[FROM], &texts[ORDER_FROM],
	    &texts[ORDER_DISPLAYFROM]);
	fold_address(values[TO], &texts[ORDER_TO], &texts[ORDER_DISPLAYTO]);
	dated = values[DATE].n > 0 && date_parse(values[DATE], &date) == 0;
	buf_addc(out, (char)((dated ? DATED : 0) | (reply ? REPLY : 0)));
	buf_addc(out, (char)n);
	put_number(out, dated ? (uint64_t)date.epoch : 0);
	put_number(out, read_id(values[ID]));
	put_number(out, texts[ORDER_SUBJECT].n > 0 ?
	    hash_text(buf_slice(&texts[ORDER_SUBJECT])) : 0);
	for (size_t i = 0; i < ORDER_TEXTS; i++) {
		put_text(out, buf_slice(&texts[i]));
		buf_release(&texts[i]);
	}
	for (size_t i = 0; i < n; i++)
		put_number(out, references[i]);
}
