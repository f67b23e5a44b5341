/*
 * What queue does to the header of a message that it accepts, as an edit
 * (wire/edit.h): the trace field in front, fields that must not travel on left
 * out. Pure functions.
 */
#ifndef SERVICES_QUEUE_COMPOSE_H
#define SERVICES_QUEUE_COMPOSE_H

#include "core/buf.h"
#include "wire/edit.h"

/* Edit with room to grow; prefix lives in text. */
struct edit {
	struct buf text;
	uint32_t count;
	struct wire_cut cuts[WIRE_CUTS];
	bool failed; /* more cuts than there is room for */
};

void edit_init(struct edit *e);
void edit_release(struct edit *e);
/* Adds a range in any order; joins what overlaps or touches. */
void edit_cut(struct edit *e, uint64_t start, uint64_t end);
/* Puts text before what is in front already. */
void edit_prepend(struct edit *e, struct slice text);
/* A view for the wire; valid until the edit changes. */
void edit_view(const struct edit *e, struct wire_edit *out);

struct compose {
	bool submission;
	struct slice client_ip;
	struct slice client_rdns;
	struct slice helo;
	bool esmtp;
	bool tls;
	bool utf8;
	struct slice rcpt;     /* the only recipient, or "" */
	struct slice host;     /* ours */
	struct slice id;
	int64_t date;
	int zone;
	/* Set by compose_edit. */
	struct slice message_id; /* view into the header or the edit's text */
};

enum compose_result {
	COMPOSE_OK,
	COMPOSE_HOPS,      /* 554 5.4.6: RFC 5321 6.3 */
	COMPOSE_TOO_MANY,  /* 554 5.6.0: fields to remove do not fit an edit */
};

/*
 * header is the start of the message, at least its header section unless that
 * passes LIMIT_HEADER_BYTES.
 */
enum compose_result compose_edit(struct edit *e, struct compose *c,
    struct slice header);

/*
 * Appends the message (or only its header) as it leaves, edit applied: at most
 * as much as out takes. -1 with errno if it cannot be read, EFBIG if out is
 * too small.
 */
int compose_apply(struct buf *out, int fd, uint64_t size,
    const struct wire_edit *e, bool header_only) MUST_CHECK;

/* Appends the header section of the file (and perhaps some of the body). */
int compose_read_header(struct buf *out, int fd, uint64_t size) MUST_CHECK;

#endif
