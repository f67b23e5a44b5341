#include "conf/conf_tls.h"

#include <sys/stat.h>

#define LETSENCRYPT_DIR "/etc/letsencrypt/live"

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

/* dms-compat 10.1: the first folder of SSL_DOMAIN, host name, domain name. */
static int
letsencrypt(const struct conf *c, struct buf *cert, struct buf *key,
    struct conf_problems *out)
{
	const char *domain = c->ssl_domain;
	const char *names[3];

	if (strncmp(domain, "*.", 2) == 0)
		domain += 2;
	names[0] = domain;
	names[1] = c->hostname;
	names[2] = c->domainname;
	for (size_t i = 0; i < LEN(names); i++) {
		if (*names[i] == '\0' || strchr(names[i], '/') != NULL)
			continue;
		buf_clear(cert);
		buf_addf(cert, LETSENCRYPT_DIR "/%s/fullchain.pem", names[i]);
		if (!is_file(buf_str(cert)))
			continue;
		buf_addf(key, LETSENCRYPT_DIR "/%s/privkey.pem", names[i]);
		if (is_file(buf_str(key)))
			return 0;
		buf_clear(key);
		buf_addf(key, LETSENCRYPT_DIR "/%s/key.pem", names[i]);
		if (is_file(buf_str(key)))
			return 0;
		conf_problem(out, LOG_ERROR, "Cannot find key file "
		    "('privkey.pem' or 'key.pem') in '" LETSENCRYPT_DIR "/%s'",
		    names[i]);
		return -1;
	}
	conf_problem(out, LOG_ERROR, "Cannot find a valid DOMAIN for '"
	    LETSENCRYPT_DIR "/<DOMAIN>/', tried: '%s', '%s', '%s'", names[0],
	    names[1], names[2]);
	return -1;
}

int
conf_tls_paths(const struct conf *c, struct buf *cert, struct buf *key,
    struct conf_problems *out)
{
	int r;

	switch (c->ssl_type) {
	case CONF_SSL_LETSENCRYPT:
		return letsencrypt(c, cert, key, out);
	case CONF_SSL_MANUAL:
		buf_adds(cert, c->ssl_cert_path);
		buf_adds(key, c->ssl_key_path);
		break;
	case CONF_SSL_SELF_SIGNED:
		buf_addf(cert, "%s/ssl/%s-cert.pem", c->config_dir,
		    c->hostname);
		buf_addf(key, "%s/ssl/%s-key.pem", c->config_dir, c->hostname);
		break;
	case CONF_SSL_CUSTOM:
		buf_addf(cert, "%s/ssl/%s-full.pem", c->config_dir,
		    c->hostname);
		buf_adds(key, buf_str(cert));
		break;
	default:
		buf_addf(cert, "%s/tls/cert.pem", c->state_dir);
		buf_addf(key, "%s/tls/key.pem", c->state_dir);
		return 0;
	}
	r = check(cert, out);
	return check(key, out) == -1 ? -1 : r;
}
