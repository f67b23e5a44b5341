// part: services/smtp
#include "check.h"

#include "services/smtp/params.h"
#include "wire/queue.h"

TEST(params_takes_what_is_advertised)
{
	struct params p;

	CHECK(params_parse(&p, PARAMS_MAIL, S(""), NULL) == 0);
	CHECK(params_parse(&p, PARAMS_MAIL,
	    S(" SIZE=12345 body=8bitmime SMTPUTF8 RET=hdrs ENVID=a+2Bb AUTH=<>"),
	    NULL) == 0);
	CHECK(p.size == 12345 && p.body_8bit && p.smtputf8);
	CHECK_SLICE(p.ret, "HDRS");
	CHECK_SLICE(p.envid, "a+2Bb");
	CHECK(params_parse(&p, PARAMS_RCPT,
	    S(" NOTIFY=success,Delay ORCPT=rfc822;a+2Bb@x.test"), NULL) == 0);
	CHECK(p.notify == (WIRE_NOTIFY_SUCCESS | WIRE_NOTIFY_DELAY));
	CHECK_SLICE(p.orcpt, "rfc822;a+2Bb@x.test");
	CHECK(params_parse(&p, PARAMS_RCPT, S(" NOTIFY=NEVER"), NULL) == 0);
	CHECK(p.notify == WIRE_NOTIFY_NEVER);
}

TEST(params_counts_an_absurd_size_as_the_largest)
{
	struct params p;

	CHECK(params_parse(&p, PARAMS_MAIL, S(" SIZE=99999999999999999999"),
	    NULL) == 0);
	CHECK(p.size == UINT64_MAX);
}

TEST(params_refuses_malformed_ones)
{
	static const struct {
		enum params_of of;
		const char *text;
		const char *reply;
	} bad[] = {
		{ PARAMS_MAIL, "SIZE=1", "501" },
		{ PARAMS_MAIL, " SIZE", "501" },
		{ PARAMS_MAIL, " SIZE=", "501" },
		{ PARAMS_MAIL, " SIZE=-1", "501" },
		{ PARAMS_MAIL, " SIZE=1x", "501" },
		{ PARAMS_MAIL, " SIZE=999999999999999999999", "501" },
		{ PARAMS_MAIL, " SIZE=1 SIZE=1", "501" },
		{ PARAMS_MAIL, " BODY=BINARYMIME", "501" },
		{ PARAMS_MAIL, " SMTPUTF8=1", "501" },
		{ PARAMS_MAIL, " RET=ALL", "501" },
		{ PARAMS_MAIL, " ENVID=", "501" },
		{ PARAMS_MAIL, " ENVID=a+2", "501" },
		{ PARAMS_MAIL, " ENVID=a+2b", "501" },
		{ PARAMS_MAIL, " ENVID=a=b", "501" },
		{ PARAMS_MAIL, " AUTH=", "501" },
		{ PARAMS_MAIL, " NOTIFY=NEVER", "555" },
		{ PARAMS_MAIL, " XFOO=1", "555" },
		{ PARAMS_MAIL, " =", "555" },
		{ PARAMS_RCPT, " SIZE=1", "555" },
		{ PARAMS_RCPT, " NOTIFY=", "501" },
		{ PARAMS_RCPT, " NOTIFY=NEVER,DELAY", "501" },
		{ PARAMS_RCPT, " NOTIFY=SUCCESS,,DELAY", "501" },
		{ PARAMS_RCPT, " NOTIFY=SOMETIMES", "501" },
		{ PARAMS_RCPT, " ORCPT=rfc822", "501" },
		{ PARAMS_RCPT, " ORCPT=;a", "501" },
		{ PARAMS_RCPT, " ORCPT=rfc822;", "501" },
		{ PARAMS_RCPT, " ORCPT=rf\x01;a", "501" },
	};

	for (size_t i = 0; i < LEN(bad); i++) {
		struct params p;
		const char *why = "";

		CHECK(params_parse(&p, bad[i].of, slice_str(bad[i].text),
		    &why) == -1, "%s", bad[i].text);
		CHECK(slice_starts(slice_str(why), slice_str(bad[i].reply)),
		    "%s: %s", bad[i].text, why);
	}
}

TESTS(T(params_takes_what_is_advertised),
    T(params_counts_an_absurd_size_as_the_largest),
    T(params_refuses_malformed_ones))
