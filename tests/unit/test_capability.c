/* What CAPABILITY says before and after login. */
#include "check.h"
#include "core/map.h"
#include "wire/capability.h"

enum { ALL = CAPABILITY_CLEAR | CAPABILITY_TLS | CAPABILITY_SECURE |
	CAPABILITY_USER | CAPABILITY_QUOTA | CAPABILITY_LEAVE };

static bool
shows(unsigned states, const char *name)
{
	struct buf b = BUF_INIT(65536);
	struct slice rest, word;
	bool found = false;

	capability_put(&b, states);
	rest = buf_slice(&b);
	while (slice_word(&rest, &word))
		found |= slice_eq(word, slice_str(name));
	buf_release(&b);
	return found;
}

TEST(each_capability_is_said_once)
{
	struct buf b = BUF_INIT(65536);
	struct slice rest, word;
	struct map seen;

	map_init(&seen);
	capability_put(&b, ALL);
	CHECK(buf_ok(&b));
	CHECK(slice_starts(buf_slice(&b), S("IMAP4rev1 ")));
	rest = buf_slice(&b);
	while (slice_split(&rest, ' ', &word)) {
		CHECK(word.n > 0);
		CHECK(map_put(&seen, word, &seen) == NULL, "%.*s twice",
		    SLICE_ARG(word));
	}
	map_release(&seen, NULL);
	buf_release(&b);
}

TEST(the_state_decides_what_is_said)
{
	static const struct {
		const char *name;
		unsigned states;
	} cases[] = {
		{ "IMAP4rev1", CAPABILITY_CLEAR | CAPABILITY_SECURE |
		    CAPABILITY_USER },
		{ "STARTTLS", CAPABILITY_TLS },
		{ "LOGINDISABLED", CAPABILITY_CLEAR },
		{ "QRESYNC", CAPABILITY_USER },
		{ "QUOTA", CAPABILITY_QUOTA },
		{ "UNAUTHENTICATE", CAPABILITY_LEAVE },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		for (unsigned s = 1; s <= CAPABILITY_LEAVE; s <<= 1)
			CHECK(shows(s, cases[i].name) ==
			    ((cases[i].states & s) != 0),
			    "%s in %u", cases[i].name, s);
}

TESTS(T(each_capability_is_said_once), T(the_state_decides_what_is_said))
