/* What the explain commands for messages share. */
#ifndef SETUP_JUDGE_H
#define SETUP_JUDGE_H

#include "msgauth/dkim_verify.h"
#include "setup/explain.h"
#include "setup/lookup.h"

struct judge {
	/* Given by options. */
	const char *file, *dns;
	bool json;
	/* Found by judge_open. */
	struct dkim_verify v;
	struct lookup *lookup;
};

/* Reads the file and opens the DNS: then the signatures and the chain wait
 * for their keys. 0, or the exit status after saying what is wrong. */
int judge_open(const struct setup *s, struct judge *j) MUST_CHECK;
void judge_release(struct judge *j);

void judge_signatures(struct judge *j);
void judge_chain(struct judge *j);

/* One kind of verdict on the message in a file, which takes no option beyond
 * --dns and --json. */
struct judge_command {
	void (*judge)(struct judge *j);
	void (*print_text)(const struct judge *j);
	void (*print_json)(const struct judge *j);
};

/* The whole of such a command; returns its exit status. */
int judge_run(const struct setup *s, int argc, char **argv,
    const struct judge_command *c);

/* "Lookups: N" and a line each. */
void judge_print_lookups(const struct judge *j);
/* Prints what a stranger wrote without what is not fit for a terminal. */
void judge_print(struct slice s);
/* Prints what the buffer has and empties it. */
void judge_flush(struct buf *out);

/* What a line says about one signature: its d=, s=, a= and, unless it
 * passed, why. */
void judge_print_signature(const char *head, const struct dkim_verified *s);
/* The same as an object. */
void judge_put_signature(struct json *out, const char *key,
    const struct dkim_verified *s);

#endif
