/*
 * What a FETCH asks for (RFC 3501 6.4.5, RFC 7162 3.1.4): parsed once, used
 * for each message. No session in here.
 */
#ifndef IMAP_FETCH_PLAN_H
#define IMAP_FETCH_PLAN_H

#include "mail/mime.h"
#include "services/imap/search_result.h"

/* Items without a section. */
#define FETCH_UID 0x001u
#define FETCH_FLAGS 0x002u
#define FETCH_INTERNALDATE 0x004u
#define FETCH_SIZE 0x008u
#define FETCH_ENVELOPE 0x010u
#define FETCH_BODY 0x020u
#define FETCH_BODYSTRUCTURE 0x040u
#define FETCH_MODSEQ 0x080u
#define FETCH_SAVEDATE 0x100u
#define FETCH_EMAILID 0x200u
#define FETCH_THREADID 0x400u

enum fetch_form {
	FORM_BODY,   /* BODY[...] and its RFC822 forms */
	FORM_BINARY, /* BINARY[...]: the transfer encoding undone (RFC 3516) */
	FORM_SIZE,   /* BINARY.SIZE[...] */
	FORM_PREVIEW, /* the first words (RFC 8970) */
	FORMS
};

struct fetch_section {
	enum fetch_form form;
	struct slice label; /* how the answer names it: "BODY[TEXT]<5>" */
	struct slice spec;  /* "1.2.HEADER.FIELDS", upper case */
	enum mime_what what;
	const struct slice *names; /* of HEADER.FIELDS */
	size_t n_names;
	bool partial;
	uint32_t offset;
	uint32_t length;
	bool cached; /* the index has these fields: no file needed */
};

struct fetch_plan {
	unsigned items;
	struct fetch_section *sections;
	size_t n;
	bool sets_seen; /* some section without PEEK */
	bool partial;   /* some section in parts: more will be asked for */
	bool lazy;      /* previews only as far as they are made soon */
	bool opens;     /* some section needs the message's file */
	uint64_t changed_since; /* 0: all */
	bool vanished;
	bool ranged; /* only this part of what would be sent (RFC 9394 3.3) */
	struct search_range range;
};

/* Parses what follows the sequence set, to the end. */
int fetch_plan_parse(struct parser *p, bool uid, struct fetch_plan *out);

#endif
