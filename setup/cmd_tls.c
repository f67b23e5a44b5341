#include "setup/commands.h"

#include "core/file.h"
#include "setup/cert.h"

int
cmd_tls_selfsign(struct setup *s, int argc, char **argv)
{
	struct buf cert_path = BUF_INIT(8192), key_path = BUF_INIT(8192);
	struct buf cert = BUF_INIT(16384), key = BUF_INIT(16384);
	const char *why = NULL;
	int status = 0;

	if (argc != 2)
		return say_usage(s, 1);
	if (!conf_is_host(slice_str(argv[1])))
		return say_abort(s, "'%s' is not a host name", argv[1]);
	buf_addf(&cert_path, "%s/cert.pem", argv[0]);
	buf_addf(&key_path, "%s/key.pem", argv[0]);
	/* One without the other is of no use: then both are new. */
	if (file_exists(buf_str(&cert_path)) && file_exists(buf_str(&key_path)))
		goto out;
	if (cert_selfsign(argv[1], &cert, &key, &why) == -1)
		status = say_abort(s, "%s", why);
	else if (file_make_dirs(argv[0], 0755) == -1 ||
	    file_replace(buf_str(&key_path), buf_slice(&key), 0600) == -1 ||
	    file_replace(buf_str(&cert_path), buf_slice(&cert), 0644) == -1)
		status = say_abort(s, "%s: %s", argv[0], strerror(errno));
out:
	buf_release(&cert_path);
	buf_release(&key_path);
	buf_release(&cert);
	buf_wipe(&key);
	return status;
}

int
cmd_tls_check(struct setup *s, int argc, char **argv)
{
	const char *path, *why = NULL;

	if (argc != 2)
		return say_usage(s, 1);
	if (cert_check(argv[0], argv[1], &path, &why) == 0)
		return 0;
	printf("%s: %s\n", path, why);
	return 1;
}
