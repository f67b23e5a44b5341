/*
 * What OpenDKIM has no word for, as comments of ours in KeyTable, each about
 * the key of a name:
 *
 *	# pillarbox: NAME waits
 *	# pillarbox: NAME retired until 2026-12-05T08:00:00Z
 *
 * And taking all lines about a key out of the tables.
 */
#ifndef CONF_CONF_DKIM_NOTES_H
#define CONF_CONF_DKIM_NOTES_H

#include "core/buf.h"

enum conf_dkim_note {
	CONF_DKIM_NONE,
	CONF_DKIM_WAITS,   /* for its record, then it signs */
	CONF_DKIM_RETIRED, /* does not sign; its record must stay until then */
};

/* *until, in seconds since the epoch, is for CONF_DKIM_RETIRED. */
enum conf_dkim_note conf_dkim_note(struct slice key_table, struct slice name,
    int64_t *until);

/* Gives the key a note, in place of what it had; until as above. */
void conf_dkim_note_set(struct buf *key_table, struct slice name,
    enum conf_dkim_note note, int64_t until);

/* Takes away its line and note in KeyTable, its lines in SigningTable; all
 * other lines keep every byte. */
void conf_dkim_drop(struct buf *key_table, struct buf *signing_table,
    struct slice name);

#endif
