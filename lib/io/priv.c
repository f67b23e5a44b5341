#include "io/priv.h"

#include <linux/capability.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <grp.h>

/*
 * The bounding set: what a program with file capabilities could still get.
 * Must come before the change of identity, which takes CAP_SETPCAP away.
 */
static int
empty_bounding_set(void)
{
	for (unsigned long cap = 0;; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* No such capability: that was the last one. Without
		 * CAP_SETPCAP no_new_privs has to do. */
		return errno == EINVAL || errno == EPERM ? 0 : -1;
	}
}

/* The other sets. setresuid(2) empties them only on the way from root, and
 * leaves the inheritable one. */
static int
empty_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		return -1;
	return (int)syscall(SYS_capset, &header, none);
}

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
		if (empty_bounding_set() == -1)
			return fail(why, "bounding set");
		if (setresuid(uid, uid, uid) == -1)
			return fail(why, "setresuid");
	}
	if (empty_capabilities() == -1)
		return fail(why, "capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return fail(why, "no_new_privs");
	return 0;
}
