/*
 * The same work as msgauth_work's, by libopendkim: the library in opendkim,
 * with keys looked up in a table as there.
 *
 *	opendkim_work verify FOLDER ROUNDS
 *	opendkim_work sign FOLDER ROUNDS KEY
 *
 * A message goes through dkim_chunk in pieces of 64 KB, as a milter gets it.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <opendkim/dkim.h>

#include "cpu.h"

static struct {
	char name[256];
	char record[4096];
} records[8];
static size_t record_count;

static void
die(const char *what)
{
	fprintf(stderr, "opendkim_work: %s\n", what);
	exit(1);
}

static void
read_records(const char *folder)
{
	char path[512], line[8192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/records", folder);
	f = fopen(path, "r");
	if (f == NULL)
		die("no records");
	while (record_count < 8 && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%255s %4095[^\n]", records[record_count].name,
		    records[record_count].record) == 2)
			record_count++;
	}
	fclose(f);
}

static DKIM_CBSTAT
look_up(DKIM *dkim, DKIM_SIGINFO *sig, unsigned char *buf, size_t n)
{
	char name[256];

	(void)dkim;
	snprintf(name, sizeof(name), "%s._domainkey.%s",
	    (char *)dkim_sig_getselector(sig), (char *)dkim_sig_getdomain(sig));
	for (size_t i = 0; i < record_count; i++)
		if (strcmp(records[i].name, name) == 0) {
			snprintf((char *)buf, n, "%s", records[i].record);
			return DKIM_CBSTAT_CONTINUE;
		}
	return DKIM_CBSTAT_NOTFOUND;
}

/* False if there is no such message. */
static bool
feed(DKIM *dkim, const char *folder, unsigned long n)
{
	static unsigned char chunk[65536];
	char path[512];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%lu", folder, n);
	fd = open(path, O_RDONLY);
	if (fd == -1)
		return false;
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		if (dkim_chunk(dkim, chunk, (size_t)got) != DKIM_STAT_OK)
			die("chunk");
	close(fd);
	if (dkim_chunk(dkim, NULL, 0) != DKIM_STAT_OK)
		die("chunk");
	return true;
}

/* Every signature, as ours: opendkim itself would do with the first. */
static void
check_all(DKIM *dkim)
{
	DKIM_SIGINFO **list;
	bool testing;
	int n;

	if (dkim_eom(dkim, &testing) != DKIM_STAT_OK ||
	    dkim_getsiglist(dkim, &list, &n) != DKIM_STAT_OK)
		die("not verified");
	for (int i = 0; i < n; i++)
		if (dkim_sig_process(dkim, list[i]) != DKIM_STAT_OK ||
		    (dkim_sig_getflags(list[i]) & DKIM_SIGFLAG_PASSED) == 0 ||
		    dkim_sig_getbh(list[i]) != DKIM_SIGBH_MATCH)
			die("not passed");
}

static unsigned long
verify(DKIM_LIB *lib, const char *folder)
{
	DKIM_STAT st;

	for (unsigned long n = 0;; n++) {
		DKIM *dkim = dkim_verify(lib, (unsigned char *)"x", NULL, &st);

		if (dkim == NULL)
			die("dkim_verify");
		if (!feed(dkim, folder, n)) {
			dkim_free(dkim);
			return n;
		}
		check_all(dkim);
		dkim_free(dkim);
	}
}

static unsigned long
sign(DKIM_LIB *lib, const char *folder, unsigned char *key)
{
	unsigned char *field;
	size_t len;
	DKIM_STAT st;

	for (unsigned long n = 0;; n++) {
		DKIM *dkim = dkim_sign(lib, (unsigned char *)"x", NULL, key,
		    (unsigned char *)"s0", (unsigned char *)"sender.test",
		    DKIM_CANON_RELAXED, DKIM_CANON_RELAXED,
		    DKIM_SIGN_RSASHA256, -1, &st);

		if (dkim == NULL)
			die("dkim_sign");
		if (!feed(dkim, folder, n)) {
			dkim_free(dkim);
			return n;
		}
		if (dkim_eom(dkim, NULL) != DKIM_STAT_OK ||
		    dkim_getsighdr_d(dkim, 0, &field, &len) != DKIM_STAT_OK)
			die("not signed");
		dkim_free(dkim);
	}
}

int
main(int argc, char **argv)
{
	static char key[65536];
	DKIM_LIB *lib = dkim_init(NULL, NULL);
	unsigned long rounds, done = 0;
	double began;
	FILE *f;

	if (argc < 4 || lib == NULL)
		return 2;
	rounds = strtoul(argv[3], NULL, 10);
	if (argc > 4) {
		f = fopen(argv[4], "r");
		if (f == NULL || fread(key, 1, sizeof(key) - 1, f) == 0)
			die("no key");
		fclose(f);
	} else {
		read_records(argv[2]);
		dkim_set_key_lookup(lib, look_up);
	}
	began = cpu_seconds();
	for (unsigned long i = 0; i < rounds; i++)
		done += argc > 4 ? sign(lib, argv[2], (unsigned char *)key) :
		    verify(lib, argv[2]);
	printf("%lu %.6f\n", done, cpu_seconds() - began);
	dkim_close(lib);
	return 0;
}
