#include "check.h"

#include <linux/capability.h>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/file.h"
#include "io/priv.h"

#define NOBODY 65534

/* True if the line of that name in /proc/self/status is a hexadecimal 0. */
static bool
is_zero(const char *name)
{
	struct buf text = BUF_INIT(65536);
	const char *at;
	bool zero;

	if (file_read("/proc/self/status", &text) == -1)
		return false;
	at = strstr(buf_str(&text), name);
	zero = at != NULL && strncmp(at + strlen(name),
	    ":\t0000000000000000\n", 18) == 0;
	buf_release(&text);
	return zero;
}

static bool
is_empty(void)
{
	return is_zero("CapInh") && is_zero("CapPrm") && is_zero("CapEff") &&
	    is_zero("CapAmb");
}

/* Runs fn in a process of its own; its result. */
static int
apart(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn());
	CHECK(pid != -1 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
from_root(void)
{
	const char *why = NULL;
	bool confined;

	if (priv_drop(NOBODY, NOBODY, "/proc", &confined, &why) == -1)
		return 1;
	/* /proc is / now, where chroot was allowed. */
	if (confined && chroot(".") == 0)
		return 2;
	if (getuid() != NOBODY || getgid() != NOBODY || setuid(0) == 0)
		return 3;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static int
from_root_with_everything(void)
{
	const char *why = NULL;
	bool confined;

	if (priv_drop(NOBODY, NOBODY, NULL, &confined, &why) == -1)
		return 1;
	return is_empty() && is_zero("CapBnd") ? 0 : 2;
}

/* A user who was given the low ports keeps that from the services. */
static int
from_user_with_ambient_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = 1u << CAP_NET_BIND_SERVICE,
		    .permitted = 1u << CAP_NET_BIND_SERVICE,
		    .inheritable = 1u << CAP_NET_BIND_SERVICE },
	};
	const char *why = NULL;
	bool confined;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1 ||
	    syscall(SYS_capset, &header, data) == -1 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE,
		0, 0) == -1 || is_empty())
		return 1;
	if (priv_drop(0, 0, NULL, &confined, &why) == -1)
		return 2;
	return is_empty() && getuid() == NOBODY ? 0 : 3;
}

TEST(nothing_of_root_is_left)
{
	bool confined;
	const char *why = NULL;

	if (geteuid() != 0) {
		/* Who is nobody special stays so. */
		CHECK(priv_drop(0, 0, NULL, &confined, &why) == 0);
		CHECK(is_empty());
		return;
	}
	CHECK(apart(from_root) == 0, "%d", apart(from_root));
	CHECK(apart(from_root_with_everything) == 0, "%d",
	    apart(from_root_with_everything));
	CHECK(apart(from_user_with_ambient_capabilities) == 0, "%d",
	    apart(from_user_with_ambient_capabilities));
}

TESTS(T(nothing_of_root_is_left))
