/*
 * Every cap on hostile input, in one list. A number here is what one peer can
 * make us hold; raising one is a decision about memory.
 */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/* Addresses: RFC 5321 4.5.3.1.1 to 4.5.3.1.3. */
#define LIMIT_LOCAL_PART 64
#define LIMIT_DOMAIN 255
#define LIMIT_ADDRESS 320 /* local part, @, domain, in octets (UTF-8 too) */

/* SMTP. The RFC's minimum command line is 512; parameters (SMTPUTF8, DSN,
 * AUTH) extend it, and AUTH lines are up to 12288 (RFC 4954 section 4). */
#define LIMIT_SMTP_COMMAND 2048
#define LIMIT_SMTP_AUTH_LINE 12288
#define LIMIT_SMTP_TEXT_LINE 65536 /* a body line; longer is refused with 500 */
#define LIMIT_SMTP_RECIPIENTS 1000
#define LIMIT_SMTP_ERRORS 20
#define LIMIT_SMTP_AUTH_FAILURES 5 /* failed logins in one connection */
#define LIMIT_SMTP_TARGET_BYTES 1048576 /* alias targets of one message */
#define LIMIT_SMTP_DATA_MS 7200000 /* one message may take two hours */
#define LIMIT_SMTP_REPLY 4096      /* one reply (all lines) of a remote server */
#define LIMIT_RECEIVED_HOPS 100    /* RFC 5321 6.3 */

/* IMAP. */
#define LIMIT_IMAP_LINE 65536      /* one command without its literals */
#define LIMIT_IMAP_PRELOGIN_LINE 8192
#define LIMIT_IMAP_LITERAL 65536   /* a literal that is not APPEND's */
#define LIMIT_IMAP_COMMAND 1048576 /* line and literals of one command */
#define LIMIT_IMAP_TAG 256
#define LIMIT_IMAP_APPEND 1073741824 /* one message */
#define LIMIT_IMAP_APPENDS 1000    /* messages of one APPEND (RFC 3502) */
#define LIMIT_IMAP_CATENATE 4000   /* parts in one APPEND (RFC 4469) */
#define LIMIT_IMAP_SECTIONS 256    /* BODY[...] of one FETCH */
#define LIMIT_IMAP_LAZY 64         /* previews made for one FETCH (LAZY) */
#define LIMIT_IMAP_FIELDS 256      /* names of one HEADER.FIELDS */
#define LIMIT_IMAP_SEARCH_KEYS 4096
#define LIMIT_IMAP_SEARCH_TEXT 16777216 /* decoded text of one message */
#define LIMIT_SEARCH_INDEX_TEXT 4194304 /* of a part; with more, not indexed */
#define LIMIT_IMAP_FUZZY_WORDS 64  /* of one text */
#define LIMIT_IMAP_SORT_KEY 512    /* octets of a string that SORT compares */
#define LIMIT_IMAP_SORT_BYTES 268435456 /* all strings of one SORT */
#define LIMIT_IMAP_THREAD_REFERENCES 64 /* of one message */
#define LIMIT_IMAP_THREAD_IDS 16   /* ids that are remembered, per message */
#define LIMIT_IMAP_CONTEXTS 16     /* live results of one session (RFC 5267) */
#define LIMIT_IMAP_CONTEXT_BYTES 16777216 /* keys of one that is sorted */
#define LIMIT_IMAP_PATTERNS 256    /* of one LIST (RFC 5258) */
#define LIMIT_IMAP_NESTING 32      /* parentheses in SEARCH, LIST, ENVELOPE */
#define LIMIT_IMAP_ZIPS 256        /* compressed connections at work at once */
#define LIMIT_IMAP_RETURNED 32768  /* sent behind UNAUTHENTICATE (RFC 8437) */
#define LIMIT_IMAP_NEWS 65536      /* responses waiting for a gap */
#define LIMIT_IMAP_OTHERS 64       /* users whose mailboxes a session has at hand */
#define LIMIT_IMAP_ERRORS 20
#define LIMIT_NOTIFY_GROUPS 64     /* of one NOTIFY (RFC 5465) */
#define LIMIT_NOTIFY_NAMES 1000    /* in it */
#define LIMIT_NOTIFY_MAILBOXES 5000 /* that it watches */
#define LIMIT_MAILBOX_NAME 1000    /* octets, as sent */
#define LIMIT_MAILBOX_DEPTH 32
#define LIMIT_METADATA_NAME 255    /* of an entry (RFC 5464) */
#define LIMIT_METADATA_VALUE LIMIT_IMAP_LITERAL
#define LIMIT_METADATA_ENTRIES 100 /* of one mailbox, and of one command */
#define LIMIT_METADATA_BYTES 262144 /* of one mailbox, names included */
#define LIMIT_ACL_ENTRIES 1000     /* identifiers of one mailbox (RFC 4314) */
#define LIMIT_ACL_BYTES 1048576    /* dovecot-acl of one mailbox */
#define LIMIT_ACL_CACHE 4096       /* such files that are remembered */
#define LIMIT_SHARES_BYTES 8388608 /* pillarbox-shares of the mail folder */
#define LIMIT_SHARES_OWNERS 1000   /* whose mailboxes one LIST shows */
#define LIMIT_KEYWORD 255
#define LIMIT_KEYWORDS 1024        /* distinct ones in one mailbox */
#define LIMIT_KEYWORD_FILE 67108864 /* pillarbox-keywords of one mailbox */

#define LIMIT_BODY_UNPACKED 268435456 /* a message that was compressed */

/* Messages: what the header and MIME parsers hold on to. Anything beyond is
 * still stored and delivered, it is just not looked at. */
#define LIMIT_HEADER_BYTES 262144
#define LIMIT_HEADER_FIELDS 2000
#define LIMIT_HEADER_ADDRESSES 2000
#define LIMIT_MIME_PARTS 1000
#define LIMIT_MIME_DEPTH 50
#define LIMIT_MIME_PARAMS 64
#define LIMIT_MIME_BOUNDARY 256    /* RFC 2046 5.1.1 says 70 */
#define LIMIT_PREVIEW_BYTES 262144 /* of a message, for its first words */
#define LIMIT_DKIM_SIGNATURES 20
#define LIMIT_DKIM_TAGS 64         /* in one tag list */
#define LIMIT_DKIM_RSA_BITS 4096   /* RFC 8301 3.2: verifiers take up to this */
#define LIMIT_DKIM_KEYS 8          /* signatures put on one message */
#define LIMIT_DKIM_JOBS 512        /* messages under way at once */
#define LIMIT_ARC_SETS 50          /* RFC 8617 4.2.1 */
#define LIMIT_DMARC_LABELS 8       /* names asked up one tree */
#define LIMIT_DMARC_LOOKUPS 40     /* questions for one message */
#define LIMIT_DMARC_IDENTIFIERS (LIMIT_DKIM_SIGNATURES + 1)
#define LIMIT_TRUSTED_SEALERS 256  /* domains that a setting may name */
/* The DNS. What answers are kept in is lib/dns/upstream.c. */
#define LIMIT_DNS_TIMEOUT 10000    /* ms, until a question has no answer */
#define LIMIT_DNS_QUESTIONS 1000   /* under way at once */
#define LIMIT_DNS_SHARE 200        /* of them for each of five that dial us */
#define LIMIT_DNS_WAITERS 10000    /* answers owed, all questions together */
#define LIMIT_DNS_ANSWERS 256      /* records of one answer */
/* SPF: RFC 7208 section 4.6.4, and what one check holds. */
#define LIMIT_SPF_JOBS 512         /* senders being checked at RCPT */
#define LIMIT_SPF_KEPT 64          /* results of RCPT that wait for their message */
#define LIMIT_SPF_TERMS 10         /* mechanisms and modifiers that ask the DNS */
#define LIMIT_SPF_VOID 2           /* of them with an empty answer */
#define LIMIT_SPF_MX 10            /* names of one mx */
#define LIMIT_SPF_PTR 10           /* names of the client that are looked at */
#define LIMIT_SPF_DEPTH (LIMIT_SPF_TERMS + 1) /* includes in one another */
#define LIMIT_SPF_RECORD 65535     /* octets of a record, all strings */
#define LIMIT_SPF_TEXT 131072      /* of all records of one check */
#define LIMIT_SPF_EXPLANATION 1024 /* of exp=, expanded */

/* DMARC reports of others (services/reports). */
#define LIMIT_REPORT_MAIL 26214400     /* octets of the mail */
#define LIMIT_REPORT_UNPACKED 67108864 /* octets of XML */
#define LIMIT_REPORT_ROWS 100000       /* of one report */
#define LIMIT_REPORT_KEPT 1000000      /* rows of all reports */
#define LIMIT_REPORT_DAYS 400          /* how long they are kept */
#define LIMIT_REPORT_JOBS 64           /* waiting at once */

/* DMARC reports to others. */
#define LIMIT_NOTES_PENDING 4194304  /* octets that wait for the database */
#define LIMIT_NOTES_ROWS 5000        /* of one report */
#define LIMIT_NOTES_KEPT 100000      /* rows of all reports */
#define LIMIT_NOTES_REPORTS 10000    /* kept at once */
#define LIMIT_NOTES_DAYS 3           /* how long one is tried */
#define LIMIT_NOTES_RECIPIENTS 5     /* of one report */
#define LIMIT_NOTES_XML 16777216     /* octets of one report */

/* Aliases. */
#define LIMIT_ALIAS_DEPTH 20
#define LIMIT_ALIAS_TARGETS 1000

/* Logins. */
#define LIMIT_AUTH_JOBS 256        /* passwords being checked or waiting for it */
#define LIMIT_AUTH_DELAYED 10000   /* refusals held back */
#define LIMIT_AUTH_CLIENTS 65536   /* addresses whose failures are counted */
#define LIMIT_AUTH_CACHE 4096
#define LIMIT_AUTH_TICKETS 16384
#define LIMIT_AUTH_USAGES 65536    /* mailboxes whose usage is remembered */
#define LIMIT_AUTH_EXCHANGES 4096  /* SCRAM logins between two messages */
#define LIMIT_SASL_MESSAGE 2048    /* of SCRAM or EXTERNAL, decoded */
#define LIMIT_SCRAM_SALT 64
#define LIMIT_TLS_CERTIFICATES 32768 /* octets of the chain a client shows */
#define LIMIT_TLS_CHAIN 10         /* certificates in it */
#define LIMIT_TLS_ADDRESSES 32     /* in one certificate */
#define LIMIT_TLS_CLIENT_CAS 200   /* in the file that we trust */
/* What a password hash may cost to check. */
#define LIMIT_HASH_ROUNDS 2000000  /* SHA-crypt, PBKDF2, SCRAM */
#define LIMIT_HASH_BCRYPT 14       /* log2 of the rounds */
#define LIMIT_HASH_MEMORY_KB 262144
#define LIMIT_HASH_ARGON_KB 2097152 /* memory times passes */

/* The queue: messages being received at once; one descriptor each. */
#define LIMIT_QUEUE_TRANSACTIONS 4096

/* Frames between processes. */
#define LIMIT_FRAME 65536
#define LIMIT_CHAN_QUEUE 16777216  /* bytes waiting in one channel */

/* Configuration. */
#define LIMIT_CONFIG_FILE 16777216
#define LIMIT_CONFIG_LINE 65536
#define LIMIT_YAML_FILE 262144     /* pillarbox.yaml */
#define LIMIT_ACME_FILE 4194304    /* acme.json of Traefik */
#define LIMIT_PASSWORD 1024

#endif
