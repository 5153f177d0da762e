/*-------------------------------------------------------------------------
 *
 * executor/learned_edges.c
 *	  Which edges are locked for both sides, and until when.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/learned_edges.h"

void
tv_learned_init(TvLearnedEdges *learned)
{
	for (int i = 0; i < TV_LEARNED_SLOTS; i++)
		pg_atomic_init_u64(&learned->slots[i], 0);
}

static pg_atomic_uint64 *
way(TvLearnedEdges *learned, uint64 edge, int i)
{
	return &learned->slots[((uint32) edge + i) % TV_LEARNED_SLOTS];
}

bool
tv_learned_holds(TvLearnedEdges *learned, uint64 edge, uint32 now)
{
	for (int i = 0; i < TV_LEARNED_WAYS; i++)
	{
		uint64		value = pg_atomic_read_u64(way(learned, edge, i));

		if (value >> 32 == edge >> 32 && (uint32) value > now)
			return true;
	}
	return false;
}

void
tv_learned_remember(TvLearnedEdges *learned, uint64 edge, uint32 now, uint32 until)
{
	pg_atomic_uint64 *slot = NULL;

	for (int i = 0; i < TV_LEARNED_WAYS; i++)
	{
		uint64		value = pg_atomic_read_u64(way(learned, edge, i));

		if (value >> 32 == edge >> 32)
		{
			slot = way(learned, edge, i);
			break;
		}
		if (slot == NULL && (uint32) value <= now)
			slot = way(learned, edge, i);
	}
	if (slot == NULL)
		slot = way(learned, edge, 0);
	pg_atomic_write_u64(slot, (edge >> 32) << 32 | until);
}
