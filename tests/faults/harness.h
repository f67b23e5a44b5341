/*
 * What the fault tests share. A test is a program of one subject: it has work
 * done in a process of its own, in which the Nth call that changes the disk
 * fails or is the last one, and then looks at what is left, as a process that
 * starts afterwards would. It goes on with the next N until the work gets
 * through unharmed.
 *
 *	faults_SUBJECT FOLDER FAULTLIB ERRNO    (ERRNO 0: kill -9)
 */
#ifndef TESTS_FAULTS_HARNESS_H
#define TESTS_FAULTS_HARNESS_H

#include "core/file.h"
#include "core/log.h"
#include "core/map.h"
#include "core/num.h"
#include "store/store.h"

struct subject {
	const char *name;
	/* Every so many rounds start with a user who has nothing. */
	unsigned afresh;
	unsigned batch; /* files taken over at once; 0: as usual */
	/* Makes what the work finds; unharmed. NULL: nothing. */
	void (*prepare)(struct store_user *u);
	/* Answers with ack() for what the store said it did. */
	void (*work)(struct store_user *u);
	/*
	 * Calls broken() if a promise is. acks has the answers, a line each;
	 * fired is false when nothing was hurt.
	 */
	void (*check)(struct store_user *u, struct slice acks, bool fired);
};

struct round {
	unsigned n;
	const char *dir;   /* mail root; the user is u@x.test */
	const char *boot;
	unsigned kept;     /* what was acknowledged and found, for the report */
	unsigned batch;
};

extern struct round round_now;

/* All rounds of s; or, in the process for it, the work of one. */
int subject_main(int argc, char **argv, const struct subject *s);
bool subject_is_work(char **argv);

/* In the work: says a line. */
void ack(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* True if acks has this line. */
bool is_acked(struct slice acks, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

NORETURN void broken(const char *what, const char *detail);
/* Path below the user's root; good until the next call but one. */
const char *user_path(const char *rest);
void remove_index(void);
/* Makes a file of the user. */
void put_file(const char *rest, const char *text);

/* ---- messages ---- */

enum store_err deliver_token(struct store_user *u, const char *box,
    const char *token, const struct store_append_meta *meta,
    struct store_appended *done);
/* So many that not all have letters in file names: "k0" to "k29". */
#define MANY_KEYWORDS 30
const struct slice *many_keywords(void);
bool has_many_keywords(const char *look);
/* The token of a whole message, for the caller to free. */
char *token_of(struct slice text, const char *where);

/* A message as it was found. */
struct found {
	char *box;
	char *token;
	char *look;  /* "<uidvalidity> <uid> <flags, hex> <keywords, sorted>" */
	uint32_t uid;
	uint32_t uidvalidity;
	int64_t date;
};

struct found_list {
	struct found *all;
	size_t n;
};

/*
 * Every message of every mailbox, each read whole. Checks that the files are
 * whole messages too, that usage is what they amount to, and that no UID is
 * there twice.
 */
void find_all(struct store_user *u, struct found_list *out);
void found_release(struct found_list *l);
const struct found *find_token(const struct found_list *l, const char *box,
    const char *token);
size_t count_token(const struct found_list *l, const char *token);

#endif
