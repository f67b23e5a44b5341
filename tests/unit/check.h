/*
 * Test shorthand over cmocka. A test file:
 *
 *	#include "check.h"
 *
 *	TEST(buf_refuses_more_than_its_maximum)
 *	{
 *		CHECK(!b.failed, "n=%zu", b.n);
 *	}
 *	TESTS(T(buf_refuses_more_than_its_maximum))
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* cmocka's fail() would hide ours (core/base.h). */
#undef fail

#include "core/slice.h"

#define TEST(name) static void name(void **state UNUSED)
#define T(name) cmocka_unit_test(name)
#define TESTS(...)                                                             \
	int main(void)                                                         \
	{                                                                      \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };             \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

/* Fails with the condition's text and a printf-style detail. */
#define CHECK(cond, ...)                                                       \
	do {                                                                   \
		if (!(cond)) {                                                 \
			print_error("%s:%d: %s: ", __FILE__, __LINE__, #cond); \
			print_error(" " __VA_ARGS__);                          \
			print_error("\n");                                     \
			_fail(__FILE__, __LINE__);                             \
		}                                                              \
	} while (0)

/* Compares a slice with a C string. */
#define CHECK_SLICE(s, want)                                                   \
	do {                                                                   \
		struct slice got_ = (s);                                       \
		CHECK(slice_eq(got_, slice_str(want)), "got \"%.*s\"",         \
		    SLICE_ARG(got_));                                          \
	} while (0)

#endif
