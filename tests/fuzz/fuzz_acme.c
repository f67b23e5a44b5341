/* acme.json: any bytes give a certificate and a key, or a reason. */
#include "conf/conf_acme.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf cert = BUF_INIT(1 << 20), key = BUF_INIT(1 << 20);
	const char *why = NULL;
	int r = conf_acme_find(slice_of(p, n), "mail.x.test", &cert, &key,
	    &why);

	if ((r == 0) != (why == NULL))
		abort();
	buf_release(&cert);
	buf_release(&key);
	return 0;
}
