/*
 * SPF for one message: the HELO name and the sender, side by side, with the
 * resolver's answers and a deadline for both together.
 */
#ifndef SERVICES_DKIM_SPF_WORK_H
#define SERVICES_DKIM_SPF_WORK_H

#include "msgauth/spf_report.h"
#include "services/dkim/dkim.h"

#define SPF_RESULTS_MAX 2

struct spf_work {
	struct dkim *dkim;
	struct spf_check check;
	uint64_t until;        /* loop time */
	struct spf_part {
		struct spf_work *work;
		struct spf spf;
	} parts[SPF_RESULTS_MAX]; /* the sender first, then HELO */
	size_t n;              /* 0: SPF says nothing about this client */
	size_t waiting;
	void (*cb)(void *arg);
	void *arg;
};

/*
 * Begins. client is the address in text; it and the slices must stay until
 * spf_work_release. True: cb is called once, later, when the results are
 * there; false: they are already.
 */
bool spf_work_start(struct spf_work *w, struct dkim *d, struct slice client,
    const struct spf_check *check, void (*cb)(void *arg), void *arg);
/* After cb, or if there was nothing to wait for. */
void spf_work_release(struct spf_work *w);

/* The identity whose fail refuses the message, or NULL. */
const struct spf *spf_work_refuses(const struct spf_work *w);

/* The results for Authentication-Results; returns how many. */
size_t spf_work_results(const struct spf_work *w,
    struct authres_result out[SPF_RESULTS_MAX]);
/* Appends Received-SPF, if the policy is on. */
void spf_work_received(const struct spf_work *w, struct buf *out);
/* One line about what was found and done. */
void spf_work_log(const struct spf_work *w);

#endif
