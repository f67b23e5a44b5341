// part: services/imap
/* BINARY's sections: plans and decoded ranges. */
#include "check.h"

#include "services/imap/section.h"

static struct arena arena;

/* With LF, as the store keeps it. */
static const char message[] =
    "Content-Type: multipart/mixed; boundary=b\n"
    "\n"
    "--b\n"
    "Content-Transfer-Encoding: quoted-printable\n"
    "\n"
    "a=3Db=\n"
    "c \n"
    "d=\n"
    "--b\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "AGEA\n"
    "YgBj\n"
    "--b\n"
    "\n"
    "x\n"
    "y\n"
    "--b\n"
    "Content-Transfer-Encoding: uuencode\n"
    "\n"
    "z\n"
    "--b--\n";

TEST(plans_of_binary_items_are_read)
{
	static const struct {
		const char *in;
		const char *label;
		enum fetch_form form;
		bool seen;
	} cases[] = {
		{ "BINARY[1.2]", "BINARY[1.2]", FORM_BINARY, true },
		{ "binary.peek[]<5.10>", "BINARY[]<5>", FORM_BINARY, false },
		{ "Binary.Size[3]", "BINARY.SIZE[3]", FORM_SIZE, false },
	};
	static const char *const bad[] = { "BINARY", "BINARY[TEXT]",
		"BINARY[1.MIME]", "BINARY[1", "BINARY.SIZE[1]<0.5>",
		"BINARY.PEEK", "BINARY[0]", "BINARY[1]<5>" };

	for (size_t i = 0; i < LEN(cases); i++) {
		struct parser p = parser_of(slice_str(cases[i].in), &arena);
		struct fetch_plan plan;

		CHECK(fetch_plan_parse(&p, false, &plan) == 0, "%s: %s",
		    cases[i].in, p.why);
		CHECK(plan.n == 1 && plan.opens, "%s", cases[i].in);
		CHECK(plan.sets_seen == cases[i].seen, "%s", cases[i].in);
		CHECK(plan.sections[0].form == cases[i].form, "%s",
		    cases[i].in);
		CHECK_SLICE(plan.sections[0].label, cases[i].label);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		struct fetch_plan plan;

		CHECK(fetch_plan_parse(&p, false, &plan) == -1, "%s", bad[i]);
	}
	arena_clear(&arena);
}

static void
read_section(struct section_cache *m, const char *item, size_t piece,
    struct section *s, struct buf *out)
{
	struct parser p = parser_of(slice_str(item), &arena);
	struct fetch_plan plan;

	CHECK(fetch_plan_parse(&p, false, &plan) == 0, "%s", item);
	section_find(s, m, &plan.sections[0]);
	while (section_measure(s, m, piece))
		;
	while (!s->unknown && section_write(s, m, piece, out))
		;
}

TEST(sections_are_decoded_in_pieces_of_any_size)
{
	static const struct {
		const char *item;
		struct slice want;
		uint64_t size;
		bool nul;
	} cases[] = {
		{ "BINARY[1]", S("a=bc\r\nd"), 7, false },
		{ "BINARY[1]<2.3>", S("bc\r"), 7, false },
		{ "BINARY[2]", S("\0a\0b\0c"), 6, true },
		{ "BINARY[2]<5.9>", S("c"), 6, true },
		{ "BINARY[2]<1.2>", S("a\0"), 6, true },
		{ "BINARY[2]<6.1>", S(""), 6, true },
		{ "BINARY[3]", S("x\r\ny"), 4, false },
		{ "BINARY[]<0.7>", S("Content"), sizeof(message) - 1 + 22,
		    false },
	};

	for (size_t piece = 1; piece < 20; piece++) {
		/* One message for all: what was decoded before is no matter. */
		struct section_cache *m =
		    section_cache_text(slice_str(message));

		for (size_t i = 0; i < LEN(cases); i++) {
			struct buf out = BUF_INIT(1000);
			struct section s;

			read_section(m, cases[i].item, piece, &s, &out);
			CHECK(slice_eq(buf_slice(&out), cases[i].want),
			    "%s: %s", cases[i].item, buf_str(&out));
			CHECK(s.size == cases[i].size, "%s: %llu",
			    cases[i].item, (unsigned long long)s.size);
			CHECK(s.nul == cases[i].nul, "%s", cases[i].item);
			section_release(&s);
			buf_release(&out);
		}
		section_cache_free(m);
	}
	arena_clear(&arena);
}

TEST(an_unknown_encoding_is_said)
{
	struct section_cache *m = section_cache_text(slice_str(message));
	struct buf out = BUF_INIT(100);
	struct section s;

	read_section(m, "BINARY[4]", 10, &s, &out);
	CHECK(s.exists && s.unknown, "%d", s.exists);
	read_section(m, "BODY[4]", 10, &s, &out);
	CHECK(!s.unknown, "BODY");
	CHECK_SLICE(buf_slice(&out), "z");
	read_section(m, "BINARY[5]", 10, &s, &out);
	CHECK(!s.exists && !s.unknown, "%d", s.exists);
	buf_release(&out);
	section_cache_free(m);
	arena_release(&arena);
}

TESTS(T(plans_of_binary_items_are_read),
    T(sections_are_decoded_in_pieces_of_any_size),
    T(an_unknown_encoding_is_said))
