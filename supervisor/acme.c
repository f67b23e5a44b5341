#include "supervisor/sup.h"

#include <limits.h>

#include "conf/conf_tls.h"
#include "core/limits.h"

void
sup_acme_init(struct sup_acme *a)
{
	*a = (struct sup_acme){ 0 };
	buf_init(&a->cert, LIMIT_ACME_FILE);
	buf_init(&a->key, LIMIT_ACME_FILE);
}

/* True the first time after the file changed, came or went. */
static bool
changed(struct sup_acme *a, const char *path)
{
	struct stat st = { 0 };
	bool there = stat(path, &st) == 0 && S_ISREG(st.st_mode);
	bool same = there == a->there && st.st_ino == a->seen.st_ino &&
	    st.st_size == a->seen.st_size &&
	    st.st_mtim.tv_sec == a->seen.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == a->seen.st_mtim.tv_nsec;

	a->there = there;
	a->seen = st;
	return !same;
}

static void
take(struct sup_acme *a, struct buf *cert, struct buf *key)
{
	if (slice_eq(buf_slice(cert), buf_slice(&a->cert)) &&
	    slice_eq(buf_slice(key), buf_slice(&a->key)))
		return; /* Traefik wrote it for another name */
	buf_wipe(&a->cert);
	buf_wipe(&a->key);
	buf_add_slice(&a->cert, buf_slice(cert));
	buf_add_slice(&a->key, buf_slice(key));
	a->version++;
}

bool
sup_acme_look(struct sup_acme *a, const struct conf *c,
    struct conf_problems *out)
{
	struct buf path = BUF_INIT(PATH_MAX);
	struct buf cert = BUF_INIT(LIMIT_ACME_FILE);
	struct buf key = BUF_INIT(LIMIT_ACME_FILE);

	if (conf_tls_acme_path(c, &path) && changed(a, buf_str(&path)) &&
	    conf_tls_acme(c, &cert, &key, out) == 0)
		take(a, &cert, &key);
	buf_release(&path);
	buf_wipe(&cert);
	buf_wipe(&key);
	return a->cert.n > 0;
}
