/*-------------------------------------------------------------------------
 *
 * executor/key_locks.c
 *	  Lock what a change meets, before it is looked at.
 *
 * For each row of a delta, and for each edge of the leaf it changes, the key
 * by which the row meets rows of the edge's other leaf is hashed and locked.
 * Old and new rows of an update are rows of the delta both, so a row that moves
 * locks where it was and where it goes.  A key with a null meets nothing.
 *
 * The order of the locks is the same for all transactions: views by level and
 * OID, their nodes from the bottom up, edges by number, keys by hash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "port/pg_bitutils.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "delta/null_params.h"
#include "delta/shield_nulls.h"
#include "executor/far_rows.h"
#include "executor/key_locks.h"
#include "executor/lock_tags.h"

/* How a column of a key is computed from a row of the delta. */
typedef struct LockColumn
{
	AttrNumber	attno;			/* column of the delta, 0 if expr */
	ExprState  *expr;
	FmgrInfo	hash;
	Oid			collation;
	bool		null_safe;
} LockColumn;

/* One leaf of an edge. */
typedef struct LockSide
{
	int			edge;			/* index in node->edges */
	int			side;			/* TV_SIDE_FIRST or TV_SIDE_SECOND */
	int			source;
	int			ncolumns;
	LockColumn *columns;
	AttrNumber	plain;			/* the only column, passed by value; or 0 */
	bool		has_last;
	Datum		last;			/* its last value */
	TvFarLeaf  *far;			/* the other leaf, or NULL */
	Datum	   *first;			/* the first key, where rows of that are
								 * locked */
} LockSide;

typedef struct TvKeyLocks
{
	int			nsides;
	LockSide   *sides;
	ExprContext *econtext;
} TvKeyLocks;

typedef struct MapContext
{
	const TvLayout *layout;
} MapContext;

static TvKeyLocks *get_locks(TvNodeRuntime *rt);
static void init_side(TvNodeRuntime *rt, const TvEdge *edge, int which, LockSide *side);
static void init_column(TvNodeRuntime *rt, const TvEdgeKey *key, int which,
						const TvLayout *layout, LockColumn *column);
static void add_keys(TvKeyLocks *locks, int source, const TvInput *input, TvTagSet **sets);
static void keep_first(LockSide *side, TupleTableSlot *row);
static void lock_far_rows(TvKeyLocks *locks, TvTagSet **sets);
static bool hash_key(TvKeyLocks *locks, const LockSide *side, TupleTableSlot *slot, uint32 *hash);

void
tv_key_locks_join(TvNodeFlush *flush, List *inputs, const Bitmapset *changed)
{
	TvNode	   *node = flush->node;
	TvKeyLocks *locks = get_locks(flush->rt);
	int			nedges = list_length(node->edges);
	TvTagSet  **sets = palloc0(sizeof(TvTagSet *) * (nedges + 1));
	int			s = -1;
	ListCell   *lc;

	foreach(lc, node->edges)
	{
		TvEdge	   *edge = lfirst(lc);
		LockSide   *sides = &locks->sides[2 * foreach_current_index(lc)];

		if (bms_is_member(sides[0].source, changed) || bms_is_member(sides[1].source, changed))
			sets[foreach_current_index(lc)] = tv_tags_make(flush->view->relid, edge->number,
														   edge->keys != NIL, false);
	}
	while ((s = bms_next_member(changed, s)) >= 0)
		add_keys(locks, s, tv_run_find_input(inputs, flush->view->delta_names[s]), sets);
	/* what waits for its commit has no key when it wants a row */
	if (!flush->view->deferred && !IsolationUsesXactSnapshot())
		lock_far_rows(locks, sets);
	for (int i = 0; i < nedges; i++)
		if (sets[i])
			tv_tags_lock(sets[i]);
}

/* Rows before keys, for who changes them has them before the keys, too. */
static void
lock_far_rows(TvKeyLocks *locks, TvTagSet **sets)
{
	for (int i = 0; i < locks->nsides; i++)
	{
		LockSide   *side = &locks->sides[i];

		if (side->far && side->first && sets[side->edge] &&
			tv_tags_lone(sets[side->edge], side->side))
			tv_far_row_lock(side->far, side->first);
		side->first = NULL;
	}
}

void
tv_key_locks_groups(TvNodeFlush *flush, TvGroupTable *touched)
{
	bool		keyed = flush->rt->nkeys > 0 && flush->rt->hashable;
	TvTagSet   *set = tv_tags_make(flush->view->relid, flush->node->group_lock, keyed, true);
	uint32		hash;

	for (int i = 0; i < touched->ngroups && !tv_tags_full(set, TV_SIDE_FIRST); i++)
	{
		CHECK_FOR_INTERRUPTS();
		tv_tags_add(set, keyed ? tv_groups_hash(touched->rt, touched->groups[i]) : 0,
					TV_SIDE_FIRST);
	}
	while (keyed && !tv_tags_full(set, TV_SIDE_FIRST) && tv_groups_next_hash(touched, &hash))
		tv_tags_add(set, hash, TV_SIDE_FIRST);
	tv_tags_lock(set);
}

void
tv_key_locks_node(TvNodeFlush *flush)
{
	TvTagSet   *set = tv_tags_make(flush->view->relid, flush->node->group_lock, false, true);

	tv_tags_add(set, 0, TV_SIDE_FIRST);
	tv_tags_lock(set);
}

/* Made once, in the view's context. */
static TvKeyLocks *
get_locks(TvNodeRuntime *rt)
{
	TvKeyLocks *locks = rt->locks;
	MemoryContext oldcxt;
	ListCell   *lc;

	if (locks)
		return locks;
	oldcxt = MemoryContextSwitchTo(rt->view->cxt);
	locks = palloc0(sizeof(TvKeyLocks));
	locks->nsides = 2 * list_length(rt->node->edges);
	locks->sides = palloc0(sizeof(LockSide) * (locks->nsides + 1));
	locks->econtext = CreateStandaloneExprContext();
	locks->econtext->ecxt_param_list_info = tv_null_params();
	foreach(lc, rt->node->edges)
	{
		for (int which = 0; which < 2; which++)
		{
			LockSide   *side = &locks->sides[2 * foreach_current_index(lc) + which];

			side->edge = foreach_current_index(lc);
			init_side(rt, lfirst(lc), which, side);
		}
	}
	MemoryContextSwitchTo(oldcxt);
	rt->locks = locks;
	return locks;
}

static void
init_side(TvNodeRuntime *rt, const TvEdge *edge, int which, LockSide *side)
{
	ListCell   *lc;

	side->side = which == 0 ? TV_SIDE_FIRST : TV_SIDE_SECOND;
	side->source = edge->sources[which];
	side->columns = palloc0(sizeof(LockColumn) * (list_length(edge->keys) + 1));
	foreach(lc, edge->keys)
		init_column(rt, lfirst(lc), which, rt->view->layouts[side->source],
					&side->columns[side->ncolumns++]);
	if (side->ncolumns == 1 && side->columns[0].attno &&
		TupleDescAttr(rt->view->layouts[side->source]->desc, side->columns[0].attno - 1)->attbyval)
		side->plain = side->columns[0].attno;
	side->far = tv_far_leaf(rt->view->graph, edge, which);
	for (int i = 0; i < side->ncolumns; i++)
		if (side->columns[i].attno == 0)
			side->far = NULL;
}

/* Columns of the leaf become columns of its delta. */
static Node *
map_mutator(Node *node, void *context)
{
	const TvLayout *layout = ((MapContext *) context)->layout;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

		for (int i = 0; i < layout->natts; i++)
		{
			if (layout->attnos[i] != var->varattno)
				continue;
			var->varno = 1;
			var->varattno = i + 1;
			return (Node *) var;
		}
		elog(ERROR, "column %d is not in the layout of a delta", var->varattno);
	}
	return expression_tree_mutator(node, map_mutator, context);
}

static void
init_column(TvNodeRuntime *rt, const TvEdgeKey *key, int which, const TvLayout *layout,
			LockColumn *column)
{
	MapContext	context = {layout};
	Node	   *expr = map_mutator((Node *) key->exprs[which], &context);

	fmgr_info(key->hashes[which], &column->hash);
	fmgr_info_set_expr(expr, &column->hash);
	column->collation = key->collation;
	column->null_safe = key->null_safe;
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	if (IsA(expr, Var))
		column->attno = ((Var *) expr)->varattno;
	else
		column->expr = ExecInitExpr(expression_planner(tv_shield_expr_nulls((Expr *) expr)), NULL);
}

/* Has the row the key of the last one that was added?  Remember it. */
static bool
same_key(LockSide *side, TupleTableSlot *row)
{
	bool		isnull;
	Datum		value;

	if (side->plain == 0)
		return false;
	value = slot_getattr(row, side->plain, &isnull);
	if (isnull)
		return false;
	if (side->has_last && side->last == value)
		return true;
	side->last = value;
	side->has_last = true;
	return false;
}

/* Add the keys of all rows of a source's delta. */
static void
add_keys(TvKeyLocks *locks, int source, const TvInput *input, TvTagSet **sets)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(input->desc, &TTSOpsMinimalTuple);
	TupleTableSlot *row;
	TvRowCursor cursor;
	bool		more = true;

	for (int i = 0; i < locks->nsides; i++)
	{
		locks->sides[i].has_last = false;
		if (locks->sides[i].source == source)
			locks->sides[i].first = NULL;
	}
	tv_row_store_begin(input->rows, &cursor, true);
	if (input->rows->transition)
		tv_transition_keep(&cursor.transition);
	while (more && (row = tv_row_store_fetch(&cursor, slot)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		more = false;
		for (int i = 0; i < locks->nsides; i++)
		{
			LockSide   *side = &locks->sides[i];
			TvTagSet   *set = sets[side->edge];
			uint32		hash;

			if (side->source != source || tv_tags_full(set, side->side))
				continue;
			if (!same_key(side, row) && hash_key(locks, side, row, &hash))
			{
				tv_tags_add(set, hash, side->side);
				if (side->far && side->first == NULL)
					keep_first(side, row);
			}
			/* one row is enough for an edge without keys */
			more |= side->ncolumns > 0;
		}
		ResetExprContext(locks->econtext);
	}
	tv_row_store_close(&cursor);
	ExecDropSingleTupleTableSlot(slot);
}

/* Keep the key of a row, in the current memory context, that of the flush. */
static void
keep_first(LockSide *side, TupleTableSlot *row)
{
	side->first = palloc(sizeof(Datum) * side->ncolumns);
	for (int i = 0; i < side->ncolumns; i++)
	{
		AttrNumber	attno = side->columns[i].attno;
		Form_pg_attribute att = TupleDescAttr(row->tts_tupleDescriptor, attno - 1);

		side->first[i] = datumCopy(row->tts_values[attno - 1], att->attbyval, att->attlen);
	}
}

/* False if the row meets nothing. */
static bool
hash_key(TvKeyLocks *locks, const LockSide *side, TupleTableSlot *slot, uint32 *hash)
{
	uint32		result = 0;

	locks->econtext->ecxt_scantuple = slot;
	for (int i = 0; i < side->ncolumns; i++)
	{
		LockColumn *column = &side->columns[i];
		bool		isnull;
		Datum		value;

		if (column->attno)
			value = slot_getattr(slot, column->attno, &isnull);
		else
			value = ExecEvalExprSwitchContext(column->expr, locks->econtext, &isnull);
		if (isnull && !column->null_safe)
			return false;
		result = pg_rotate_left32(result, 1);
		if (!isnull)
			result ^= DatumGetUInt32(FunctionCall1Coll(&column->hash, column->collation, value));
	}
	*hash = side->ncolumns > 0 ? murmurhash32(result) : 0;
	return true;
}
