/*
 * HTML as text, for those who look for words in it: tags, comments, scripts
 * and styles left out, character references decoded, blocks set apart by line
 * ends. No rendering: what is hidden by a style sheet is text like any other.
 * Never fails; whatever is not understood is text or nothing.
 */
#ifndef MAIL_HTML_H
#define MAIL_HTML_H

#include "core/buf.h"

/* Appends the text of UTF-8 html as UTF-8; stops at out's maximum. */
void html_text(struct buf *out, struct slice html);

#endif
