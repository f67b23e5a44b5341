/*
 * Normalization Form C (Unicode Standard Annex 15), in which mailbox names are
 * kept when they are given in UTF-8: Net-Unicode (RFC 5198), RFC 9051 5.1.
 */
#ifndef MAIL_NFC_H
#define MAIL_NFC_H

#include "core/buf.h"

/* Appends well-formed UTF-8 text in its one composed spelling. */
void nfc_put(struct buf *out, struct slice text);

#endif
