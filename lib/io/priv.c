#include "io/priv.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <grp.h>

int
priv_drop(uid_t uid, gid_t gid, const char *root, bool *confined,
    const char **why)
{
	struct rlimit none = { 0, 0 };

	*confined = false;
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return fail(why, "setrlimit");
	if (uid != 0) {
		if (root != NULL && root[0] != '\0') {
			if (chroot(root) == 0) {
				*confined = true;
				if (chdir("/") == -1)
					return fail(why, "chdir");
			} else if (errno != EPERM) {
				return fail(why, "chroot");
			}
		}
		if (setgroups(0, NULL) == -1)
			return fail(why, "setgroups");
		if (setresgid(gid, gid, gid) == -1)
			return fail(why, "setresgid");
		if (setresuid(uid, uid, uid) == -1)
			return fail(why, "setresuid");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return fail(why, "no_new_privs");
	return 0;
}
