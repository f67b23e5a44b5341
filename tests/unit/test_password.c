// part: services/auth
#include "services/auth/password.h"

#include <sodium.h>

#include "check.h"

/* Made with crypt(3), hashlib and libsodium from Python. */
static const char *const fitting[] = {
	"{SHA512-CRYPT}$6$0123456789abcdef$M7D8tWbuKQb2/c2dWf8SmCPCTMffMqkZbR9YNELWtD/aI0mdig9A8oke3p./E3UZH7jGPHTE.VI8yiMX1o3Ok/",
	"$6$0123456789abcdef$M7D8tWbuKQb2/c2dWf8SmCPCTMffMqkZbR9YNELWtD/aI0mdig9A8oke3p./E3UZH7jGPHTE.VI8yiMX1o3Ok/",
	"{sha512-crypt}$6$rounds=1000$saltsalt$rGVzqU4uACWMxotJ.Z0clZnAiusc8xJHIM9zy.uFYcRhwINLHfoWwkjzdce6ksXTn6MDVlSvckR6DrjCXOGT5/",
	"{SHA256-CRYPT}$5$saltsalt$rARHfYKSfObNJRBWTCmWH2bEp.QggOIos1xa/t0m3x5",
	"{MD5-CRYPT}$1$saltsalt$TgSjy78ElG..7yBJossD0.",
	"{MD5}$1$saltsalt$TgSjy78ElG..7yBJossD0.",
	"{CRYPT}abzp3RXJm5gNA",
	"{DES-CRYPT}zzjOGqaU2D1ew",
	"{BLF-CRYPT}$2y$04$abcdefghijklmnopqrstuuttEEnz76zm7MjVN//MHDv0G89wKAxhO",
	"{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuu9zkq65eNjJ/pyWJYBzBge4LrMqMXEd6",
	"{CRYPT}$y$j75$saltsaltsalt$kESICDogOw570DNCn7oFBii2Qo/YZJOGWVhQWB86UCD",
	"{CRYPT}$y$j8T$saltsaltsalt$3R6WsiOPuSHsYqW7pPgNEnPy7IxCVcfvYNlXmlvu2N/",
	"{ARGON2ID}$argon2id$v=19$m=1024,t=1,p=1$AIGPFm/uyiw+dvzu8ArC+Q$4ZnuPrEA/LkyBumQBWoHxisvSromcb7l9eMu0LDKCYg",
	"{ARGON2I}$argon2i$v=19$m=1024,t=3,p=1$GMV9/4Hk5wPsOl6+NBXEHQ$nr4zf3/ydBRrmA7pQB9IrQ3UAIS2Smi3QH4OdPk1Xrk",
	"{PBKDF2}$1$saltsalt$100$bda6e466d63ba08343811cf8909263d7e10b802a",
	"{SCRAM-SHA-1}4096,MDEyMzQ1Njc4OWFiY2RlZg==,dbv7y8QabHfHj8rj6Oqo727ow+E=,2Tj0+/eOWXTwtMIK4N2ujKyonOs=",
	"{SCRAM-SHA-256}4096,MDEyMzQ1Njc4OWFiY2RlZg==,sKtbqccO5wUKaBcNu1Tzb9rkEuoIhc6P2j6wUChLWy0=,zGg7WPFHRz0dYXL4OUZN657lIInlShqAxtXz2J1UpZE=",
	"{SSHA}qMJGRvLQTATfh94g96i+OD3xk4VzYWx0",
	"{SSHA256}J7FrKqGyZ1tfJlBahJ0j2XQ6YTK/wqxbsLBvNGebPj9zYWx0",
	"{SSHA512}ORJ32tw/f2bmNffRQxvY2Njp4FZKMZNOJNj592TAIGR57N1gcRRGyPoXYqsYnDHmATs+Kuxlz774u7wwZBcCdXNhbHQ=",
	"{SMD5}QD6up0vUtEPpSeKyn1ux2nNhbHQ=",
	"{SSHA.hex}a8c24646f2d04c04df87de20f7a8be383df1938573616c74",
	"{SHA}/Hrn08gEogcgvDjo5YNQSGibZVE=",
	"{SHA1}/Hrn08gEogcgvDjo5YNQSGibZVE=",
	"{SHA256}UODX5JZHe18JVwv9yvMbAoeS719Y7fwn28vMuM/OHRU=",
	"{SHA512}MGrCWX/OaIyw5xBZ0RrM2vwe1YHoo2MD/NKt2+vkfLiudEOMnHxXTsVXCSooO5eehIdUJFylnTmr3TTyK23wMw==",
	"{LDAP-MD5}znS4ktpEGwD0thUjhyvGtA==",
	"{SHA256}50e0d7e496477b5f09570bfdcaf31b028792ef5f58edfc27dbcbccb8cfce1d15",
	"{SHA256.HEX}50e0d7e496477b5f09570bfdcaf31b028792ef5f58edfc27dbcbccb8cfce1d15",
	"{SHA512.b64}MGrCWX/OaIyw5xBZ0RrM2vwe1YHoo2MD/NKt2+vkfLiudEOMnHxXTsVXCSooO5eehIdUJFylnTmr3TTyK23wMw==",
	"{PLAIN-MD5}ce74b892da441b00f4b61523872bc6b4",
	"{MD5}ce74b892da441b00f4b61523872bc6b4",
	"{PLAIN}pässwörd 1",
	"{CLEAR}pässwörd 1",
	"{CLEARTEXT}pässwörd 1",
	"{PLAIN.b64}cMOkc3N3w7ZyZCAx",
	"{PLAIN.base64}cMOkc3N3w7ZyZCAx",
	"{PLAIN.hex}70c3a4737377c3b672642031",
};

TEST(password_fits_in_every_scheme)
{
	CHECK(sodium_init() >= 0, "sodium");
	for (size_t i = 0; i < LEN(fitting); i++) {
		const char *why = "";
		int r = password_verify(slice_str(fitting[i]),
		    S("p\xc3\xa4ssw\xc3\xb6rd 1"), &why);

		CHECK(r == 1, "%s: %d %s", fitting[i], r, why);
	}
}

TEST(wrong_password_fits_in_no_scheme)
{
	for (size_t i = 0; i < LEN(fitting); i++) {
		const char *why = "";

		CHECK(password_verify(slice_str(fitting[i]),
		    S("P\xc3\xa4ssw\xc3\xb6rd 1"), &why) == 0, "%s",
		    fitting[i]);
		CHECK(password_verify(slice_str(fitting[i]), S(""), &why) == 0,
		    "%s", fitting[i]);
		CHECK(password_verify(slice_str(fitting[i]),
		    slice_of("p\xc3\xa4ssw\xc3\xb6rd 1\0x", 14), &why) == 0,
		    "%s", fitting[i]);
	}
}

TEST(cram_md5_contexts_fit)
{
	/* Dovecot's documentation: the password is "test". */
	const char *why;
	struct slice hash = S("{CRAM-MD5}"
	    "e02d374fde0dc75a17a557039a3a5338c7743304777dccd376f332bee68d2cf6");

	CHECK(password_verify(hash, S("test"), &why) == 1, " ");
	CHECK(password_verify(hash, S("Test"), &why) == 0, " ");
}

TEST(hash_that_is_unknown_malformed_or_too_expensive_is_unusable)
{
	static const char *const bad[] = {
		"{NTLM}0123", "{}x", "{SHA512-CRYPT", "", "plain", "{PLAIN}",
		"{SHA256}zz", "{SHA256}AAAA", "{SSHA}AAAA", "{SHA.b64}!",
		"{SHA512-CRYPT}$6$rounds=99999999$a$b",
		"{SHA512-CRYPT}$6$rounds=99999999999999999999$a$b",
		"{BLF-CRYPT}$2y$31$abcdefghijklmnopqrstuu",
		"{BLF-CRYPT}$2y$xx$abcdefghijklmnopqrstuu",
		"{CRYPT}$y$jFT$salt$hash", "{CRYPT}$7$DU..../....salt$hash",
		"{CRYPT}$md5,rounds=4294967295$s$h", "{CRYPT}*", "{CRYPT}x",
		"{CRYPT}_zzzzsaltxxxxxxxxxxx",
		"{ARGON2ID}$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHQ$aaaa",
		"{ARGON2ID}$argon2id$v=19$m=65536,t=4294967295,p=1$c2Fsd$aaaa",
		"{ARGON2ID}$argon2i$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aaaa",
		"{ARGON2ID}", "{ARGON2ID}$argon2id$v=19$",
		"{PBKDF2}$1$salt$99999999$0123456789012345678901234567890123456789",
		"{PBKDF2}$1$salt$0$0123456789012345678901234567890123456789",
		"{PBKDF2}$1$salt$10$01", "{SCRAM-SHA-1}4096,x", "{SCRAM-SHA-1}",
		"{SCRAM-SHA-256}999999999,c2FsdA==,"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,x",
	};

	for (size_t i = 0; i < LEN(bad); i++) {
		const char *why = NULL;

		CHECK(password_verify(slice_str(bad[i]), S("x"), &why) == -1 &&
		    why != NULL, "%s", bad[i]);
		CHECK(password_check(slice_str(bad[i]), &why) == -1, "%s",
		    bad[i]);
	}
}

TESTS(
	T(password_fits_in_every_scheme),
	T(wrong_password_fits_in_no_scheme),
	T(cram_md5_contexts_fit),
	T(hash_that_is_unknown_malformed_or_too_expensive_is_unusable)
)
