#include "setup/scram.h"

#include "conf/conf_scram.h"
#include "sasl/scram_key.h"
#include "setup/table.h"

void
scram_line(const struct setup *s, const char *prefix,
    struct slice account_line, struct slice password, struct buf *out)
{
	struct scram_verifier verifiers[SCRAM_HASHES];
	struct slice hash = account_line, name;

	if (s->conf.scram == CONF_SCRAM_NEVER)
		return;
	slice_split(&hash, '|', &name);
	for (unsigned i = 0; i < SCRAM_HASHES; i++)
		scram_derive_new(&verifiers[i], i, password);
	buf_adds(out, prefix);
	conf_scram_format(name, hash, verifiers, out);
	mem_wipe(verifiers, sizeof(verifiers));
}

int
scram_write(const struct setup *s, struct slice line)
{
	struct slice rest = line, name;
	struct table t;
	int r;

	if (line.n == 0)
		return 0;
	slice_split(&rest, '|', &name);
	/* Opened for reading: the lock is there already. */
	r = table_open(s, &t, CONF_SCRAM_FILE, false);
	if (r == 0) {
		conf_scram_put(&t.text, name, line);
		r = table_save(s, &t, 0600);
	}
	table_close(&t);
	return r;
}
