/*
 * The bytes as a dovecot-acl file. What is edited into one that can be read
 * leaves one that can be read, with the new rights and nobody else's changed.
 */
#include "core/limits.h"
#include "store/acl.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define OWNER S("o@x.test")
#define USER S("u@x.test")
#define OTHER S("v@x.test")

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct acl_id id = { .kind = ACL_USER, .name = USER };
	struct buf out = BUF_INIT(1 << 22);
	struct acl a, b;
	bool whole = acl_parse(&a, slice_of(p, n));
	unsigned other = acl_rights(&a, OWNER, OTHER);

	assert((acl_rights(&a, OWNER, OWNER) & ACL_ADMIN) != 0);
	assert(whole || acl_rights(&a, OWNER, USER) == 0);
	acl_edit(slice_of(p, n), &id, ACL_LOOKUP, false, &out);
	if (whole && a.n < LIMIT_ACL_ENTRIES && buf_ok(&out)) {
		assert(acl_parse(&b, buf_slice(&out)));
		assert((acl_rights(&b, OWNER, USER) & ~ACL_LOOKUP) == 0);
		assert(acl_rights(&b, OWNER, OTHER) == other);
		acl_release(&b);
	}
	acl_release(&a);
	buf_release(&out);
	return 0;
}
