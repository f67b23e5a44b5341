#include "supervisor/table.h"

static bool
imap_enabled(const struct conf *c)
{
	return c->enable_imap && !c->smtp_only;
}

static bool
reports_enabled(const struct conf *c)
{
	return c->dmarc_reports || c->dmarc_send_reports;
}

static unsigned
imap_workers(const struct conf *c)
{
	return (unsigned)c->imap_workers;
}

/* clang-format off */
const struct sup_process sup_table[] = {
	/* name, program, user, root, settings */
	/* files, listens on, dials, when, how many, door admin */
	{ "keys", "keys", SUP_USER_KEYS, SUP_ROOT_EMPTY, CONF_TO_KEYS,
	  SUP_FILES_KEYS, { 0 }, { NULL }, NULL, NULL, false },
	{ "resolver", "resolver", SUP_USER_RESOLVER, SUP_ROOT_EMPTY, CONF_TO_RESOLVER,
	  0, { 0 }, { NULL }, NULL, NULL, false },
	{ "auth", "auth", SUP_USER_AUTH, SUP_ROOT_EMPTY, CONF_TO_AUTH,
	  SUP_FILES_ACCOUNTS | SUP_FILES_CLIENT_CA, { 0 }, { NULL }, NULL, NULL, false },
	{ "reports", "reports", SUP_USER_REPORTS, SUP_ROOT_REPORTS, CONF_TO_REPORTS,
	  0, { 0 }, { "auth.lookup", "resolver" }, reports_enabled, NULL, true },
	{ "dkim", "dkim", SUP_USER_DKIM, SUP_ROOT_EMPTY, CONF_TO_DKIM,
	  SUP_FILES_TABLES, { 0 }, { "keys", "resolver", "reports.note" }, NULL, NULL, false },
	{ "relay", "relay", SUP_USER_RELAY, SUP_ROOT_EMPTY, CONF_TO_RELAY,
	  0, { 0 }, { "resolver" }, NULL, NULL, false },
	{ "deliver", "deliver", SUP_USER_VMAIL, SUP_ROOT_MAIL, CONF_TO_DELIVER,
	  SUP_FILES_MAILBOXES, { 0 }, { "auth.mailbox" }, NULL, NULL, false },
	{ "queue", "queue", SUP_USER_QUEUE, SUP_ROOT_SPOOL, CONF_TO_QUEUE,
	  0, { 0 }, { "deliver", "relay", "dkim", "auth.lookup", "reports.mail" }, NULL, NULL, true },
	{ "imap", "imap", SUP_USER_VMAIL, SUP_ROOT_MAIL, CONF_TO_IMAP,
	  0, { 0 }, { "auth.redeem" }, imap_enabled, imap_workers, false },
	{ "login", "login", SUP_USER_LOGIN, SUP_ROOT_EMPTY, CONF_TO_LOGIN,
	  SUP_FILES_TLS | SUP_FILES_CLIENT_CA | SUP_FILES_MECHANISMS, { 143, 993 },
	  { "auth.verify", "imap" }, imap_enabled, NULL, false },
	{ "smtp-submit", "smtp", SUP_USER_SMTP, SUP_ROOT_EMPTY, CONF_TO_SUBMIT,
	  SUP_FILES_TLS | SUP_FILES_CLIENT_CA | SUP_FILES_MECHANISMS, { 465, 587 },
	  { "auth.lookup", "auth.verify", "queue.submit", "resolver" }, NULL, NULL, false },
	{ "smtp-mx", "smtp", SUP_USER_SMTP, SUP_ROOT_EMPTY, CONF_TO_MX,
	  SUP_FILES_TLS, { 25 },
	  { "auth.lookup", "queue.submit", "resolver", "dkim.spf" }, NULL, NULL, false },
};
/* clang-format on */

const size_t sup_table_size = LEN(sup_table);
