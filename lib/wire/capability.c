#include "wire/capability.h"

#include "core/limits.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

enum {
	BEFORE = CAPABILITY_CLEAR | CAPABILITY_SECURE,
	USER = CAPABILITY_USER,
	ALWAYS = BEFORE | USER,
};

/*
 * A row is added when the last piece of what it promises is there. In the
 * order in which they are told: clients of old want IMAP4rev1 first. What
 * AUTH= offers depends on the accounts: login adds it (sasl/mechanism.h); imap
 * adds MESSAGELIMIT with its number.
 */
static const struct {
	const char *name;
	unsigned states;
} rows[] = {
	{ "IMAP4rev1", ALWAYS },
	{ "IMAP4rev2", ALWAYS },
	{ "SASL-IR", ALWAYS },
	{ "LOGIN-REFERRALS", BEFORE },
	{ "ID", ALWAYS },
	{ "ENABLE", ALWAYS },
	{ "IDLE", ALWAYS },
	{ "LITERAL+", ALWAYS },
	{ "STARTTLS", CAPABILITY_TLS },
	{ "LOGINDISABLED", CAPABILITY_CLEAR },
	{ "NAMESPACE", USER },
	{ "UNSELECT", USER },
	{ "UIDPLUS", USER },
	{ "MOVE", USER },
	{ "CHILDREN", USER },
	{ "SPECIAL-USE", USER },
	{ "CREATE-SPECIAL-USE", USER },
	{ "LIST-EXTENDED", USER },
	{ "LIST-STATUS", USER },
	{ "STATUS=SIZE", USER },
	{ "ESEARCH", USER },
	{ "SEARCHRES", USER },
	{ "CONDSTORE", USER },
	{ "QRESYNC", USER },
	{ "MULTIAPPEND", USER },
	{ "WITHIN", USER },
	{ "SORT", USER },
	{ "SORT=DISPLAY", USER },
	{ "THREAD=ORDEREDSUBJECT", USER },
	{ "THREAD=REFERENCES", USER },
	{ "THREAD=REFS", USER },
	{ "I18NLEVEL=1", USER },
	{ "ESORT", USER },
	{ "PARTIAL", USER },
	{ "CONTEXT=SEARCH", USER },
	{ "CONTEXT=SORT", USER },
	{ "MULTISEARCH", USER },
	{ "SAVEDATE", USER },
	{ "SEARCH=FUZZY", USER },
	{ "BINARY", USER },
	{ "COMPRESS=DEFLATE", USER },
	{ "PREVIEW", USER },
	{ "CATENATE", USER },
	{ "REPLACE", USER },
	{ "APPENDLIMIT=" TEXT(LIMIT_IMAP_APPEND), USER },
	{ "METADATA", USER },
	{ "METADATA-SERVER", USER },
	{ "LIST-METADATA", USER },
	{ "NOTIFY", USER },
	{ "UTF8=ACCEPT", USER },
	{ "UIDONLY", USER },
	{ "INPROGRESS", USER },
	{ "OBJECTID", USER },
	{ "UNAUTHENTICATE", CAPABILITY_LEAVE },
	{ "ACL", USER },
	{ "RIGHTS=texk", USER }, /* RFC 4314 section 2.2 */
	{ "LIST-MYRIGHTS", USER },
	/* RFC 9208 section 3.1.1: the resources that we know. */
	{ "QUOTA", CAPABILITY_QUOTA },
	{ "QUOTA=RES-STORAGE", CAPABILITY_QUOTA },
	{ "QUOTA=RES-MESSAGE", CAPABILITY_QUOTA },
};

void
capability_put(struct buf *out, unsigned states)
{
	bool first = true;

	for (size_t i = 0; i < LEN(rows); i++) {
		if ((rows[i].states & states) == 0)
			continue;
		buf_addf(out, "%s%s", first ? "" : " ", rows[i].name);
		first = false;
	}
}
