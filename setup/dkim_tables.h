/*
 * KeyTable and SigningTable of opendkim/, read and edited together, with the
 * notes of conf_dkim_notes.h; without them rspamd's file (conf_dkim.h), which
 * is only read.
 */
#ifndef SETUP_DKIM_TABLES_H
#define SETUP_DKIM_TABLES_H

#include "conf/conf_dkim.h"
#include "conf/conf_dkim_notes.h"
#include "setup/table.h"

struct dkim_tables {
	struct table keys, rules;
	struct conf_dkim dkim; /* as dkim_tables_read found them last */
	bool imported;         /* from rspamd's file */
};

/* Reads both, without changing anything, into d, which was just initialised;
 * nothing is said about wrong lines. -1 after saying why. */
int dkim_tables_load(const struct setup *s, struct conf_dkim *d) MUST_CHECK;

/* True where setup config dkim is rspamd-dkim: rspamd takes OpenDKIM's place,
 * and KeyTable has not taken its keys over. */
bool dkim_tables_are_rspamd(const struct setup *s);

/*
 * Where rspamd's file counts: writes its keys into the texts, so that they go
 * on signing when KeyTable is saved; what was there becomes comments. False if
 * it does not count. Then SigningTable is to be saved first, and
 * dkim_tables_tell_import says so on stderr, as dkim_tables_save does.
 */
bool dkim_tables_import(const struct setup *s, struct table *keys,
    struct table *rules);
void dkim_tables_tell_import(void);

/* Opens both (table_open) and reads them; nothing is said about wrong lines.
 * -1 after saying why; dkim_tables_close in every case. With write
 * rspamd's keys are imported. */
int dkim_tables_open(const struct setup *s, struct dkim_tables *t, bool write)
    MUST_CHECK;
void dkim_tables_close(struct dkim_tables *t);
/* Reads the texts anew, after changes. */
void dkim_tables_read(const struct setup *s, struct dkim_tables *t);

/*
 * Writes both. rules_first is for what takes keys away and for what was
 * imported, else KeyTable is first: a rule never names a key that is not there.
 * 0, or 1 after saying why.
 */
int dkim_tables_save(const struct setup *s, struct dkim_tables *t,
    bool rules_first) MUST_CHECK;

/* NULL if there is none. */
const struct conf_dkim_key *dkim_tables_find(const struct dkim_tables *t,
    struct slice domain, struct slice selector);

/* Adds a line to KeyTable for the key that dkim_files_make made, with the name
 * SELECTOR._domainkey.DOMAIN. */
void dkim_tables_add(struct dkim_tables *t, struct slice domain,
    struct slice selector);

#endif
