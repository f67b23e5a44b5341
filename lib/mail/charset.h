/*
 * Character sets to UTF-8. ASCII, UTF-8, ISO-8859-1, -15 and windows-1252 are
 * built in; others go through iconv(3), which needs its modules in reach (not
 * in an empty chroot).
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include "core/buf.h"

struct charset;

/* True if the name can be converted. For IMAP's SEARCH CHARSET. */
bool charset_known(struct slice name);

/*
 * A converter, never NULL: an unknown charset is read as UTF-8 where it is
 * that and as windows-1252 where not. Empty means US-ASCII. Output is always
 * well-formed UTF-8; what can't be converted becomes U+FFFD. Input may be cut
 * anywhere.
 */
struct charset *charset_open(struct slice name);
void charset_feed(struct charset *c, struct slice in, struct buf *out);
/* Ends the text; the converter can go on with another one. */
void charset_end(struct charset *c, struct buf *out);
void charset_close(struct charset *c);

/* All at once. 0, or -1 if the name was unknown (text is appended anyway). */
int charset_to_utf8(struct buf *out, struct slice name, struct slice in);

/* Appends text with each malformed sequence replaced by U+FFFD. */
void utf8_sanitize(struct buf *out, struct slice text);
/* Appends one code point. */
void utf8_put(struct buf *out, uint32_t c);
/*
 * Takes one code point off the front (s not empty); malformed bytes give
 * U+FFFD one at a time.
 */
uint32_t utf8_take(struct slice *s);

#endif
