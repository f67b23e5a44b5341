/* The first words of a message (RFC 8970). */
#ifndef MAIL_PREVIEW_H
#define MAIL_PREVIEW_H

#include "core/buf.h"

#define PREVIEW_CHARS 200 /* 3.3: SHOULD; 256 is the most allowed */
#define PREVIEW_BYTES (PREVIEW_CHARS * 4)

/*
 * Appends the beginning of the first text that a reader would see, as UTF-8 in
 * one line: at most PREVIEW_CHARS characters, no controls, no line ends, runs
 * of blanks made one. Nothing if there is no text. Looks at the first
 * LIMIT_PREVIEW_BYTES of msg only, so the work is bounded.
 */
void mime_preview(struct buf *out, struct slice msg);

#endif
