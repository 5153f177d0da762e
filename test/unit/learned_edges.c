/*
 * What is remembered of edges: for how long, and what makes room for what.
 *
 * Links: src/executor/learned_edges.c
 */
#include "postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "executor/learned_edges.h"

static TvLearnedEdges table;

#ifdef USE_ASSERT_CHECKING
/* The server's, which its assertions call. */
#if PG_VERSION_NUM >= 160000
void
ExceptionalCondition(const char *condition, const char *file, int line)
#else
void
ExceptionalCondition(const char *condition, const char *type, const char *file, int line)
#endif
{
	print_error("%s:%d: failed assertion: %s\n", file, line, condition);
	abort();
}
#endif

/* An edge that is remembered from this slot on, told from others by id. */
static uint64
edge(uint32 slot, uint32 id)
{
	return (uint64) id << 32 | slot;
}

static int
setup(void **state)
{
	tv_learned_init(&table);
	return 0;
}

static void
an_empty_table_holds_nothing(void **state)
{
	assert_false(tv_learned_holds(&table, edge(0, 0), 0));
	assert_false(tv_learned_holds(&table, edge(7, 1), 100));
}

static void
an_edge_is_held_until_its_time_is_over(void **state)
{
	tv_learned_remember(&table, edge(7, 1), 100, 700);
	assert_true(tv_learned_holds(&table, edge(7, 1), 100));
	assert_true(tv_learned_holds(&table, edge(7, 1), 699));
	assert_false(tv_learned_holds(&table, edge(7, 1), 700));
}

static void
remembering_again_prolongs(void **state)
{
	tv_learned_remember(&table, edge(7, 1), 100, 700);
	tv_learned_remember(&table, edge(7, 1), 650, 1250);
	assert_true(tv_learned_holds(&table, edge(7, 1), 1249));

	/* also when its time was over, and in the same slot */
	tv_learned_remember(&table, edge(7, 1), 2000, 2600);
	assert_true(tv_learned_holds(&table, edge(7, 1), 2599));
	for (uint32 id = 2; id <= TV_LEARNED_WAYS; id++)
		tv_learned_remember(&table, edge(7, id), 2000, 2600);
	for (uint32 id = 1; id <= TV_LEARNED_WAYS; id++)
		assert_true(tv_learned_holds(&table, edge(7, id), 2000));
}

static void
one_edge_is_not_taken_for_another(void **state)
{
	tv_learned_remember(&table, edge(7, 1), 100, 700);
	assert_false(tv_learned_holds(&table, edge(7, 2), 100));
	assert_false(tv_learned_holds(&table, edge(8, 2), 100));
}

static void
as_many_as_there_are_ways_share_a_slot(void **state)
{
	for (uint32 id = 1; id <= TV_LEARNED_WAYS; id++)
		tv_learned_remember(&table, edge(7, id), 100, 700);
	for (uint32 id = 1; id <= TV_LEARNED_WAYS; id++)
		assert_true(tv_learned_holds(&table, edge(7, id), 100));

	/* one too many takes the place of one */
	tv_learned_remember(&table, edge(7, 100), 100, 700);
	assert_true(tv_learned_holds(&table, edge(7, 100), 100));
	assert_false(tv_learned_holds(&table, edge(7, 1), 100));
	for (uint32 id = 2; id <= TV_LEARNED_WAYS; id++)
		assert_true(tv_learned_holds(&table, edge(7, id), 100));
}

static void
what_is_over_makes_room_first(void **state)
{
	for (uint32 id = 1; id <= TV_LEARNED_WAYS; id++)
		tv_learned_remember(&table, edge(7, id), 100, id == 3 ? 200 : 700);
	tv_learned_remember(&table, edge(7, 100), 300, 900);
	for (uint32 id = 1; id <= TV_LEARNED_WAYS; id++)
		assert_int_equal(tv_learned_holds(&table, edge(7, id), 300), id != 3);
	assert_true(tv_learned_holds(&table, edge(7, 100), 300));
}

static void
the_last_slots_go_on_at_the_first(void **state)
{
	uint32		last = TV_LEARNED_SLOTS - 1;

	for (uint32 id = 1; id <= TV_LEARNED_WAYS; id++)
		tv_learned_remember(&table, edge(last, id), 100, 700);
	for (uint32 id = 1; id <= TV_LEARNED_WAYS; id++)
		assert_true(tv_learned_holds(&table, edge(last, id), 100));
	/* and so does a hash that is larger than the table */
	tv_learned_remember(&table, edge(UINT32_MAX, 9), 100, 700);
	assert_true(tv_learned_holds(&table, edge(UINT32_MAX, 9), 100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_table_holds_nothing, setup),
		cmocka_unit_test_setup(an_edge_is_held_until_its_time_is_over, setup),
		cmocka_unit_test_setup(remembering_again_prolongs, setup),
		cmocka_unit_test_setup(one_edge_is_not_taken_for_another, setup),
		cmocka_unit_test_setup(as_many_as_there_are_ways_share_a_slot, setup),
		cmocka_unit_test_setup(what_is_over_makes_room_first, setup),
		cmocka_unit_test_setup(the_last_slots_go_on_at_the_first, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
