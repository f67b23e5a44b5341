#include "conf/conf_tls.h"

#include <sys/stat.h>

#include <limits.h>

#include "conf/conf_acme.h"
#include "core/file.h"
#include "core/limits.h"

#define NAMES 3

void
conf_tls_init(struct conf_tls *t)
{
	buf_init(&t->cert, PATH_MAX);
	buf_init(&t->key, PATH_MAX);
	buf_init(&t->alt_cert, PATH_MAX);
	buf_init(&t->alt_key, PATH_MAX);
}

void
conf_tls_release(struct conf_tls *t)
{
	buf_release(&t->cert);
	buf_release(&t->key);
	buf_release(&t->alt_cert);
	buf_release(&t->alt_key);
}

static bool
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int
check(const struct buf *path, struct conf_problems *out)
{
	if (is_file(buf_str(path)))
		return 0;
	conf_problem(out, LOG_ERROR, "File %s does not exist!", buf_str(path));
	return -1;
}

/* The names a certificate is looked for by, in their order; "" is none. */
static void
wanted(const struct conf *c, const char *names[NAMES])
{
	names[0] = c->ssl_domain;
	names[1] = c->hostname;
	names[2] = c->domainname;
}

/* dms-compat 10.1: the first folder of SSL_DOMAIN, host name, domain name. */
static int
letsencrypt(const struct conf *c, struct conf_tls *t,
    struct conf_problems *out)
{
	const char *names[NAMES], *dir = c->letsencrypt_dir;

	wanted(c, names);
	if (strncmp(names[0], "*.", 2) == 0)
		names[0] += 2;
	for (size_t i = 0; i < NAMES; i++) {
		if (*names[i] == '\0' || strchr(names[i], '/') != NULL)
			continue;
		buf_clear(&t->cert);
		buf_addf(&t->cert, "%s/live/%s/fullchain.pem", dir, names[i]);
		if (!is_file(buf_str(&t->cert)))
			continue;
		buf_addf(&t->key, "%s/live/%s/privkey.pem", dir, names[i]);
		if (is_file(buf_str(&t->key)))
			return 0;
		buf_clear(&t->key);
		buf_addf(&t->key, "%s/live/%s/key.pem", dir, names[i]);
		if (is_file(buf_str(&t->key)))
			return 0;
		conf_problem(out, LOG_ERROR, "Cannot find key file "
		    "('privkey.pem' or 'key.pem') in '%s/live/%s'", dir,
		    names[i]);
		return -1;
	}
	conf_problem(out, LOG_ERROR, "Cannot find a valid DOMAIN for "
	    "'%s/live/<DOMAIN>/', tried: '%s', '%s', '%s'", dir, names[0],
	    names[1], names[2]);
	return -1;
}

/* The second pair may be missing by half, as with docker-mailserver: then
 * there is none. Both files missing is a mistake. */
static int
alternative(const struct conf *c, struct conf_tls *t,
    struct conf_problems *out)
{
	const char *cert = c->ssl_alt_cert_path, *key = c->ssl_alt_key_path;

	if (*cert == '\0' && *key == '\0')
		return 0;
	if (*cert == '\0' || *key == '\0') {
		conf_problem(out, LOG_WARN, "only one of SSL_ALT_CERT_PATH "
		    "and SSL_ALT_KEY_PATH is set: no second certificate");
		return 0;
	}
	if (is_file(cert) && is_file(key)) {
		buf_adds(&t->alt_cert, cert);
		buf_adds(&t->alt_key, key);
		return 0;
	}
	if (is_file(cert) || is_file(key)) {
		conf_problem(out, LOG_WARN, "File %s does not exist! "
		    "There is no second certificate",
		    is_file(cert) ? key : cert);
		return 0;
	}
	conf_problem(out, LOG_ERROR, "File (ALT) %s or %s does not exist!",
	    key, cert);
	return -1;
}

int
conf_tls_paths(const struct conf *c, struct conf_tls *t,
    struct conf_problems *out)
{
	int r = 0;

	switch (c->ssl_type) {
	case CONF_SSL_LETSENCRYPT:
		return letsencrypt(c, t, out);
	case CONF_SSL_MANUAL:
		buf_adds(&t->cert, c->ssl_cert_path);
		buf_adds(&t->key, c->ssl_key_path);
		r = alternative(c, t, out);
		break;
	case CONF_SSL_SELF_SIGNED:
		buf_addf(&t->cert, "%s/ssl/%s-cert.pem", c->config_dir,
		    c->hostname);
		buf_addf(&t->key, "%s/ssl/%s-key.pem", c->config_dir,
		    c->hostname);
		break;
	case CONF_SSL_CUSTOM:
		buf_addf(&t->cert, "%s/ssl/%s-full.pem", c->config_dir,
		    c->hostname);
		buf_adds(&t->key, buf_str(&t->cert));
		return check(&t->cert, out);
	default:
		buf_addf(&t->cert, "%s/tls/cert.pem", c->state_dir);
		buf_addf(&t->key, "%s/tls/key.pem", c->state_dir);
		return 0;
	}
	if (check(&t->cert, out) == -1)
		r = -1;
	return check(&t->key, out) == -1 ? -1 : r;
}

int
conf_tls_client_ca(const struct conf *c, struct conf_problems *out)
{
	const char *path = c->client_ca_path;

	if (*path == '\0' || is_file(path))
		return 0;
	conf_problem(out, LOG_ERROR,
	    "PILLARBOX_CLIENT_CA_PATH: file %s does not exist!", path);
	return -1;
}

bool
conf_tls_acme_path(const struct conf *c, struct buf *out)
{
	if (c->ssl_type != CONF_SSL_LETSENCRYPT)
		return false;
	buf_addf(out, "%s/acme.json", c->letsencrypt_dir);
	return true;
}

static int
search_acme(const struct conf *c, const char *path, struct slice json,
    struct buf *cert, struct buf *key, struct conf_problems *out)
{
	const char *names[NAMES], *why = NULL;

	wanted(c, names);
	for (size_t i = 0; i < NAMES; i++) {
		if (*names[i] == '\0')
			continue;
		if (conf_acme_find(json, names[i], cert, key, &why) == 0)
			return 0;
		buf_wipe(cert);
		buf_wipe(key);
		conf_problem(out, LOG_WARN, "Unable to find key and/or cert "
		    "for '%s' in '%s': %s", names[i], path, why);
	}
	conf_problem(out, LOG_WARN, "letsencrypt (acme.json) failed to "
	    "identify a certificate to extract");
	return -1;
}

int
conf_tls_acme(const struct conf *c, struct buf *cert, struct buf *key,
    struct conf_problems *out)
{
	struct buf path = BUF_INIT(PATH_MAX), json = BUF_INIT(LIMIT_ACME_FILE);
	int r = -1;

	if (!conf_tls_acme_path(c, &path))
		goto out;
	if (file_read(buf_str(&path), &json) == 0)
		r = search_acme(c, buf_str(&path), buf_slice(&json), cert, key,
		    out);
	else if (errno != ENOENT)
		conf_problem(out, LOG_WARN, "%s: %s", buf_str(&path),
		    strerror(errno));
out:
	buf_release(&path);
	buf_wipe(&json);
	return r;
}
