// part: services/queue
#include "check.h"

#include "services/queue/retry.h"

TEST(retry_doubles_between_min_and_max)
{
	const struct retry_rule rule = { 300000, 4000000 };
	static const uint64_t want[] = { 300000, 600000, 1200000, 2400000,
		4000000, 4000000 };

	for (unsigned i = 0; i < LEN(want); i++) {
		/* The middle of the dice is no variation at all. */
		uint64_t got = retry_delay(&rule, i + 1, want[i] / 10);

		CHECK(got == want[i], "attempt %u: %llu", i + 1,
		    (unsigned long long)got);
	}
	CHECK(retry_delay(&rule, 60000, 0) == 3600000);
}

TEST(retry_varies_by_a_tenth_at_most)
{
	const struct retry_rule rule = { 1000, 5000 };

	for (uint64_t dice = 0; dice < 5000; dice++) {
		uint64_t got = retry_delay(&rule, 1, dice);

		CHECK(got >= 900 && got <= 1100, "%llu",
		    (unsigned long long)got);
	}
}

TEST(retry_takes_min_when_max_is_below_it)
{
	const struct retry_rule rule = { 1000, 10 };

	CHECK(retry_delay(&rule, 5, 100) == 1000);
}

TEST(heap_gives_the_earliest_first_after_moves_and_removals)
{
	enum { N = 500 };
	struct due d[N] = { 0 };
	struct due_heap h = { 0 };
	uint64_t last = 0;
	size_t count = 0;

	for (size_t i = 0; i < N; i++)
		due_set(&h, &d[i], (i * 7919) % 1009);
	for (size_t i = 0; i < N; i += 3)
		due_set(&h, &d[i], (i * 104729) % 2003);
	for (size_t i = 0; i < N; i += 5)
		due_clear(&h, &d[i]);
	due_clear(&h, &d[0]);
	for (struct due *f; (f = due_first(&h)) != NULL; count++) {
		CHECK(f->at >= last);
		last = f->at;
		due_clear(&h, f);
	}
	CHECK(count == N - N / 5, "%zu", count);
	due_release(&h);
}

TESTS(T(retry_doubles_between_min_and_max),
    T(retry_varies_by_a_tenth_at_most),
    T(retry_takes_min_when_max_is_below_it),
    T(heap_gives_the_earliest_first_after_moves_and_removals))
