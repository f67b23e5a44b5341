/* Giving up rights, once, at the start of a service. */
#ifndef IO_PRIV_H
#define IO_PRIV_H

#include "core/base.h"

/*
 * Confines the process to the folder root (chroot; NULL or "" none) and
 * becomes uid/gid without supplementary groups; no capability in any set, no
 * new privileges, no core files. uid 0 means "as we are": an ordinary user runs
 * the stack and keeps its identity, but no capability. *confined tells whether paths now start at root.
 *
 * -1 with *why (errno set) if the identity could not be changed. A refused
 * chroot (no CAP_SYS_CHROOT in a stripped container) is no error: *confined
 * is false. Without CAP_SETPCAP the bounding set stays, and no_new_privs keeps
 * it from mattering.
 */
int priv_drop(uid_t uid, gid_t gid, const char *root, bool *confined,
    const char **why) MUST_CHECK;

#endif
