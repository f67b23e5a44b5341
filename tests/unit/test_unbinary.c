#include "check.h"

#include "mail/encode.h"
#include "mail/unbinary.h"

#define BINARY "Content-Transfer-Encoding: binary\r\n"
#define BASE64 "Content-Transfer-Encoding: base64\r\n"

/* In pieces of step bytes. */
static void
filter(struct slice in, size_t step, struct buf *out)
{
	struct unbinary u;

	unbinary_init(&u);
	for (size_t i = 0; i < in.n; i += step)
		unbinary_feed(&u, slice_head(slice_from(in, i), step), out);
	unbinary_end(&u, out);
	unbinary_release(&u);
}

TEST(binary_parts_become_base64_in_any_cut)
{
	static const struct {
		struct slice in;
		struct slice want;
	} cases[] = {
		/* Without a binary part nothing changes. */
		{ S(""), S("") },
		{ S("Subject: x\n\nbody\rbare\n"),
		    S("Subject: x\n\nbody\rbare\n") },
		{ S("no body"), S("no body") },
		{ S("A: b\r\n" BINARY "\r\na\n\0b\r\n"),
		    S("A: b\r\n" BASE64 "\r\nYQoAYg0K\r\n") },
		{ S(BINARY "\r\n"), S(BASE64 "\r\n") },
		{ S("content-transfer-encoding:\n BINARY\nA: b\n\nx"),
		    S(BASE64 "A: b\n\neA==\r\n") },
		/* The line end before a boundary is not the part's. */
		{ S("Content-Type: multipart/mixed; boundary=b\r\n" BINARY
		    "\r\npre\r\n--b\r\n" BINARY "\r\n\1\r\n\r\n--b\r\n"
		    "\r\nplain\r\n--b--\r\nend\r\n"),
		    S("Content-Type: multipart/mixed; boundary=b\r\n"
		    "Content-Transfer-Encoding: 8bit\r\n"
		    "\r\npre\r\n--b\r\n" BASE64 "\r\nAQ0K\r\n--b\r\n"
		    "\r\nplain\r\n--b--\r\nend\r\n") },
		/* The outer boundary ends inner parts. */
		{ S("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
		    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n"
		    BINARY "\r\n\1\r\n--o\r\n" BINARY "\r\n--i\r\n--o--"),
		    S("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
		    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n"
		    BASE64 "\r\nAQ==\r\n--o\r\n" BASE64
		    "\r\nLS1p\r\n--o--") },
		/* A message inside is no leaf, and has parts of its own. */
		{ S("Content-Type: message/rfc822\r\n" BINARY "\r\n"
		    "Subject: in\r\n" BINARY "\r\n\0"),
		    S("Content-Type: message/rfc822\r\n"
		    "Content-Transfer-Encoding: 8bit\r\n\r\n"
		    "Subject: in\r\n" BASE64 "\r\nAA==\r\n") },
		{ S("Content-Type: multipart/digest; boundary=b\r\n\r\n"
		    "--b\r\n\r\n" BINARY "\r\n\0\r\n--b--\r\n"),
		    S("Content-Type: multipart/digest; boundary=b\r\n\r\n"
		    "--b\r\n\r\n" BASE64 "\r\nAA==\r\n--b--\r\n") },
		/* A part that ends in its header. */
		{ S("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		    "--b\r\n" BINARY "--b\r\n" BINARY "\r\nx\r\n--b--"),
		    S("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		    "--b\r\n" BINARY "--b\r\n" BASE64 "\r\neA==\r\n--b--") },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t step = 1; step < 40; step++) {
			struct buf out = BUF_INIT(10000);

			filter(cases[i].in, step, &out);
			CHECK(slice_eq(buf_slice(&out), cases[i].want),
			    "case %zu step %zu: %s", i, step, buf_str(&out));
			buf_release(&out);
		}
}

TEST(long_lines_keep_their_bytes)
{
	struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(1 << 21);
	struct buf back = BUF_INIT(1 << 20);
	size_t header;

	buf_adds(&in, BINARY "\r\n");
	header = in.n;
	for (int i = 0; i < 100000; i++)
		buf_addc(&in, i % 1201 == 0 ? '\n' : i % 1200 == 1199 ? '\r' :
		    (char)(i * 7));
	for (size_t step = 1; step < 5000; step = step * 3 + 1) {
		buf_clear(&out);
		buf_clear(&back);
		filter(buf_slice(&in), step, &out);
		decode_body(&back, ENCODING_BASE64,
		    slice_from(buf_slice(&out), header));
		CHECK(slice_eq(buf_slice(&back),
		    slice_from(buf_slice(&in), header)), "step %zu", step);
	}
	buf_release(&in);
	buf_release(&out);
	buf_release(&back);
}

TEST(a_header_beyond_the_cap_passes)
{
	struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(1 << 21);

	buf_adds(&in, BINARY);
	while (in.n < LIMIT_HEADER_BYTES + 1000)
		buf_adds(&in, "X: y\r\n");
	buf_adds(&in, "\r\n\1\2\3");
	filter(buf_slice(&in), 65536, &out);
	CHECK(slice_eq(buf_slice(&in), buf_slice(&out)), "%zu", out.n);
	buf_release(&in);
	buf_release(&out);
}

TESTS(T(binary_parts_become_base64_in_any_cut),
    T(long_lines_keep_their_bytes),
    T(a_header_beyond_the_cap_passes))
