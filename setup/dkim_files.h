/*
 * The files of a DKIM key in opendkim/keys/DOMAIN: SELECTOR.private, the pair
 * in PEM, and SELECTOR.txt, its record (dms-compat 3.8).
 */
#ifndef SETUP_DKIM_FILES_H
#define SETUP_DKIM_FILES_H

#include "setup/setup.h"

/* Gives a file to whoever owns that folder of the config folder ("": itself), so
 * that it stays readable outside of the container. */
void dkim_files_give_away(const struct setup *s, const char *dir,
    const char *path);
/* Writes a file and gives it away. 0, or 1 after saying why not. */
int dkim_files_write(const struct setup *s, const char *dir, const char *path,
    const struct buf *text, mode_t mode) MUST_CHECK;
/* A folder: one that is there already is fine. */
int dkim_files_make_dir(const struct setup *s, const char *dir,
    const char *path) MUST_CHECK;

/* Appends the path of the private key. */
void dkim_files_private(const struct setup *s, struct slice domain,
    struct slice selector, struct buf *out);

/* Makes a key and writes both files; bits are for RSA. 0, or 1 after saying
 * why not. */
int dkim_files_make(const struct setup *s, struct slice domain,
    struct slice selector, bool ed25519, unsigned bits) MUST_CHECK;

#endif
