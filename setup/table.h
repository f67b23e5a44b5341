/*
 * Editing a table file of the config folder: read under a lock on the folder,
 * change lines, replace the file in one step. Lines that are not concerned
 * keep every byte.
 */
#ifndef SETUP_TABLE_H
#define SETUP_TABLE_H

#include "setup/setup.h"

struct table {
	struct buf path;
	struct buf text;
	int lock;    /* the config folder, locked; -1: read only */
	bool exists;
};

/*
 * Opens CONFIG/file; a missing file is an empty table. With write, the folder
 * is created if needed and locked until table_close. -1 after saying why not.
 * table_close in every case.
 */
int table_open(const struct setup *s, struct table *t, const char *file,
    bool write) MUST_CHECK;
/* To list what is in it: one that does not exist or is empty is said, too. */
int table_open_filled(const struct setup *s, struct table *t,
    const char *file) MUST_CHECK;
/* Writes the text back; mode is for a new file. -1 after saying why not. */
int table_save(const struct setup *s, struct table *t, mode_t mode) MUST_CHECK;
void table_close(struct table *t);

/*
 * The first line that starts with key (case ignored) and one of the
 * delimiters; false if there is none. A view into the text, without the line
 * end.
 */
bool table_find(const struct table *t, struct slice key,
    const char *delimiters, struct slice *line);
/* The same question to CONFIG/file, opened for it alone; false too when it
 * cannot be read. */
bool table_has(const struct setup *s, const char *file, struct slice key,
    const char *delimiters);
/* Replaces a line that table_find gave; an empty line removes it. */
void table_replace(struct table *t, struct slice old, struct slice line);
void table_append(struct table *t, struct slice line);

/* The next line that is neither blank nor a comment, trimmed. */
bool table_next(struct slice *rest, struct slice *line);

/*
 * For postfix-virtual.cf: the next target of a list separated by commas and
 * blanks, and whether target is one of them (case ignored).
 */
bool alias_next(struct slice *rest, struct slice *target);
bool alias_has(struct slice targets, struct slice target);
/*
 * Removes target from the alias key (NULL: from every alias); aliases without
 * a target left are removed. True if something changed.
 */
bool alias_remove(struct table *t, const struct slice *key,
    struct slice target);

#endif
