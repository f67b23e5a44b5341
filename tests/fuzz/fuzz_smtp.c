// part: services/smtp
/*
 * What an SMTP client sends, at the parsers: path and parameters, a login, and
 * text cut into pieces. The first byte says where to cut.
 */
#include "core/buf.h"
#include "mail/addr.h"
#include "services/smtp/auth.h"
#include "services/smtp/body.h"
#include "services/smtp/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
arguments(struct slice in)
{
	struct params params;
	const char *why = NULL;
	struct addr a;

	if (addr_parse_path(&in, ADDR_UTF8 | ADDR_NULL, &a, &why) == -1) {
		assert(why != NULL);
		return;
	}
	if (params_parse(&params, PARAMS_MAIL, in, &why) == 0)
		assert(params.envid.n <= 100);
	else
		assert(why[0] == '5');
	if (params_parse(&params, PARAMS_RCPT, in, &why) == 0)
		assert(params.orcpt.n <= 500 && params.notify < 16);
	else
		assert(why[0] == '5');
}

struct result {
	struct buf text;
	struct dotstuff d;
	size_t used;
};

/* Pieces of step bytes, each in memory of its own. */
static void
decode(struct result *r, struct slice in, size_t step, bool raw)
{
	buf_init(&r->text, 1 << 24);
	dotstuff_init(&r->d, raw);
	r->used = 0;
	while (r->used < in.n && !r->d.done) {
		size_t left = in.n - r->used, got = 0;
		size_t piece = left < step ? left : step;
		char *copy = mem_dup(in.p + r->used, piece);

		while (got < piece && !r->d.done) {
			struct slice spans[DOTSTUFF_SPANS];
			size_t count;

			got += dotstuff_decode(&r->d,
			    slice_of(copy + got, piece - got), spans, &count);
			assert(count <= DOTSTUFF_SPANS);
			for (size_t i = 0; i < count; i++)
				buf_add_slice(&r->text, spans[i]);
		}
		r->used += got;
		mem_free(copy);
	}
}

/* The input with each LF of its own made a CRLF. */
static void
with_line_ends(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			buf_addc(out, '\r');
		buf_addc(out, in.p[i]);
	}
}

/* How the input is cut makes no difference, and raw text stays as it is but
 * for line ends. */
static void
text(struct slice in, size_t step)
{
	struct buf want = BUF_INIT(1 << 24);
	struct result whole, cut, raw;

	decode(&whole, in, in.n + 1, false);
	decode(&cut, in, step, false);
	decode(&raw, in, step, true);
	assert(whole.used == cut.used && whole.d.done == cut.d.done);
	assert(whole.d.faults == cut.d.faults);
	assert(slice_eq(buf_slice(&whole.text), buf_slice(&cut.text)));
	with_line_ends(&want, in);
	assert(!raw.d.done && slice_eq(buf_slice(&raw.text), buf_slice(&want)));
	/* Nothing ends but behind CRLF, dot, CRLF. */
	if (whole.d.done)
		assert(slice_ends(slice_head(in, whole.used), S(".\r\n")) &&
		    (whole.used == 3 ||
		    slice_ends(slice_head(in, whole.used), S("\r\n.\r\n"))));
	buf_release(&want);
	buf_release(&whole.text);
	buf_release(&cut.text);
	buf_release(&raw.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in, authzid, user, password;

	if (n == 0)
		return 0;
	in = slice_of(p + 1, n - 1);
	arguments(in);
	text(in, 1 + p[0] % 64);
	if (auth_plain_parse(in, &authzid, &user, &password) == 0)
		assert(authzid.n + user.n + password.n + 2 == in.n);
	return 0;
}
