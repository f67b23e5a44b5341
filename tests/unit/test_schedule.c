// part: services/queue
#include "check.h"

#include "services/queue/schedule.h"

#define MS 50000000ull
#define T0 1700000000

static struct envelope env;

static struct recipient *
one(uint8_t notify, uint64_t next_try)
{
	struct recipient *r;

	envelope_init(&env);
	env.sender = S("s@a.test");
	env.created = T0;
	r = envelope_add(&env, RECIPIENT_REMOTE, S("r@b.test"), S("r@b.test"),
	    S(""), notify);
	r->next_try = next_try;
	return r;
}

static struct schedule
at(int64_t age, int64_t lifetime)
{
	return (struct schedule){ .ms = MS, .wall = T0 + age,
		.lifetime = lifetime };
}

TEST(schedule_wakes_for_the_next_try)
{
	struct schedule s = at(10, 432000);
	struct recipient *r = one(0, MS + 300000);

	CHECK(schedule_next(&s, &env) == MS + 300000);
	r->state = RECIPIENT_DONE;
	CHECK(schedule_next(&s, &env) == 0);
	envelope_release(&env);
}

TEST(schedule_wakes_for_the_earliest_of_many)
{
	struct schedule s = at(10, 432000);

	one(0, MS + 300000);
	for (uint64_t i = 1; i < 10; i++)
		envelope_add(&env, RECIPIENT_REMOTE, S("x@b"), S("x@b"), S(""),
		    0)->next_try = MS + 300000 - i * 1000;
	CHECK(schedule_next(&s, &env) == MS + 291000);
	envelope_release(&env);
}

TEST(schedule_wakes_when_the_lifetime_ends)
{
	struct schedule s = at(431990, 432000);
	struct recipient *r = one(0, MS + 300000);

	CHECK(schedule_next(&s, &env) == MS + 300000, "never tried");
	r->attempts = 1;
	CHECK(schedule_next(&s, &env) == MS + 10000);
	envelope_release(&env);
}

TEST(schedule_gives_up_after_the_lifetime_but_not_untried)
{
	struct schedule before = at(431999, 432000), after = at(432000, 432000);
	struct recipient *r = one(0, MS);

	CHECK(!schedule_is_expired(&after, &env, r));
	r->attempts = 1;
	CHECK(!schedule_is_expired(&before, &env, r));
	CHECK(schedule_is_expired(&after, &env, r));
	env.hold = true;
	CHECK(!schedule_is_expired(&after, &env, r));
	env.hold = false;
	r->state = RECIPIENT_DONE;
	CHECK(!schedule_is_expired(&after, &env, r));
	envelope_release(&env);
}

TEST(schedule_tells_a_delay_once_and_only_if_asked)
{
	struct schedule before = at(14399, 432000), after = at(14400, 432000);
	struct recipient *r = one(WIRE_NOTIFY_DELAY, MS + 900000);

	r->attempts = 5;
	CHECK(!schedule_owes(&before, &env));
	CHECK(schedule_next(&before, &env) == MS + 1000);
	CHECK(schedule_owes(&after, &env));
	r->warned = true;
	CHECK(!schedule_owes(&after, &env));
	CHECK(schedule_next(&before, &env) == MS + 900000);
	r->warned = false;
	r->notify = WIRE_NOTIFY_FAILURE;
	CHECK(!schedule_owes(&after, &env));
	envelope_release(&env);
}

TEST(schedule_owes_what_is_marked)
{
	struct schedule s = at(1, 432000);
	struct recipient *r = one(0, MS);

	CHECK(!schedule_owes(&s, &env));
	r->owed = true;
	r->state = RECIPIENT_FAILED;
	CHECK(schedule_owes(&s, &env));
	envelope_release(&env);
}

TEST(schedule_looks_again_within_a_day)
{
	struct schedule s = at(1, 100 * 86400);

	one(0, MS + 30ull * 86400 * 1000);
	CHECK(schedule_next(&s, &env) == MS + 86400000);
	envelope_release(&env);
}

TESTS(T(schedule_wakes_for_the_next_try),
    T(schedule_wakes_for_the_earliest_of_many),
    T(schedule_wakes_when_the_lifetime_ends),
    T(schedule_gives_up_after_the_lifetime_but_not_untried),
    T(schedule_tells_a_delay_once_and_only_if_asked),
    T(schedule_owes_what_is_marked), T(schedule_looks_again_within_a_day))
