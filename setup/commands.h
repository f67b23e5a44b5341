/* The commands of setup, for its table in main.c. */
#ifndef SETUP_COMMANDS_H
#define SETUP_COMMANDS_H

#include "setup/setup.h"

int cmd_email_add(struct setup *s, int argc, char **argv);
int cmd_email_update(struct setup *s, int argc, char **argv);
int cmd_email_del(struct setup *s, int argc, char **argv);
int cmd_email_list(struct setup *s, int argc, char **argv);
int cmd_alias_add(struct setup *s, int argc, char **argv);
int cmd_alias_del(struct setup *s, int argc, char **argv);
int cmd_alias_list(struct setup *s, int argc, char **argv);
int cmd_master_add(struct setup *s, int argc, char **argv);
int cmd_master_update(struct setup *s, int argc, char **argv);
int cmd_master_del(struct setup *s, int argc, char **argv);
int cmd_master_list(struct setup *s, int argc, char **argv);
int cmd_config_dkim(struct setup *s, int argc, char **argv);
int cmd_rspamd_dkim(struct setup *s, int argc, char **argv);
int cmd_config_show(struct setup *s, int argc, char **argv);
int cmd_config_check(struct setup *s, int argc, char **argv);
int cmd_config_docs(struct setup *s, int argc, char **argv);
int cmd_dns(struct setup *s, int argc, char **argv);
int cmd_dns_check(struct setup *s, int argc, char **argv);
int cmd_explain_dkim(struct setup *s, int argc, char **argv);
int cmd_explain_dmarc(struct setup *s, int argc, char **argv);
int cmd_explain_arc(struct setup *s, int argc, char **argv);
int cmd_dkim_list(struct setup *s, int argc, char **argv);
int cmd_dkim_show(struct setup *s, int argc, char **argv);
int cmd_dkim_rotate(struct setup *s, int argc, char **argv);
int cmd_dkim_remove(struct setup *s, int argc, char **argv);
int cmd_dkim_sign(struct setup *s, int argc, char **argv);
int cmd_arc_seal(struct setup *s, int argc, char **argv);
int cmd_explain_spf(struct setup *s, int argc, char **argv);
int cmd_tls_selfsign(struct setup *s, int argc, char **argv);
int cmd_tls_check(struct setup *s, int argc, char **argv);
int cmd_quota_set(struct setup *s, int argc, char **argv);
int cmd_quota_del(struct setup *s, int argc, char **argv);
int cmd_mailbox_list(struct setup *s, int argc, char **argv);
int cmd_mailbox_status(struct setup *s, int argc, char **argv);
int cmd_mailbox_create(struct setup *s, int argc, char **argv);
int cmd_mailbox_rename(struct setup *s, int argc, char **argv);
int cmd_mailbox_delete(struct setup *s, int argc, char **argv);
int cmd_mailbox_rebuild(struct setup *s, int argc, char **argv);
int cmd_mailbox_acl(struct setup *s, int argc, char **argv);
int cmd_mailbox_export(struct setup *s, int argc, char **argv);
int cmd_mailbox_import(struct setup *s, int argc, char **argv);
int cmd_status(struct setup *s, int argc, char **argv);
int cmd_migrate_check(struct setup *s, int argc, char **argv);
int cmd_migrate_back(struct setup *s, int argc, char **argv);
int cmd_queue(struct setup *s, int argc, char **argv);
int cmd_dmarc_report(struct setup *s, int argc, char **argv);
int cmd_dmarc_send(struct setup *s, int argc, char **argv);

#endif
