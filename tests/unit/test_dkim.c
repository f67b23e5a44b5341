// part: services/keys
#include "msgauth/dkim_verify.h"

#include <sys/mman.h>

#include "check.h"

#include "core/file.h"
#include "msgauth/canon.h"
#include "msgauth/fields.h"
#include "msgauth/pubkey.h"
#include "msgauth/dkim_sign.h"
#include "msgauth/tags.h"
#include "services/keys/ring.h"

/* RFC 8463 appendix A. */
static const char rsa_record[] =
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
    "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
    "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
    "Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
static const char ed_record[] =
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char rsa_key[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";
/* The same Ed25519 key in PKCS #8. */
static const char ed_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

static const char rfc_message[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n"
    "\r\n"
    "We lost the game.  Are you hungry yet?\r\n"
    "\r\n"
    "Joe.\r\n";

static int
file_of(struct slice text)
{
	int fd = memfd_create("message", 0);

	CHECK(fd != -1 && file_write_all(fd, text.p, text.n) == 0, " ");
	return fd;
}

/* Judges text; every signature finds both records. */
static void
judge(struct dkim_verify *v, struct slice text)
{
	dkim_verify_init(v);
	v->fd = file_of(text);
	v->size = text.n;
	v->authserv_id = S("mx.test");
	v->now = 1700000000;
	dkim_verify_read(v);
	for (size_t i = 0; i < v->n; i++) {
		struct dkim_verified *s = &v->list[i];

		if (s->result == DKIM_NEEDS_KEY &&
		    !dkim_verify_use_key(s, slice_str(ed_record)) &&
		    s->sig.alg == WIRE_KEYS_RSA_SHA256)
			dkim_verify_use_key(s, slice_str(rsa_record));
	}
}

static void
append(void *arg, struct slice bytes)
{
	buf_add_slice(arg, bytes);
}

static void
body(struct buf *out, bool relaxed, struct slice in, size_t piece)
{
	struct canon_body c;

	canon_body_init(&c, relaxed, append, out);
	for (size_t i = 0; i < in.n; i += piece)
		canon_body_feed(&c, slice_head(slice_from(in, i), piece));
	canon_body_end(&c);
}

TEST(body_is_canonical_however_it_is_cut)
{
	/* RFC 6376 3.4.5 and the corners of 3.4.3 and 3.4.4. */
	static const struct {
		const char *in, *simple, *relaxed;
	} cases[] = {
		{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n",
		    " C\r\nD E\r\n" },
		{ "", "\r\n", "" },
		{ "\r\n", "\r\n", "" },
		{ "\r\n\r\n\r\n", "\r\n", "" },
		{ " \r\n\t\r\n", " \r\n\t\r\n", "" },
		{ "a", "a\r\n", "a\r\n" },
		{ "a\r\n \r\n", "a\r\n \r\n", "a\r\n" },
		{ "a\r\n \r\nb\r\n", "a\r\n \r\nb\r\n", "a\r\n\r\nb\r\n" },
		{ "\r\na\r\n", "\r\na\r\n", "\r\na\r\n" },
		{ "a \t b\t\r\n", "a \t b\t\r\n", "a b\r\n" },
		{ "a\rb\r\r\n", "a\rb\r\r\n", "a\rb\r\r\n" },
		{ "a\nb \n\r\n", "a\nb \n\r\n", "a\nb \n\r\n" },
		{ "a\r", "a\r\r\n", "a\r\r\n" },
		{ "a \r", "a \r\r\n", "a \r\r\n" },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t piece = 1; piece < 8; piece++) {
			struct buf s = BUF_INIT(100), r = BUF_INIT(100);
			struct slice in = slice_str(cases[i].in);

			body(&s, false, in, piece);
			body(&r, true, in, piece);
			CHECK_SLICE(buf_slice(&s), cases[i].simple);
			CHECK_SLICE(buf_slice(&r), cases[i].relaxed);
			buf_release(&s);
			buf_release(&r);
		}
}

/* RFC 6376 3.4.3 and 3.4.4 line by line, as they read. */
static void
body_by_the_book(struct buf *out, bool relaxed, struct slice in)
{
	size_t at = 0, kept = 0;
	bool any = false;

	while (at < in.n) {
		size_t end = at;

		while (end < in.n && !(in.p[end] == '\r' && end + 1 < in.n &&
		    in.p[end + 1] == '\n'))
			end++;
		for (size_t i = at; i < end; i++) {
			bool blank = in.p[i] == ' ' || in.p[i] == '\t';
			size_t next = i + 1;

			while (relaxed && blank && next < end &&
			    (in.p[next] == ' ' || in.p[next] == '\t'))
				i = next++;
			if (relaxed && blank && next == end)
				break;
			buf_addc(out, relaxed && blank ? ' ' : in.p[i]);
			any = true;
			kept = out->n;
		}
		buf_adds(out, "\r\n");
		at = end + 2;
	}
	out->n = kept;
	if (any || !relaxed)
		buf_adds(out, "\r\n");
}

TEST(any_body_is_canonical)
{
	static const char parts[] = "aaaaaaaabc\xc3\xa9      \t\r\r\r\n\n";
	uint32_t random = 1;

	for (size_t round = 0; round < 4000; round++) {
		char text[96];
		size_t n = 0;

		while (n < 1 + round % sizeof(text)) {
			random = random * 1664525 + 1013904223;
			if (random >> 29 == 0 && n + 1 < sizeof(text))
				text[n++] = '\r', text[n++] = '\n';
			else
				text[n++] = parts[(random >> 8) %
				    (sizeof(parts) - 1)];
		}
		for (size_t piece = 1; piece < 2 * n; piece += 1 + piece / 2)
			for (size_t k = 0; k < 2; k++) {
				struct buf got = BUF_INIT(256);
				struct buf want = BUF_INIT(256);

				body(&got, k == 1, slice_of(text, n), piece);
				body_by_the_book(&want, k == 1,
				    slice_of(text, n));
				CHECK(slice_eq(buf_slice(&got),
				    buf_slice(&want)), "\"%.*s\"", (int)n,
				    text);
				buf_release(&got);
				buf_release(&want);
			}
	}
}

TEST(field_is_canonical)
{
	static const struct {
		const char *in, *relaxed;
	} cases[] = {
		{ "A: X", "a:X" },
		{ "B : Y\t\r\n\tZ  ", "b:Y Z" },
		{ "Subject:", "subject:" },
		{ "Subject:  \r\n ", "subject:" },
		{ "SUBJect: AbC\r\n  d", "subject:AbC d" },
		{ "nocolon", "nocolon:" },
		{ "A: x\ry \r z\r", "a:x\ry \r z\r" },
		{ "A:\r\n \r\n\t\r\n x\x0b ", "a:x\x0b" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf s = BUF_INIT(100), r = BUF_INIT(100);

		canon_field(&s, false, slice_str(cases[i].in));
		canon_field(&r, true, slice_str(cases[i].in));
		CHECK_SLICE(buf_slice(&s), cases[i].in);
		CHECK_SLICE(buf_slice(&r), cases[i].relaxed);
		buf_release(&s);
		buf_release(&r);
	}
}

TEST(fields_are_taken_from_the_bottom)
{
	struct buf out = BUF_INIT(1000);
	struct fields f;

	fields_init(&f, S("A: 1\r\nb: 2\r\nA: 3\r\nnot a field\r\nC: 4\r\n\r\n"));
	fields_select(&f, S("a: A :a:x:: C:B:c"), true, &out);
	CHECK_SLICE(buf_slice(&out), "a:3\r\na:1\r\nc:4\r\nb:2\r\n");
	CHECK(fields_count(&f, S("a")) == 2 && fields_count(&f, S("x")) == 0,
	    " ");
	fields_release(&f);
	buf_release(&out);
}

TEST(tag_lists)
{
	static const char *const good[] = {
		"", " ", "a=1", " a = 1 ; b=; ", "a_b9=x=y;", "a=1\r\n\t;b=2",
		"n=\xc3\xbc",
	};
	static const char *const bad[] = {
		"a", "=1", "a=1;;b=2", "a=1;a=2", ";a=1", "9a=1", "a b=1",
		"a=\x01", "a=\x7f", "a=1; ;b=2",
	};
	struct tags t;
	const char *why;

	for (size_t i = 0; i < LEN(good); i++)
		CHECK(tags_parse(&t, slice_str(good[i]), &why) == 0, "%s",
		    good[i]);
	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(tags_parse(&t, slice_str(bad[i]), &why) == -1, "%s",
		    bad[i]);
	CHECK(tags_parse(&t, S(" a = 1 2 ; B=x; "), &why) == 0, " ");
	CHECK_SLICE(tags_value(&t, "a"), "1 2");
	CHECK(tags_find(&t, "b") == NULL, " ");
}

TEST(rfc_8463_example_passes)
{
	struct buf out = BUF_INIT(10000);
	struct dkim_verify v;

	judge(&v, slice_str(rfc_message));
	dkim_verify_report(&v, NULL, 0, &out);
	CHECK_SLICE(buf_slice(&out), "Authentication-Results: mx.test;\r\n"
	    "\tdkim=pass header.d=football.example.com header.s=brisbane "
	    "header.a=ed25519-sha256 header.b=/gCrinpc;\r\n"
	    "\tdkim=pass header.d=football.example.com header.s=test "
	    "header.a=rsa-sha256 header.b=F45dVWDf\r\n");
	dkim_verify_release(&v);
	buf_release(&out);
}

/* Replaces the first occurrence of what in the example. */
static void
altered(struct buf *out, const char *what, const char *with)
{
	const char *at = strstr(rfc_message, what);

	CHECK(at != NULL, "%s", what);
	buf_add(out, rfc_message, (size_t)(at - rfc_message));
	buf_adds(out, with);
	buf_adds(out, at + strlen(what));
}

TEST(altered_message_gets_the_right_result)
{
	static const struct {
		const char *what, *with;
		enum dkim_result want;
	} cases[] = {
		{ "We lost", "We  lost", DKIM_PASS },
		{ "We lost", "We won", DKIM_FAIL },
		{ "Joe.\r\n", "Joe. \r\n\r\n\r\n", DKIM_PASS },
		{ "Subject: Is", "subject:\r\n Is", DKIM_PASS },
		{ "Subject: Is", "Subject: is", DKIM_FAIL },
		{ "From: Joe", "From: Eve <e@x.test>\r\nFrom: Joe", DKIM_FAIL },
		{ "To: Suzie", "X-New: 1\r\nTo: Suzie", DKIM_PASS },
		{ "v=1;", "v=2;", DKIM_PERMERROR },
		{ "v=1;", "", DKIM_PERMERROR },
		{ "v=1;", "v=1; x=1600000000;", DKIM_FAIL },
		{ "v=1;", "v=1; x=1500000000;", DKIM_PERMERROR },
		/* t= is there once, so the first of these ends the list. */
		{ "t=1528637909", "t=1800000000", DKIM_FAIL },
		{ "t=1528637909", "t=x", DKIM_PERMERROR },
		{ "t=1528637909", "t=", DKIM_PERMERROR },
		{ "t=1528637909", "t=99999999999999999999", DKIM_FAIL },
		{ "v=1;", "v=1; x=soon;", DKIM_PERMERROR },
		{ "v=1;", "v=1; x=;", DKIM_PERMERROR },
		{ "v=1;", "v=1; x=99999999999999999999;", DKIM_FAIL },
		{ "v=1;", "v=1; z=From:x|To:y;", DKIM_FAIL },
		{ "v=1;", "v=1; l=1000;", DKIM_PERMERROR },
		{ "v=1;", "v=1; l=x;", DKIM_PERMERROR },
		{ "v=1;", "v=1; l=99999999999999999999;", DKIM_PERMERROR },
		{ "v=1;", "v=1; d=x.test;", DKIM_PERMERROR },
		{ "v=1;", "v=1; z", DKIM_PERMERROR },
		{ "a=ed25519-sha256", "a=rsa-sha1", DKIM_PERMERROR },
		{ "a=ed25519-sha256", "a=rsa-sha256", DKIM_FAIL },
		{ "a=ed25519-sha256", "a=x", DKIM_PERMERROR },
		{ "c=relaxed/relaxed", "c=relaxed", DKIM_FAIL },
		{ "c=relaxed/relaxed", "c=loose/relaxed", DKIM_PERMERROR },
		{ "c=relaxed/relaxed", "c=", DKIM_PERMERROR },
		{ "c=relaxed/relaxed", "c=relaxed/", DKIM_PERMERROR },
		{ "c=relaxed/relaxed", "c=relaxed/relaxed/simple",
		    DKIM_PERMERROR },
		{ "c=relaxed/relaxed", "c=relaxed/loose", DKIM_PERMERROR },
		{ "i=@football.example.com", "i=@evil.test", DKIM_PERMERROR },
		{ "i=@football.example.com", "i=", DKIM_PERMERROR },
		{ "i=@football.example.com", "i=football.example.com",
		    DKIM_PERMERROR },
		{ "i=@football.example.com", "i=@xfootball.example.com",
		    DKIM_PERMERROR },
		{ "i=@football.example.com", "i=j@a.football.example.com",
		    DKIM_FAIL },
		{ "d=football.example.com", "d=", DKIM_PERMERROR },
		{ "d=football.example.com", "d=a b", DKIM_PERMERROR },
		{ "s=brisbane", "s=..", DKIM_PERMERROR },
		{ "q=dns/txt", "q=http", DKIM_PERMERROR },
		{ "q=dns/txt", "q=", DKIM_PERMERROR },
		{ "h=from : to", "h=to", DKIM_FAIL },
		{ "h=from : to :\r\n subject : date : message-id : from :",
		    "h=to:", DKIM_PERMERROR },
		{ "message-id : from : subject", "message-id : subject",
		    DKIM_FAIL },
		{ "bh=2jUS", "bh=3jUS", DKIM_FAIL },
		{ "bh=2jUS", "bh=!", DKIM_PERMERROR },
		{ "bh=2jUS", "bh=", DKIM_PERMERROR },
		{ "b=/gCr", "b=0gCr", DKIM_FAIL },
		{ "b=/gCr", "b=*", DKIM_PERMERROR },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf text = BUF_INIT(10000);
		struct dkim_verify v;

		altered(&text, cases[i].what, cases[i].with);
		judge(&v, buf_slice(&text));
		/* The record of the other type never decides. */
		CHECK(v.n == 2 && (v.list[0].result == cases[i].want ||
		    (strcmp(cases[i].with, "a=rsa-sha256") == 0 &&
		    v.list[0].result != DKIM_PASS)), "%s -> %s: %d %s",
		    cases[i].what, cases[i].with, v.list[0].result,
		    v.list[0].why);
		dkim_verify_release(&v);
		buf_release(&text);
	}
}

TEST(length_covers_only_the_beginning)
{
	/* bh of "a\r\n" and no more; the signature itself is not of use. */
	static const char text[] =
	    "DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=s; h=from; l=3;\r\n"
	    " bh=jkYhN5eG70Kk/sFVzVJcKR3X2zwf3jR4Ui9PYcA/0b0=; b=AAAA\r\n"
	    "From: a@x.test\r\n\r\na\r\nappended\r\n";
	struct dkim_verify v;

	dkim_verify_init(&v);
	v.fd = file_of(slice_str(text));
	v.size = strlen(text);
	v.authserv_id = S("mx.test");
	dkim_verify_read(&v);
	CHECK(v.n == 1 && v.list[0].result == DKIM_NEEDS_KEY, "%s",
	    v.list[0].why);
	dkim_verify_release(&v);
}

TEST(key_records)
{
	static const struct {
		const char *record;
		enum wire_keys_alg alg;
		bool good;
	} cases[] = {
		{ rsa_record, WIRE_KEYS_RSA_SHA256, true },
		{ ed_record, WIRE_KEYS_ED25519_SHA256, true },
		{ rsa_record, WIRE_KEYS_ED25519_SHA256, false },
		{ ed_record, WIRE_KEYS_RSA_SHA256, false },
		{ "v=DKIM1; p=", WIRE_KEYS_RSA_SHA256, false },
		{ "v=DKIM1", WIRE_KEYS_RSA_SHA256, false },
		{ "", WIRE_KEYS_RSA_SHA256, false },
		{ "v=DKIM1; p=AAAA", WIRE_KEYS_RSA_SHA256, false },
		{ "v=DKIM1; p=!", WIRE_KEYS_RSA_SHA256, false },
		{ "v=spf1 -all", WIRE_KEYS_RSA_SHA256, false },
		{ "v=DKIM2; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaP"
		    "cHURo=", WIRE_KEYS_ED25519_SHA256, false },
		{ "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		    WIRE_KEYS_ED25519_SHA256, true },
		{ "k=ed25519; h=sha1 : sha256; s=email; t=y:s; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		    WIRE_KEYS_ED25519_SHA256, true },
		/* As panels of providers mangle them. */
		{ "\"v=DKIM1\\; k=ed25519\\; p=11qYAYKxCrfVS/7TyWQHOg7hcvPa\" "
		    "\"piMlrwIaaPcHURo=\"", WIRE_KEYS_ED25519_SHA256, true },
		{ " v=DKIM1 ; k = ed25519 ; n=a b; x=y ; p = 11qYAYKxCrfVS/7Ty"
		    "WQHOg7hcvPapi MlrwIaaPcHURo= ; ",
		    WIRE_KEYS_ED25519_SHA256, true },
		{ "k=ED25519; s=*:x; g=; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		    WIRE_KEYS_ED25519_SHA256, true },
		{ "k=ed25519; v=DKIM1; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		    WIRE_KEYS_ED25519_SHA256, false },
		{ "k=ed25519; k=ed25519; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		    WIRE_KEYS_ED25519_SHA256, false },
		{ "k=ed25519; h=sha1; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		    WIRE_KEYS_ED25519_SHA256, false },
		{ "k=ed25519; s=tlsrpt; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		    WIRE_KEYS_ED25519_SHA256, false },
		{ "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcH",
		    WIRE_KEYS_ED25519_SHA256, false },
		/* 512 bits */
		{ "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMyh6rjG0QTo75sAbz09Du8swS"
		    "IrFbpokiegX7BHAlgDmOmP0FMigf3eleUtm4GmuX+WG+YJ09AnMLmVrmz"
		    "HtCkCAwEAAQ==", WIRE_KEYS_RSA_SHA256, false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct pubkey k;
		const char *why = "";
		int r = pubkey_parse(&k, slice_str(cases[i].record),
		    cases[i].alg, &why);

		CHECK((r == 0) == cases[i].good, "%s: %s", cases[i].record,
		    why);
		if (r == 0)
			pubkey_release(&k);
	}
}

TEST(forged_results_are_cut)
{
	static const char text[] =
	    "Received: x\r\n"
	    "Authentication-Results: mx.test; dkim=pass\r\n"
	    "authentication-results:\r\n (c) MX.test 1;\r\n spf=pass\r\n"
	    "From: a@x.test\r\n"
	    "Authentication-Results: other.test; dkim=pass\r\n"
	    "Authentication-Results: mx.test; none\r\n\r\n";
	struct buf out = BUF_INIT(1000);
	struct dkim_verify v;

	judge(&v, slice_str(text));
	CHECK(v.cut_count == 2, "%zu", v.cut_count);
	CHECK(v.cuts[0].start == 13, " ");
	CHECK(slice_starts(slice_from(slice_str(text), v.cuts[0].end),
	    S("From:")), " ");
	CHECK(v.cuts[1].end == strlen(text) - 2, " ");
	dkim_verify_report(&v, NULL, 0, &out);
	CHECK_SLICE(buf_slice(&out),
	    "Authentication-Results: mx.test;\r\n\tdkim=none\r\n");
	buf_release(&out);
	dkim_verify_release(&v);
}

TEST(report_repeats_only_names_and_stays_short)
{
	struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(32768);
	struct dkim_verify v;

	for (int i = 0; i < LIMIT_DKIM_SIGNATURES; i++) {
		buf_adds(&text, "DKIM-Signature: v=1; a=x\"y; b=AB\r\n CD"
		    "EFGHIJ; s=a b; d=");
		for (int k = 0; k < 300; k++)
			buf_adds(&text, "long.");
		buf_adds(&text, "test\r\n");
	}
	judge(&v, buf_slice(&text));
	dkim_verify_report(&v, NULL, 0, &out);
	CHECK(buf_ok(&out) && out.n < 4096, "%zu", out.n);
	CHECK(strstr(buf_str(&out), "dkim=permerror reason=") != NULL, " ");
	CHECK(strstr(buf_str(&out), " header.b=ABCDEFGH") != NULL, " ");
	CHECK(strstr(buf_str(&out), "header.d") == NULL, " ");
	dkim_verify_release(&v);
	buf_release(&text);
	buf_release(&out);
}

TEST(hostile_messages_end_well)
{
	struct buf text = BUF_INIT(4 << 20);
	struct dkim_verify v;

	/* Many signatures, more than are looked at. */
	for (int i = 0; i < 100; i++)
		buf_adds(&text, "DKIM-Signature: v=1\r\n");
	judge(&v, buf_slice(&text));
	CHECK(v.n == LIMIT_DKIM_SIGNATURES, "%zu", v.n);
	dkim_verify_release(&v);
	/* More forged results than an edit can cut, none adjacent. */
	buf_clear(&text);
	for (int i = 0; i < WIRE_CUTS + 1; i++)
		buf_adds(&text, "X: y\r\nAuthentication-Results: mx.test\r\n");
	judge(&v, buf_slice(&text));
	CHECK(v.too_many_cuts, " ");
	dkim_verify_release(&v);
	/* A header without end. */
	buf_clear(&text);
	buf_add(&text, rfc_message, (size_t)(strstr(rfc_message, "\r\n\r\n") -
	    rfc_message));
	for (int i = 0; i < 50000; i++)
		buf_adds(&text, "\r\nX: 0123456789");
	judge(&v, buf_slice(&text));
	CHECK(v.n == 2 && v.list[0].result == DKIM_PERMERROR, " ");
	dkim_verify_release(&v);
	/* More fields than are looked at: what is not might be a From. */
	buf_clear(&text);
	buf_add(&text, rfc_message, (size_t)(strstr(rfc_message, "\r\n\r\n") +
	    2 - rfc_message));
	for (int i = 0; i < LIMIT_HEADER_FIELDS; i++)
		buf_adds(&text, "X:y\r\n");
	buf_adds(&text, strstr(rfc_message, "\r\n\r\n") + 2);
	judge(&v, buf_slice(&text));
	CHECK(v.n == 2 && v.list[0].result == DKIM_PERMERROR &&
	    v.author.why != NULL, " ");
	dkim_verify_release(&v);
	/* A file that is shorter than was said. */
	dkim_verify_init(&v);
	v.fd = file_of(S("From: a@x.test\r\n\r\nx"));
	v.size = 1000000;
	v.authserv_id = S("mx.test");
	dkim_verify_read(&v);
	CHECK(v.error == EIO, "%d", v.error);
	dkim_verify_release(&v);
	judge(&v, S(""));
	CHECK(v.n == 0 && v.error == 0, " ");
	dkim_verify_release(&v);
	buf_release(&text);
}

/* --- signing -------------------------------------------------------------- */

static void
sign_with(struct ring *r, const struct dkim_sign *s, enum wire_keys_alg alg,
    struct buf *field)
{
	unsigned char digest[WIRE_KEYS_DIGEST];
	struct buf signature = BUF_INIT(4096);
	const char *why = "";

	CHECK(dkim_sign_begin(s, S("football.example.com"), S("sel"), alg,
	    1600000000, field, digest) == 0, " ");
	CHECK(ring_sign(r, alg == WIRE_KEYS_RSA_SHA256 ? S("rsa") : S("ed"),
	    alg, slice_of(digest, sizeof(digest)), &signature, &why) == 0,
	    "%s", why);
	dkim_sign_end(field, buf_slice(&signature));
	CHECK(buf_ok(field), " ");
	buf_release(&signature);
}

TEST(what_we_sign_verifies_with_its_edit_applied)
{
	/* The Bcc line goes, a line is put in front. */
	static const char original[] =
	    "From: \"Joe, the one\" <joe@football.example.com>\r\n"
	    "Bcc: secret@x.test\r\n"
	    "To: a@x.test\r\n"
	    "Subject:  spaces   here \r\n"
	    "\r\n"
	    "Text  \r\n\r\nmore\r\n\r\n";
	const char *bcc = strstr(original, "Bcc"), *to = strstr(original, "To");
	struct buf text = BUF_INIT(100000);
	struct ring r;
	struct dkim_sign s;
	struct dkim_verify v;
	const char *why = "";

	ring_init(&r);
	CHECK(ring_put(&r, S("rsa"), slice_str(rsa_key), &why) == 0, "%s", why);
	CHECK(ring_put(&r, S("ed"), slice_str(ed_key), &why) == 0, "%s", why);
	dkim_sign_init(&s);
	s.fd = file_of(slice_str(original));
	s.size = strlen(original);
	s.edit.prefix = S("Message-ID: <1@x.test>\r\n");
	s.edit.count = 1;
	s.edit.cuts[0].start = (uint64_t)(bcc - original);
	s.edit.cuts[0].end = (uint64_t)(to - original);
	dkim_sign_read(&s);
	CHECK_SLICE(s.from, "joe@football.example.com");
	CHECK_SLICE(s.h, "From:From:Subject:Subject:Date:Message-ID:"
	    "Message-ID:To:To");
	sign_with(&r, &s, WIRE_KEYS_RSA_SHA256, &text);
	sign_with(&r, &s, WIRE_KEYS_ED25519_SHA256, &text);
	buf_add_slice(&text, s.edit.prefix);
	buf_add(&text, original, (size_t)(bcc - original));
	buf_adds(&text, to);
	for (size_t i = 0, line = 0; i < text.n; i++) {
		line = text.p[i] == '\n' ? 0 : line + 1;
		CHECK(line <= 78, "%zu", line);
	}
	judge(&v, buf_slice(&text));
	CHECK(v.n == 2 && v.list[0].result == DKIM_PASS &&
	    v.list[1].result == DKIM_PASS, "%s %s", v.list[0].why,
	    v.list[1].why);
	dkim_verify_release(&v);
	dkim_sign_release(&s);
	ring_release(&r);
	buf_release(&text);
}

TEST(message_without_author_is_not_signed)
{
	static const char *const texts[] = {
		"", "\r\n", "To: a@x.test\r\n\r\n", "From:\r\n\r\n",
		"From: nobody\r\n\r\n", "From: group:;\r\n\r\n",
	};

	for (size_t i = 0; i < LEN(texts); i++) {
		struct dkim_sign s;

		dkim_sign_init(&s);
		s.fd = file_of(slice_str(texts[i]));
		s.size = strlen(texts[i]);
		dkim_sign_read(&s);
		CHECK(s.from.n == 0 && s.error == 0, "%s", texts[i]);
		dkim_sign_release(&s);
	}
}

TEST(edit_is_applied_in_any_read_size)
{
	static const char original[] = "0123456789";
	int fd = file_of(slice_str(original));

	for (size_t piece = 1; piece < 12; piece++) {
		struct wire_edit e = { .prefix = S("ab"), .count = 3,
			.cuts = { { 0, 1 }, { 3, 5 }, { 8, 20 } } };
		struct buf out = BUF_INIT(100);
		struct reader m;
		char chunk[16];
		ssize_t n;

		reader_init(&m, fd, 10, &e);
		while ((n = reader_read(&m, chunk, piece)) > 0)
			buf_add(&out, chunk, (size_t)n);
		CHECK(n == 0, " ");
		CHECK_SLICE(buf_slice(&out), "ab12567");
		buf_release(&out);
	}
	close(fd);
}

TEST(ring_refuses_what_is_no_good_key_and_keeps_the_old)
{
	unsigned char digest[32] = { 1 };
	struct buf out = BUF_INIT(4096);
	struct ring r;
	const char *why = NULL;
	struct slice d = slice_of(digest, sizeof(digest));

	ring_init(&r);
	CHECK(ring_put(&r, S("a/b"), S(""), &why) == -1 && why != NULL, " ");
	CHECK(ring_put(&r, S("a/b"), slice_str(rsa_key), &why) == 0, " ");
	CHECK(ring_put(&r, S("a/b"), S("garbage"), &why) == -1, " ");
	CHECK(ring_sign(&r, S("a/b"), WIRE_KEYS_RSA_SHA256, d, &out,
	    &why) == 0 && out.n == 128, " ");
	CHECK(ring_sign(&r, S("a/b"), WIRE_KEYS_ED25519_SHA256, d, &out,
	    &why) == -1, " ");
	CHECK(ring_sign(&r, S("a/c"), WIRE_KEYS_RSA_SHA256, d, &out,
	    &why) == -1, " ");
	CHECK(ring_sign(&r, S("a/b"), WIRE_KEYS_RSA_SHA256, slice_head(d, 31),
	    &out, &why) == -1, " ");
	/* A new set: what is not in it goes, but not at once. */
	ring_begin(&r);
	CHECK(ring_put(&r, S("x/y"), slice_str(ed_key), &why) == 0, " ");
	CHECK(ring_sign(&r, S("a/b"), WIRE_KEYS_RSA_SHA256, d, &out,
	    &why) == 0, " ");
	ring_sweep(&r);
	CHECK(ring_sign(&r, S("a/b"), WIRE_KEYS_RSA_SHA256, d, &out,
	    &why) == -1, " ");
	CHECK(r.by_name.count == 1, " ");
	ring_release(&r);
	buf_release(&out);
}

/* rspamd's form: base64 of the 32 bytes, or of them and the public key. */
TEST(ring_takes_bare_ed25519_keys)
{
	/* RFC 8032 7.1, TEST 1. */
	static const char seed[] =
	    "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
	static const char both[] =
	    "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6"
	    "DuFy89qmIyWvAhpo9wdRGg==\r\n";
	unsigned char digest[32] = { 1 };
	struct slice d = slice_of(digest, sizeof(digest));
	struct buf a = BUF_INIT(4096), b = BUF_INIT(4096);
	struct ring r;
	const char *why = NULL;

	ring_init(&r);
	CHECK(ring_put(&r, S("a/1"), slice_str(seed), &why) == 0, "%s", why);
	CHECK(ring_put(&r, S("a/2"), slice_str(both), &why) == 0, "%s", why);
	CHECK(ring_sign(&r, S("a/1"), WIRE_KEYS_ED25519_SHA256, d, &a,
	    &why) == 0 && a.n == 64, " ");
	CHECK(ring_sign(&r, S("a/2"), WIRE_KEYS_ED25519_SHA256, d, &b,
	    &why) == 0 && slice_eq(buf_slice(&a), buf_slice(&b)), " ");
	/* One byte short. */
	CHECK(ring_put(&r, S("a/3"),
	    S("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyufw=="), &why) == -1,
	    " ");
	ring_release(&r);
	buf_release(&a);
	buf_release(&b);
}

TESTS(
	T(body_is_canonical_however_it_is_cut),
	T(any_body_is_canonical),
	T(field_is_canonical),
	T(fields_are_taken_from_the_bottom),
	T(tag_lists),
	T(rfc_8463_example_passes),
	T(altered_message_gets_the_right_result),
	T(length_covers_only_the_beginning),
	T(key_records),
	T(forged_results_are_cut),
	T(report_repeats_only_names_and_stays_short),
	T(hostile_messages_end_well),
	T(what_we_sign_verifies_with_its_edit_applied),
	T(message_without_author_is_not_signed),
	T(edit_is_applied_in_any_read_size),
	T(ring_refuses_what_is_no_good_key_and_keeps_the_old),
	T(ring_takes_bare_ed25519_keys)
)
