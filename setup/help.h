/* The usage texts of setup, in docker-mailserver's shape: title, blank line,
 * NAME, the name. */
#ifndef SETUP_HELP_H
#define SETUP_HELP_H

#define HELP(title, name, synopsis, text)                                      \
	title "\n\nNAME\n    " name "\n\nSYNOPSIS\n" synopsis                  \
	"\nDESCRIPTION\n" text

#define HELP_SETUP HELP("SETUP(1)",                                            \
	"setup - administration of the mail server",                           \
	"    setup COMMAND [ARGUMENTS...]\n"                                   \
	"    setup COMMAND help\n",                                            \
	"    This is the main administration command that you use for all "    \
	"your interactions with\n"                                             \
	"    Pillarbox. It knows the commands of docker-mailserver's setup.\n" \
	"\nCOMMANDS\n"                                                         \
	"    email add <ADDRESS> [PASSWORD]\n"                                 \
	"    email update <ADDRESS> [PASSWORD]\n"                              \
	"    email del [-y|-n] <ADDRESS> [ADDRESS...]\n"                       \
	"    email list\n\n"                                                   \
	"    alias add <ALIAS> <RECIPIENT>\n"                                  \
	"    alias del <ALIAS> <RECIPIENT>\n"                                  \
	"    alias list\n\n"                                                   \
	"    quota set <ADDRESS> [SIZE]\n"                                     \
	"    quota del <ADDRESS>\n\n"                                          \
	"    dovecot-master add <NAME> [PASSWORD]\n"                   \
	"    dovecot-master update <NAME> [PASSWORD]\n"                \
	"    dovecot-master del <NAME> [NAME...]\n"                    \
	"    dovecot-master list\n\n"                                  \
	"    mailbox list <ADDRESS>\n"                                         \
	"    mailbox status <ADDRESS> [MAILBOX...]\n"                          \
	"    mailbox create <ADDRESS> <MAILBOX>\n"                             \
	"    mailbox rename <ADDRESS> <FROM> <TO>\n"                           \
	"    mailbox delete [-y] <ADDRESS> <MAILBOX>\n"                        \
	"    mailbox rebuild <ADDRESS>...\n"                                   \
	"    mailbox acl list <ADDRESS> [MAILBOX]\n"                           \
	"    mailbox acl set <ADDRESS> <MAILBOX> <WHO> <RIGHTS>\n"             \
	"    mailbox acl del <ADDRESS> <MAILBOX> <WHO>\n"                      \
	"    mailbox export [--mbox] <ADDRESS> <FOLDER> [MAILBOX...]\n"        \
	"    mailbox import <ADDRESS> <PATH> [MAILBOX]\n\n"                    \
	"    config dkim [keytype rsa|ed25519] [keysize N] [selector S] "      \
	"[domain D,...]\n"                                                     \
	"    config show [NAME]\n"                                             \
	"    config check\n"                                                   \
	"    dns [--panel] [--address IP]... [DOMAIN]\n"                       \
	"    dns check [--dns HOST@PORT] [--no-connect] [--json] [DOMAIN]\n\n" \
	"    explain spf --ip A [--helo H] [--mail-from F]\n"                  \
	"    explain dkim <FILE>\n"                                            \
	"    explain dmarc <FILE> --ip <ADDRESS> --mail-from <ADDRESS>\n"      \
	"    explain arc <FILE>\n"                                             \
	"    dkim list [--json] [DOMAIN]\n"                                    \
	"    dkim show [--panel] <DOMAIN> [SELECTOR]\n"                        \
	"    dkim rotate <DOMAIN> [--selector S] [--type rsa|ed25519] "         \
	"[--bits N] [--no-wait]\n"                                             \
	"    dkim remove [--purge] [--force] <DOMAIN> <SELECTOR>\n"            \
	"    dkim sign <FILE> [--key PEM --selector S]\n"                      \
	"    arc seal <FILE> [--key PEM --selector S]\n\n"                     \
	"    migrate check [ADDRESS...]\n"                                     \
	"    migrate back [ADDRESS...]\n\n"                                    \
	"    status\n"                                                         \
	"    queue list\n"                                                     \
	"    queue show <ID>\n"                                                \
	"    queue flush [ID]\n"                                               \
	"    queue hold|release|delete <ID>\n\n"                               \
	"EXIT STATUS\n"                                                        \
	"    0 success, 1 failure, 2 unknown command, 78 bad configuration\n")

#define HELP_EMAIL_ADD HELP("ADDMAILUSER(8)",                                  \
	"addmailuser - Add an email address (an account)",                     \
	"    setup email add <ADDRESS> [PASSWORD]\n",                          \
	"    Adds an account. The password is asked for if it is not given,\n" \
	"    or read from standard input, twice.\n")

#define HELP_EMAIL_UPDATE HELP("UPDATEMAILUSER(8)",                            \
	"updatemailuser - Change the password of an account",                  \
	"    setup email update <ADDRESS> [PASSWORD]\n",                       \
	"    Gives an account a new password, asked for if it is not given.\n")

#define HELP_EMAIL_DEL HELP("DELMAILUSER(8)",                                  \
	"delmailuser - Delete accounts",                                       \
	"    setup email del [-y|-n] <ADDRESS> [ADDRESS...]\n",                \
	"    Deletes accounts, their quotas and them as targets of aliases.\n" \
	"\nOPTIONS\n"                                                          \
	"    -y  delete all mail of the accounts, too, without asking\n"       \
	"    -n  keep the mail, without asking\n")

#define HELP_EMAIL_LIST HELP("LISTMAILUSER(8)",                                \
	"listmailuser - List all accounts",                                    \
	"    setup email list\n",                                              \
	"    Shows each account, how much it holds, and its aliases.\n")

#define HELP_MASTER_ADD HELP("ADDDOVECOTMASTERUSER(8)",                \
	"adddovecotmasteruser - Add a master user",                    \
	"    setup dovecot-master add <NAME> [PASSWORD]\n",            \
	"    Adds a user who may open every mailbox, with the login name\n"\
	"    user@example.com*NAME and a password of its own.\n")

#define HELP_MASTER_UPDATE HELP("UPDATEDOVECOTMASTERUSER(8)",          \
	"updatedovecotmasteruser - Change the password of a master user",\
	"    setup dovecot-master update <NAME> [PASSWORD]\n",         \
	"    Gives a master a new password, asked for if it is not given.\n")

#define HELP_MASTER_DEL HELP("DELDOVECOTMASTERUSER(8)",                \
	"deldovecotmasteruser - Delete master users",                  \
	"    setup dovecot-master del <NAME> [NAME...]\n",             \
	"    Deletes masters. A name that is none is no error.\n")

#define HELP_MASTER_LIST HELP("LISTDOVECOTMASTERUSER(8)",              \
	"listdovecotmasteruser - List all master users",               \
	"    setup dovecot-master list\n",                             \
	"    Shows the name of each master.\n")

#define HELP_ALIAS_ADD HELP("ADDALIAS(8)",                                     \
	"addalias - Add an alias",                                             \
	"    setup alias add <ALIAS> <RECIPIENT>\n",                           \
	"    Mail to the alias goes to the recipient, too. The alias\n"        \
	"    @example.com is for every address of example.com.\n")

#define HELP_ALIAS_DEL HELP("DELALIAS(8)",                                     \
	"delalias - Delete a recipient of an alias",                           \
	"    setup alias del <ALIAS> <RECIPIENT>\n",                           \
	"    Deletes the recipient from the alias, and with the last one the\n"\
	"    alias. The alias _ means all aliases.\n")

#define HELP_ALIAS_LIST HELP("LISTALIAS(8)",                                   \
	"listalias - List all aliases",                                        \
	"    setup alias list\n",                                              \
	"    Shows each alias with its recipients.\n")

#define HELP_QUOTA_SET HELP("SETQUOTA(8)",                                     \
	"setquota - Set how much a mailbox may hold",                          \
	"    setup quota set <ADDRESS> [SIZE]\n",                              \
	"    SIZE is a number with B, k, M, G or T, or 0 for no limit. It is\n"\
	"    asked for if it is not given.\n")

#define HELP_QUOTA_DEL HELP("DELQUOTA(8)",                                     \
	"delquota - Delete the quota of a mailbox",                            \
	"    setup quota del <ADDRESS>\n",                                     \
	"    The default (POSTFIX_MAILBOX_SIZE_LIMIT) counts again.\n")

#define HELP_MAILBOX_LIST HELP("SETUP-MAILBOX(8)",                             \
	"setup mailbox list - List the mailboxes of an account",               \
	"    setup mailbox list <ADDRESS>\n",                                  \
	"    Shows messages, unseen messages and size of each mailbox.\n")

#define HELP_MAILBOX_STATUS HELP("SETUP-MAILBOX(8)",                           \
	"setup mailbox status - Show one mailbox, or all, in full",            \
	"    setup mailbox status <ADDRESS> [MAILBOX...]\n",                   \
	"    Adopts first what other programs changed in the Maildir.\n")

#define HELP_MAILBOX_CREATE HELP("SETUP-MAILBOX(8)",                           \
	"setup mailbox create - Make a mailbox",                               \
	"    setup mailbox create <ADDRESS> <MAILBOX>\n",                      \
	"    Makes and subscribes it. Levels are separated by dots.\n")

#define HELP_MAILBOX_RENAME HELP("SETUP-MAILBOX(8)",                           \
	"setup mailbox rename - Rename a mailbox and what is below it",        \
	"    setup mailbox rename <ADDRESS> <FROM> <TO>\n",                    \
	"    Of INBOX the messages move and INBOX stays.\n")

#define HELP_MAILBOX_DELETE HELP("SETUP-MAILBOX(8)",                           \
	"setup mailbox delete - Delete a mailbox with its messages",           \
	"    setup mailbox delete [-y] <ADDRESS> <MAILBOX>\n",                 \
	"    Asks before, unless -y is given. What is below it stays.\n")

#define HELP_MAILBOX_REBUILD HELP("SETUP-MAILBOX(8)",                          \
	"setup mailbox rebuild - Make the index anew from the Maildir",        \
	"    setup mailbox rebuild <ADDRESS>...\n",                            \
	"    UIDs, flags and keywords stay. The stack may run meanwhile.\n")

#define HELP_MAILBOX_ACL HELP("SETUP-MAILBOX(8)",                              \
	"setup mailbox acl - Share mailboxes with other users",                \
	"    setup mailbox acl list <ADDRESS> [MAILBOX]\n"                     \
	"    setup mailbox acl set <ADDRESS> <MAILBOX> <WHO> <RIGHTS>\n"       \
	"    setup mailbox acl del <ADDRESS> <MAILBOX> <WHO>\n",               \
	"    WHO is an address or 'anyone'; rights are taken away behind '-'.\n" \
	"    RIGHTS are letters, which replace those of before, or are added with\n" \
	"    '+' and taken with '-': l list, r read, s seen, w other flags,\n" \
	"    t deleted, e expunge, i insert, k create, x delete, a administer.\n")

#define HELP_MAILBOX_EXPORT HELP("SETUP-MAILBOX(8)",                           \
	"setup mailbox export - Write mail into a folder of files",            \
	"    setup mailbox export [--mbox] <ADDRESS> <FOLDER> [MAILBOX...]\n", \
	"    Writes a Maildir tree, or with --mbox a file MAILBOX.mbox (mboxrd)\n" \
	"    for each mailbox, with flags and dates. What was exported before is\n" \
	"    brought up to date.\n")

#define HELP_MAILBOX_IMPORT HELP("SETUP-MAILBOX(8)",                           \
	"setup mailbox import - Read mail from files into mailboxes",          \
	"    setup mailbox import <ADDRESS> <PATH> [MAILBOX]\n",               \
	"    PATH is a Maildir tree, a folder of .mbox files or one mbox file. Its\n" \
	"    mailboxes keep their names; with MAILBOX they go into and below it. A\n" \
	"    file goes to INBOX or MAILBOX. Repeating an import adds only what is\n" \
	"    not there yet, so one that was cut short goes on.\n")

#define HELP_CONFIG_DKIM HELP("OPEN-DKIM(8)",                                  \
	"open-dkim - Configure DKIM (DomainKeys Identified Mail)",             \
	"    setup config dkim [OPTIONS...]\n",                                \
	"    Makes a key for each hosted domain that has none and prints\n"    \
	"    nothing; 'setup dns' shows the records to publish.\n"             \
	"\nOPTIONS\n"                                                          \
	"    keytype   rsa or ed25519 (default: rsa)\n"                        \
	"    keysize   bits of an RSA key, 1024 to 4096 (default: 2048)\n"     \
	"    selector  name of the key (default: mail)\n"                      \
	"    domain    comma-separated domains (default: all hosted ones)\n"   \
	"\n    With ENABLE_RSPAMD=1 and ENABLE_OPENDKIM=0 it is rspamd-dkim:\n" \
	"    one key in rspamd's layout, with -f (--force), -v and -vv.\n")

#define HELP_RSPAMD_DKIM HELP("RSPAMD-DKIM(8)",                                \
	"rspamd-dkim - Configure DKIM (DomainKeys Identified Mail)",           \
	"    setup config dkim [-f|--force] [-v|-vv] [OPTIONS...]\n",          \
	"    Makes a key in rspamd's layout and prints the record to\n"        \
	"    publish.\n"                                                       \
	"\nOPTIONS\n"                                                          \
	"    --force   write over files that are there\n"                      \
	"    -v, -vv   say more, or everything\n"                              \
	"    keytype   rsa or ed25519 (default: rsa)\n"                        \
	"    keysize   bits of an RSA key, 1024 to 4096 (default: 2048)\n"     \
	"    selector  name of the key (default: mail)\n"                      \
	"    domain    one domain (default: that of the host name)\n")

#define HELP_CONFIG_SHOW HELP("SETUP-CONFIG(8)",                               \
	"setup config show - Show settings and where they come from",          \
	"    setup config show [NAME]\n",                                      \
	"    NAME is an environment variable or a key of pillarbox.yaml.\n")

#define HELP_CONFIG_CHECK HELP("SETUP-CONFIG(8)",                              \
	"setup config check - Check settings and files",                       \
	"    setup config check\n",                                            \
	"    Prints each problem with its place. The exit status is 78 if\n"   \
	"    the mail server would not start.\n")

#define HELP_CONFIG_DOCS HELP("SETUP-CONFIG(8)",                               \
	"setup config docs - Print the generated pages",                       \
	"    setup config docs settings|env\n",                                \
	"    Prints docs/settings.md or mailserver.env.\n")

#define HELP_DNS HELP("SETUP-DNS(8)",                                          \
	"setup dns - Show the DNS records to publish",                         \
	"    setup dns [--panel] [--address IP]... [DOMAIN]\n",                \
	"    Prints the records of the mail server and of each hosted domain as\n" \
	"    a zone file, or with --panel as the rows of host, type and value\n" \
	"    that the web page of a registrar asks for.\n"                     \
	"    --address is a public address of the mail server.\n")

#define HELP_DNS_CHECK HELP("SETUP-DNS(8)",                                    \
	"setup dns check - Check the DNS records that are published",          \
	"    setup dns check [--dns HOST@PORT] [--no-connect] [--json]\n"     \
	"                    [--smtp-port N] [--https-port N] [DOMAIN]\n",     \
	"    Looks each record up that 'setup dns' shows, and says what is\n"  \
	"    right, wrong or missing, and what to change; then tries whether\n" \
	"    port 25 and the policy of MTA-STS answer as they should, unless\n" \
	"    --no-connect is given. --dns asks that server, without DNSSEC.\n" \
	"    The ports are 25 and 443 if nothing is said.\n"                   \
	"\nEXIT STATUS\n"                                                      \
	"    0 if nothing has to change, 1 if something has, 2 for misuse\n")

#define HELP_EXPLAIN_DKIM HELP("SETUP-EXPLAIN(8)",                             \
	"setup explain dkim - Show what DKIM says, and why",                   \
	"    setup explain dkim <FILE> [--dns <HOST[@PORT]>] [--json]\n",      \
	"    Checks the signatures of a message, \"-\" for stdin, one line each,\n" \
	"    from the top. The exit status is 0 whatever they are worth.\n")

#define HELP_EXPLAIN_DMARC HELP("SETUP-EXPLAIN(8)",                            \
	"setup explain dmarc - Show what DMARC says, and why",                 \
	"    setup explain dmarc <FILE> --ip <ADDRESS> --mail-from <ADDRESS>\n" \
	"                        [--helo <NAME>] [--dns <HOST[@PORT]>] [--json]\n" \
	"    setup explain dmarc <FILE> --spf <RESULT:DOMAIN>\n"               \
	"                        [--dkim <RESULT:DOMAIN,...>]\n",              \
	"    Finds the policy of the author in a message and what would be done\n" \
	"    with it, as when it came from that client with that sender. --spf\n" \
	"    and --dkim give results in place of the checks. The exit status is\n" \
	"    0 whatever comes out.\n")

#define HELP_EXPLAIN_ARC HELP("SETUP-EXPLAIN(8)",                              \
	"setup explain arc - Show what the ARC chain is worth, and why",       \
	"    setup explain arc <FILE> [--dns <HOST[@PORT]>] [--json]\n",       \
	"    Validates the seals of a message. The exit status is 0 whatever\n" \
	"    comes out.\n")

#define HELP_DKIM_LIST HELP("SETUP-DKIM(8)",                                   \
"setup dkim list - List the DKIM keys",                                \
	"    setup dkim list [--json] [DOMAIN]\n",                             \
	"    Shows each key: domain, selector, algorithm, bits, whether it\n"  \
	"    signs now, and its file.\n")

#define HELP_DKIM_SHOW HELP("SETUP-DKIM(8)",                                   \
"setup dkim show - Print the records of DKIM keys",                    \
	"    setup dkim show [--panel] <DOMAIN> [SELECTOR]\n",                 \
	"    Prints the DNS records to publish as a zone file, or with\n"      \
	"    --panel as the web page of a registrar wants them.\n")

#define HELP_DKIM_ROTATE HELP("SETUP-DKIM(8)",                                 \
"setup dkim rotate - Replace a DKIM key",                              \
	"    setup dkim rotate <DOMAIN> [--selector <S>] [--type rsa|ed25519]\n" \
	"                      [--bits <N>] [--no-wait] [--timeout <MINUTES>]\n" \
	"                      [--dns <HOST[@PORT]>]\n",                       \
	"    Makes a key with a new selector, prints its record, waits until\n" \
	"    the DNS has it and then signs with it. The keys of that type that\n" \
	"    signed before stay for 7 days, so that mail on its way can be\n"  \
	"    checked. Cut short, or with --no-wait, it goes on when it is run\n" \
	"    again.\n"                                                         \
	"\nOPTIONS\n"                                                          \
	"    --selector  name of the new key (default: made from the date)\n"  \
	"    --type      rsa or ed25519 (default: as now, or else rsa)\n"      \
	"    --bits      of an RSA key, 1024 to 4096 (default: 2048)\n"        \
	"    --no-wait   look once and return\n"                               \
	"    --timeout   minutes to wait (default: 60)\n"                      \
	"    --dns       the server to ask\n")

#define HELP_DKIM_REMOVE HELP("SETUP-DKIM(8)",                                 \
"setup dkim remove - Remove a DKIM key",                               \
	"    setup dkim remove [--purge] [--force] <DOMAIN> <SELECTOR>\n",     \
	"    Nothing is signed with the key any more. Its files are renamed,\n" \
	"    or with --purge deleted. The last key that signs for a domain is\n" \
	"    removed only with --force.\n")

#define HELP_DKIM_SIGN HELP("SETUP-DKIM(8)",                                   \
	"setup dkim sign - Sign a message",                                    \
	"    setup dkim sign <FILE> [--key <PEM> --selector <S>] [--domain <D>]\n" \
	"                    [--canon <HEADER/BODY>] [--algo <ALGORITHM>]\n",  \
	"    Prints the DKIM-Signature field. Without --key, the key that the\n" \
	"    server would use.\n")

#define HELP_ARC_SEAL HELP("SETUP-ARC(8)",                                     \
	"setup arc seal - Seal a message",                                     \
	"    setup arc seal <FILE> [--key <PEM> --selector <S>] [--domain <D>]\n" \
	"                   [--canon <HEADER/BODY>] [--algo <ALGORITHM>]\n"    \
	"                   [--authserv-id <NAME>] [--cv none|pass|fail]\n"    \
	"                   [--dns <HOST[@PORT]>]\n",                          \
	"    Prints the three fields of an ARC set. The results in it are those\n" \
	"    of the Authentication-Results fields of that name (by default our\n" \
	"    host name). Without --cv the chain is validated.\n")

#define HELP_EXPLAIN_SPF HELP("SETUP-EXPLAIN(8)",                              \
	"setup explain spf - Show what SPF says, and why",                     \
	"    setup explain spf --ip <ADDRESS> [--helo <NAME>] "                \
	"[--mail-from <ADDRESS>]\n"                                            \
	"                      [--dns <HOST[@PORT]>] [--json]\n",              \
	"    Checks whether that client may send mail for the domain of "      \
	"--mail-from, or, without\n"                                           \
	"    it, use that name in HELO, as the server does for mail that "     \
	"arrives. The result is the\n"                                         \
	"    first word; the exit status is 0 whatever it is.\n")

#define HELP_TLS HELP("SETUP-TLS(8)",                                          \
	"setup tls - Make and check certificates",                             \
	"    setup tls selfsign <FOLDER> <HOSTNAME>\n"                         \
	"    setup tls check <CERTIFICATE> <KEY>\n",                           \
	"    selfsign makes cert.pem and key.pem if they are missing.\n")

#define HELP_STATUS HELP("SETUP-STATUS(8)",                                    \
	"setup status - Show the state of the mail server",                    \
	"    setup status\n",                                                  \
	"    The exit status is 0 if every part of it is up.\n")

#define HELP_MIGRATE HELP("SETUP-MIGRATE(8)",                                  \
	"setup migrate - Mail of docker-mailserver's Dovecot",                 \
	"    setup migrate check [ADDRESS...]\n"                               \
	"    setup migrate back [ADDRESS...]\n",                               \
	"    check tells for each folder what is taken over when it is first\n" \
	"    opened, and what cannot be. It changes nothing.\n"                \
	"    back gives the mail of all users, or those named, back to\n"      \
	"    Dovecot with the same UIDs, flags and keywords. Stop the mail\n"  \
	"    server first. Starting it again takes the mail over again.\n"     \
	"\nEXIT STATUS\n"                                                      \
	"    check: 0 if everything can be taken over, else 1\n")

#define HELP_DMARC HELP("SETUP-DMARC(8)",                                      \
	"setup dmarc - Who sends in whose name",                               \
	"    setup dmarc report [DOMAIN] [--days N] [--json]\n"                \
	"    setup dmarc send\n",                                              \
	"    Tells what other receivers reported: who sent mail with a domain\n" \
	"    of ours, how many, whether it could be told to be ours, and what\n" \
	"    became of it. N is 30 if nothing is said. send does not wait for\n" \
	"    midnight: the reports to others about today go out now.\n")

#define HELP_QUEUE HELP("SETUP-QUEUE(8)",                                      \
	"setup queue - Mail that waits for delivery",                          \
	"    setup queue list\n"                                               \
	"    setup queue show <ID>\n"                                          \
	"    setup queue flush [ID]\n"                                         \
	"    setup queue hold|release|delete <ID>\n",                          \
	"    flush tries again at once; hold keeps a mail until release.\n")

#endif
