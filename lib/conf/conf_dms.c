#include "conf/conf_dms.h"

static const struct conf_dms table[] = {
	/* General. */
	{ "SUPERVISOR_LOGLEVEL", "warn" },
	{ "ENABLE_UPDATE_CHECK", "1" },
	{ "UPDATE_CHECK_INTERVAL", "1d" },
	{ "ENABLE_LDAP", "0" },
	{ "SA_SPAM_SUBJECT", "" },
	/* Mail service. */
	{ "ENABLE_POP3", "0" },
	{ "ENABLE_MANAGESIEVE", "0" },
	{ "DOVECOT_MAILBOX_FORMAT", "maildir" },
	{ "POSTFIX_DAGENT", "" },
	{ "POSTFIX_REJECT_UNKNOWN_CLIENT_HOSTNAME", "0" },
	{ "ENABLE_SRS", "0" },
	{ "SRS_DOMAINNAME", "" },
	{ "SRS_EXCLUDE_DOMAINS", "" },
	{ "SRS_SECRET", "" },
	{ "SRS_SENDER_CLASSES", "envelope_sender" },
	{ "ENABLE_MTA_STS", "0" },
	{ "POSTSCREEN_ACTION", "enforce" },
	{ "ENABLE_DNSBL", "0" },
	{ "MOVE_SPAM_TO_JUNK", "1" },
	{ "MARK_SPAM_AS_READ", "0" },
	{ "SPAM_SUBJECT", "" },
	/* Authentication of messages, spam, viruses. */
	{ "ENABLE_OPENDMARC", "1" },
	{ "ENABLE_POSTGREY", "0" },
	{ "POSTGREY_DELAY", "300" },
	{ "POSTGREY_MAX_AGE", "35" },
	{ "POSTGREY_AUTO_WHITELIST_CLIENTS", "5" },
	{ "POSTGREY_TEXT", "Delayed by Postgrey" },
	{ "ENABLE_AMAVIS", "1" },
	{ "AMAVIS_LOGLEVEL", "0" },
	{ "ENABLE_SPAMASSASSIN", "0" },
	{ "ENABLE_SPAMASSASSIN_KAM", "0" },
	{ "SA_TAG", "2.0" },
	{ "SA_TAG2", "6.31" },
	{ "SA_KILL", "10.0" },
	{ "SPAMASSASSIN_SPAM_TO_INBOX", "1" },
	{ "SA_SHORTCIRCUIT_BAYES_SPAM", "1" },
	{ "SA_SHORTCIRCUIT_BAYES_HAM", "1" },
	{ "VIRUSMAILS_DELETE_DELAY", "7" },
	{ "ENABLE_CLAMAV", "0" },
	{ "CLAMAV_MESSAGE_SIZE_LIMIT", "25M" },
	{ "ENABLE_RSPAMD", "0" },
	{ "ENABLE_RSPAMD_REDIS", "0" },
	{ "RSPAMD_GREYLISTING", "0" },
	{ "RSPAMD_LEARN", "0" },
	{ "RSPAMD_CHECK_AUTHENTICATED", "0" },
	{ "RSPAMD_HFILTER", "1" },
	{ "RSPAMD_HFILTER_HOSTNAME_UNKNOWN_SCORE", "6" },
	{ "RSPAMD_NEURAL", "0" },
	{ "ENABLE_FAIL2BAN", "0" },
	{ "FAIL2BAN_BLOCKTYPE", "drop" },
	/* Reports and logs. */
	{ "PFLOGSUMM_TRIGGER", "none" },
	{ "PFLOGSUMM_RECIPIENT", "" },
	{ "PFLOGSUMM_SENDER", "" },
	{ "LOGWATCH_INTERVAL", "none" },
	{ "LOGWATCH_RECIPIENT", "" },
	{ "LOGWATCH_SENDER", "" },
	{ "REPORT_RECIPIENT", "" },
	{ "REPORT_SENDER", "" },
	/* Fetching, OAuth2, LDAP, saslauthd. */
	{ "ENABLE_FETCHMAIL", "0" },
	{ "FETCHMAIL_POLL", "300" },
	{ "FETCHMAIL_PARALLEL", "0" },
	{ "ENABLE_GETMAIL", "0" },
	{ "GETMAIL_POLL", "5" },
	{ "GETMAIL_PARALLEL", "0" },
	{ "ENABLE_OAUTH2", "0" },
	{ "OAUTH2_*", "" },
	{ "LDAP_*", "" },
	{ "DOVECOT_URIS", "" },
	{ "DOVECOT_BASE", "" },
	{ "DOVECOT_DN", "" },
	{ "DOVECOT_DNPASS", "" },
	{ "DOVECOT_TLS", "no" },
	{ "DOVECOT_LDAP_VERSION", "3" },
	{ "DOVECOT_AUTH_BIND", "no" },
	{ "DOVECOT_DEFAULT_PASS_SCHEME", "SSHA" },
	{ "DOVECOT_USER_FILTER", "" },
	{ "DOVECOT_PASS_FILTER", "" },
	{ "DOVECOT_USER_ATTRS", "" },
	{ "DOVECOT_PASS_ATTRS", "" },
	{ "ENABLE_SASLAUTHD", "0" },
	{ "SASLAUTHD_MECHANISMS", "ldap" },
	{ "SASLAUTHD_*", "" },
};

const struct conf_dms *
conf_dms_at(size_t index)
{
	return index < LEN(table) ? &table[index] : NULL;
}

static bool
is_entry(const struct conf_dms *e, struct slice name)
{
	struct slice s = slice_str(e->name);

	if (slice_ends(s, S("*")))
		return slice_starts(name, slice_head(s, s.n - 1));
	return slice_eq(s, name);
}

const struct conf_dms *
conf_dms_find(struct slice name)
{
	for (size_t i = 0; i < LEN(table); i++)
		if (is_entry(&table[i], name))
			return &table[i];
	return NULL;
}
