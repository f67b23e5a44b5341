/*
 * Content transfer encodings (RFC 2045 section 6) both ways. The decoders are
 * lenient, as readers must be: what is malformed is passed through or skipped,
 * never an error. They take a body piece by piece, in any cut.
 */
#ifndef MAIL_ENCODE_H
#define MAIL_ENCODE_H

#include "core/buf.h"

enum encoding {
	ENCODING_7BIT,
	ENCODING_8BIT,
	ENCODING_BINARY,
	ENCODING_QP,
	ENCODING_BASE64,
	ENCODING_UNKNOWN, /* decodes as itself */
};

/* From a Content-Transfer-Encoding value; empty is 7bit. */
enum encoding encoding_parse(struct slice name);

struct decoder {
	enum encoding encoding;
	uint32_t bits;     /* base64: collected bits */
	unsigned count;    /* base64: how many sextets of a group */
	char held[80];     /* qp: "=" and what follows, or trailing blanks */
	size_t n;
};

void decoder_init(struct decoder *d, enum encoding encoding);
void decoder_feed(struct decoder *d, struct slice in, struct buf *out);
/* Writes what was held back. The decoder can be used again after init. */
void decoder_end(struct decoder *d, struct buf *out);

/* All at once. */
void decode_body(struct buf *out, enum encoding encoding, struct slice in);

/* Quoted-printable with CRLF line ends, lines of 76 (RFC 2045 6.7). */
void encode_qp(struct buf *out, struct slice text);
/* Base64 in lines of 76 with CRLF. */
void encode_base64_lines(struct buf *out, struct slice data);

#endif
