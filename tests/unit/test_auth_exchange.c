// part: services/auth
#include "auth_fixture.h"

#include <openssl/evp.h>

#include "core/base64.h"
#include "sasl/scram_key.h"

/* u: its hash is a verifier of "pencil" (RFC 7677's salt and rounds); v has
 * one in the file of verifiers; w has none; n may not log in. */
#define HASH                                                                   \
	"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,"                        \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"                        \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const char accounts[] = "u@x.test|" HASH "\n"
    "v@x.test|{PLAIN}pencil\n"
    "w@x.test|{PLAIN}pencil\n"
    "n@x.test|" HASH "|nologin\n";

static void
add_verifier(struct talk *t, const char *name, const char *hash,
    const char *password)
{
	struct scram_verifier v[SCRAM_HASHES];
	struct buf line = BUF_INIT(1000);

	for (unsigned i = 0; i < SCRAM_HASHES; i++)
		scram_derive_new(&v[i], i, slice_str(password));
	conf_scram_format(slice_str(name), slice_str(hash), v, &line);
	conf_scram_parse(&t->auth.scram, "f", buf_slice(&line), NULL);
	buf_release(&line);
}

static void
start(struct talk *t, uint32_t id, const char *mechanism, const char *message)
{
	struct wire_auth_sasl s = { .service = WIRE_SERVICE_IMAP,
		.client_ip = S("192.0.2.7"), .mechanism = slice_str(mechanism),
		.message = slice_str(message), .plus_offered = true,
		.tls_exporter = S("exported"), .tls_end_point = S("end") };
	struct buf b = WIRE_BUF;

	wire_auth_sasl_put(&b, &s);
	talk_ask(t, WIRE_AUTH_SASL, id, &b);
}

static void
more(struct talk *t, uint32_t id, struct slice message)
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, message);
	talk_ask(t, WIRE_AUTH_SASL_MORE, id, &b);
}

/* The client's final message, for the challenge that t holds. */
static void
answer(const struct talk *t, enum scram_hash hash, const char *bare,
    const char *bound, const char *password, struct buf *out)
{
	struct slice rest = slice_str(t->message), nonce, salt, rounds;
	struct buf raw = BUF_INIT(LIMIT_SCRAM_SALT);
	struct buf message = BUF_INIT(10000), proof = BUF_INIT(100);
	unsigned char salted[SCRAM_KEY_MAX], key[SCRAM_KEY_MAX];
	unsigned char stored[SCRAM_KEY_MAX], signature[SCRAM_KEY_MAX];
	const EVP_MD *md = hash == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
	size_t size = scram_hash_size(hash);

	slice_split(&rest, ',', &nonce);
	slice_split(&rest, ',', &salt);
	slice_split(&rest, ',', &rounds);
	CHECK(base64_decode(&raw, slice_from(salt, 2)) == 0);
	buf_adds(out, "c=");
	base64_encode(out, slice_str(bound));
	buf_addf(out, ",%.*s", SLICE_ARG(nonce));
	buf_addf(&message, "%s,%s,%s", bare, t->message, buf_str(out));
	CHECK(PKCS5_PBKDF2_HMAC(password, (int)strlen(password),
	    (unsigned char *)raw.p, (int)raw.n,
	    (int)strtol(rounds.p + 2, NULL, 10), md, (int)size, salted) == 1);
	scram_hmac(hash, slice_of(salted, size), S("Client Key"), key);
	CHECK(EVP_Digest(key, size, stored, NULL, md, NULL) == 1);
	scram_hmac(hash, slice_of(stored, size), buf_slice(&message),
	    signature);
	for (size_t i = 0; i < size; i++)
		key[i] ^= signature[i];
	base64_encode(&proof, slice_of(key, size));
	buf_addf(out, ",p=%s", buf_str(&proof));
	buf_release(&raw);
	buf_release(&message);
	buf_release(&proof);
}

TEST(accounts_with_a_verifier_log_in)
{
	static const struct {
		const char *mechanism, *bare, *password;
		enum scram_hash hash;
		bool ok;
	} cases[] = {
		{ "SCRAM-SHA-256", "n=u@x.test,r=abc", "pencil", SCRAM_SHA256,
		    true },
		{ "SCRAM-SHA-256", "n=U@X.test,r=abc", "pencil", SCRAM_SHA256,
		    true },
		{ "SCRAM-SHA-1", "n=v@x.test,r=abc", "pencil", SCRAM_SHA1,
		    true },
		{ "scram-sha-256", "n=v@x.test,r=abc", "pencil", SCRAM_SHA256,
		    true },
		{ "SCRAM-SHA-256", "n=u@x.test,r=abc", "pencils", SCRAM_SHA256,
		    false },
		{ "SCRAM-SHA-1", "n=u@x.test,r=abc", "pencil", SCRAM_SHA1,
		    false },
		{ "SCRAM-SHA-1", "n=w@x.test,r=abc", "pencil", SCRAM_SHA1,
		    false },
		{ "SCRAM-SHA-256", "n=n@x.test,r=abc", "pencil", SCRAM_SHA256,
		    false },
		{ "SCRAM-SHA-256", "n=z@x.test,r=abc", "pencil", SCRAM_SHA256,
		    false },
	};
	struct talk t;

	talk_open(&t, accounts);
	add_verifier(&t, "v@x.test", "{PLAIN}pencil", "pencil");
	add_verifier(&t, "w@x.test", "{PLAIN}older", "pencil");
	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf first = BUF_INIT(1000), final = BUF_INIT(1000);

		buf_addf(&first, "n,,%s", cases[i].bare);
		start(&t, (uint32_t)i, cases[i].mechanism, buf_str(&first));
		CHECK(t.result == WIRE_VERIFY_CHALLENGE, "%zu", i);
		answer(&t, cases[i].hash, cases[i].bare, "n,,",
		    cases[i].password, &final);
		more(&t, (uint32_t)i, buf_slice(&final));
		if (cases[i].ok) {
			CHECK(t.result == WIRE_VERIFY_CHALLENGE, "%zu", i);
			CHECK(strncmp(t.message, "v=", 2) == 0, "%zu", i);
			more(&t, (uint32_t)i, S(""));
			CHECK(t.result == WIRE_VERIFY_OK, "%zu", i);
			CHECK(t.ticket == WIRE_TICKET, "%zu", i);
		} else {
			CHECK(t.result == WIRE_VERIFY_DENIED, "%zu", i);
			CHECK(t.ticket == 0 && t.message[0] == '\0', "%zu", i);
		}
		CHECK(t.user[0] == ascii_lower(cases[i].bare[2]), "%s", t.user);
		buf_release(&first);
		buf_release(&final);
	}
	talk_close(&t);
}

TEST(logins_are_bound_to_their_connection)
{
	static const struct {
		const char *mechanism, *header, *data;
		bool ok;
	} cases[] = {
		{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "exported", true },
		{ "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", "end",
		    true },
		{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "other", false },
		{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "end", false },
		{ "SCRAM-SHA-256-PLUS", "p=tls-unique,,", "", false },
		{ "SCRAM-SHA-256-PLUS", "n,,", "", false },
		{ "SCRAM-SHA-256", "p=tls-exporter,,", "exported", false },
		/* RFC 5802 section 6: the list was changed on its way */
		{ "SCRAM-SHA-256", "y,,", "", false },
		{ "SCRAM-SHA-256", "n,,", "", true },
	};
	struct talk t;

	talk_open(&t, accounts);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf text = BUF_INIT(1000), final = BUF_INIT(1000);

		buf_addf(&text, "%sn=u@x.test,r=abc", cases[i].header);
		start(&t, (uint32_t)i, cases[i].mechanism, buf_str(&text));
		if (t.result == WIRE_VERIFY_CHALLENGE) {
			buf_clear(&text);
			buf_addf(&text, "%s%s", cases[i].header, cases[i].data);
			answer(&t, SCRAM_SHA256, "n=u@x.test,r=abc",
			    buf_str(&text), "pencil", &final);
			more(&t, (uint32_t)i, buf_slice(&final));
		}
		if (cases[i].ok) {
			CHECK(t.result == WIRE_VERIFY_CHALLENGE, "%zu", i);
			more(&t, (uint32_t)i, S(""));
		}
		CHECK(t.result == (cases[i].ok ? WIRE_VERIFY_OK :
		    WIRE_VERIFY_DENIED), "%zu", i);
		buf_release(&text);
		buf_release(&final);
	}
	talk_close(&t);
}

TEST(unknown_users_look_like_known_ones)
{
	struct talk t;
	char before[1000];

	talk_open(&t, accounts);
	/* Rounds and size of salt are those of the accounts. */
	start(&t, 1, "SCRAM-SHA-256", "n,,n=nobody@x.test,r=abc");
	CHECK(t.result == WIRE_VERIFY_CHALLENGE);
	CHECK(strstr(t.message, ",i=4096") != NULL, "%s", t.message);
	snprintf(before, sizeof(before), "%s", strstr(t.message, ",s="));
	start(&t, 2, "SCRAM-SHA-256", "n,,n=NObody@x.test,r=def");
	CHECK(strcmp(strstr(t.message, ",s="), before) == 0);
	start(&t, 3, "SCRAM-SHA-256", "n,,n=nobody2@x.test,r=def");
	CHECK(strcmp(strstr(t.message, ",s="), before) != 0);
	CHECK(t.auth.exchanges == 3);
	/* Their caller goes. */
	attempt_forget(&t.auth, t.server);
	talk_close(&t);
}

TEST(exchanges_are_aborted_and_bounded)
{
	struct buf b = WIRE_BUF;
	struct talk t;

	talk_open(&t, accounts);
	for (uint32_t i = 0; i < LIMIT_AUTH_EXCHANGES; i++) {
		start(&t, i, "SCRAM-SHA-256", "n,,n=u@x.test,r=abc");
		CHECK(t.result == WIRE_VERIFY_CHALLENGE, "%u", i);
	}
	start(&t, LIMIT_AUTH_EXCHANGES, "SCRAM-SHA-256", "n,,n=u@x.test,r=a");
	CHECK(t.result == WIRE_VERIFY_LATER);
	chan_send(t.client, WIRE_AUTH_SASL_ABORT, 7, S(""), -1);
	start(&t, LIMIT_AUTH_EXCHANGES, "SCRAM-SHA-256", "n,,n=u@x.test,r=a");
	CHECK(t.result == WIRE_VERIFY_CHALLENGE);
	/* What is over, or never was, has no answer; the next one has. */
	wire_put_slice(&b, S("x"));
	chan_send(t.client, WIRE_AUTH_SASL_MORE, 7, buf_slice(&b), -1);
	chan_send(t.client, WIRE_AUTH_SASL_ABORT, 7, S(""), -1);
	buf_release(&b);
	more(&t, 8, S("c=biws,r=wrong,p=AAAA"));
	CHECK(t.result == WIRE_VERIFY_DENIED);
	attempt_forget(&t.auth, t.server);
	talk_close(&t);
}

TESTS(T(accounts_with_a_verifier_log_in),
    T(logins_are_bound_to_their_connection),
    T(unknown_users_look_like_known_ones),
    T(exchanges_are_aborted_and_bounded))
