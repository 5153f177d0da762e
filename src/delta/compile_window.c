/*-------------------------------------------------------------------------
 *
 * delta/compile_window.c
 *	  Make PARTITION nodes of window functions.
 *
 * The query is split in two (compile_split.c); the nodes stand between.
 *
 *		inner -> node (PARTITION BY a) -> node (PARTITION BY b) -> outer
 *
 * There is one node per distinct PARTITION BY list, for a row's window results
 * depend on the rows of its partition alone.  A node delivers its input row and
 * its results, so that the next one can take both, and any mix composes.
 *
 * Windows whose results depend on the order of peers are computed on a level of
 * their own, of which the input is presorted; see derive_partition.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/tlist.h"
#include "parser/parse_oper.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "delta/compile_partition.h"
#include "delta/split.h"
#include "tv_compat.h"

static List *used_windows(TvSplit *s);
static List *partition_exprs(TvSplit *s, const WindowClause *window, List **clauses);
static TvNode *compile_node(TvSplit *s, List *branches, List *keys, List *clauses,
							List *windows);
static void add_windows(TvSplit *s, TvNode *node, List *windows);
static List *map_sort_clauses(TvSplit *s, List *clauses);
static WindowClause *map_clause(TvSplit *s, const TvNode *node, const WindowClause *window);

List *
tv_compile_windows(TvCompiler *c, Query *query, bool top, const TvPartial *base, List *corr)
{
	TvSplit		split = {c, query, list_length(corr)};
	TvSplit    *s = &split;
	List	   *windows;
	TvNode	   *node = NULL;
	List	   *branches;
	Query	   *outer;

	/* names of joined columns stand for columns of the items below */
	query->targetList = (List *)
		tv_compat_flatten_aliases(query, (Node *) query->targetList);
	corr = (List *) tv_compat_flatten_aliases(query, (Node *) corr);
	tv_split_collect(s, corr);
	windows = used_windows(s);
	if (windows == NIL)
		return tv_flatten_clauses(c, tv_split_without_windows(s), top, base, corr);

	branches = tv_flatten_clauses(c, tv_split_inner(s), false, base, corr);
	if (c->refusal)
		return NIL;
	branches = tv_split_first_columns(s, branches);

	while (windows != NIL)
	{
		List	   *clauses = NIL;
		List	   *keys = partition_exprs(s, linitial(windows), &clauses);
		List	   *same = NIL;
		ListCell   *lc;

		foreach(lc, windows)
		{
			List	   *ignored = NIL;
			List	   *others = partition_exprs(s, lfirst(lc), &ignored);

			/* the order of a PARTITION BY list says nothing */
			if (list_length(others) == list_length(keys) &&
				list_difference_int(others, keys) == NIL)
				same = lappend(same, lfirst(lc));
		}
		windows = list_difference_ptr(windows, same);
		node = compile_node(s, branches, keys, clauses, same);
		if (c->refusal)
			return NIL;
		branches = tv_flatten_read_node(c, node);
	}
	outer = tv_split_outer(s, branches, &corr);
	return tv_flatten_clauses(c, outer, top, NULL, corr);
}

static List *
used_windows(TvSplit *s)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lf;

	foreach(lc, s->query->windowClause)
	{
		foreach(lf, s->funcs)
			if (lfirst_node(WindowFunc, lf)->winref == lfirst_node(WindowClause, lc)->winref)
			result = list_append_unique_ptr(result, lfirst(lc));
	}
	return result;
}

/* ------------------------------------------------------------------------
 * The nodes
 * ------------------------------------------------------------------------
 */

/*
 * The extra columns and the window's PARTITION BY list, as indexes of columns;
 * clauses: their equality.
 */
static List *
partition_exprs(TvSplit *s, const WindowClause *window, List **clauses)
{
	List	   *result = NIL;
	ListCell   *lc;

	for (int i = 0; i < s->nextra; i++)
	{
		SortGroupClause *clause = makeNode(SortGroupClause);

		get_sort_group_operators(exprType(list_nth(s->columns, i)), false, false, false,
								 &clause->sortop, &clause->eqop, NULL, &clause->hashable);
		result = lappend_int(result, i);
		*clauses = lappend(*clauses, clause);
	}
	foreach(lc, window->partitionClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		int			column = tv_split_column(s, get_sortgroupclause_tle(clause,
																		s->query->targetList)->expr);

		if (list_member_int(result, column))
			continue;
		result = lappend_int(result, column);
		*clauses = lappend(*clauses, copyObject(clause));
	}
	return result;
}

/* The column, no key, that orders all windows first; -1 if there is none. */
static int
first_order_column(TvSplit *s, const List *keys, const List *windows)
{
	int			result = -1;
	ListCell   *lc;

	foreach(lc, windows)
	{
		List	   *order = lfirst_node(WindowClause, lc)->orderClause;
		int			column;

		if (order == NIL)
			return -1;
		column = tv_split_column(s, get_sortgroupclause_tle(linitial(order), s->query->targetList)->expr);
		if (list_member_int(keys, column) || (result >= 0 && column != result))
			return -1;
		result = column;
	}
	return result;
}

static TvNode *
compile_node(TvSplit *s, List *branches, List *keys, List *clauses, List *windows)
{
	int			order_column = first_order_column(s, keys, windows);
	List	   *next = NIL;
	List	   *positions = NIL;
	int		   *moved_to;
	TvNode	   *node;
	ListCell   *lc;

	foreach(lc, keys)
		positions = lappend_int(positions, s->column_at[lfirst_int(lc)]);
	if (order_column >= 0)
		next = list_make1_int(s->column_at[order_column]);
	node = tv_partition_make(s->c, branches, positions, clauses, next, &moved_to);
	if (s->c->refusal)
		return node;
	for (int i = 0; i < list_length(s->columns); i++)
		s->column_at[i] = moved_to[s->column_at[i]];
	for (int i = 0; i < list_length(s->funcs); i++)
		if (s->result_at[i] != 0)
			s->result_at[i] = moved_to[s->result_at[i]];
	add_windows(s, node, windows);
	if (order_column >= 0 && !s->c->refusal)
		tv_suffix_make(s->c, node);
	return node;
}

/*
 * A window whose results depend on the order of peers has a level of its own,
 * together with others of the same order; all others share the first.
 */
static TvWindowLevel *
level_of(TvNode *node, const WindowClause *clause, bool sensitive)
{
	TvWindowLevel *level;
	ListCell   *lc;

	foreach(lc, node->levels)
	{
		level = lfirst(lc);
		if (level->sensitive == sensitive &&
			(!sensitive || equal(linitial_node(WindowClause, level->clauses)->orderClause,
								 clause->orderClause)))
			return level;
	}
	level = palloc0(sizeof(TvWindowLevel));
	level->sensitive = sensitive;
	node->levels = lappend(node->levels, level);
	return level;
}

/* The level's number of a window, added if new. */
static Index
window_number(TvWindowLevel *level, const WindowClause *clause)
{
	WindowClause *copy = copyObject(unconstify(WindowClause *, clause));
	ListCell   *lc;

	copy->name = copy->refname = NULL;
	foreach(lc, level->clauses)
	{
		copy->winref = foreach_current_index(lc) + 1;
		if (equal(copy, lfirst(lc)))
			return copy->winref;
	}
	copy->winref = list_length(level->clauses) + 1;
	level->clauses = lappend(level->clauses, copy);
	return copy->winref;
}

/* The functions of the windows, mapped and put on levels; numbered later. */
static bool
place_windows(TvSplit *s, TvNode *node, List *windows, List **placed, List **levels,
			  List **indexes)
{
	ListCell   *lc;
	ListCell   *lf;

	s->varno = 1;
	foreach(lc, windows)
	{
		WindowClause *clause = map_clause(s, node, lfirst(lc));

		if (s->c->refusal)
			return false;
		foreach(lf, s->funcs)
		{
			WindowFunc *func = copyObject(lfirst_node(WindowFunc, lf));
			TvWindowLevel *level;

			if (func->winref != clause->winref)
				continue;
			func->args = (List *) tv_split_map(s, (Node *) func->args);
			func->aggfilter = (Expr *) tv_split_map(s, (Node *) func->aggfilter);
			if (!tv_analyze_expr(s->c, (Node *) func))
				return false;
			level = level_of(node, clause, tv_window_is_sensitive(func, clause));
			func->winref = window_number(level, clause);
			*placed = lappend(*placed, func);
			*levels = lappend(*levels, level);
			*indexes = lappend_int(*indexes, foreach_current_index(lf));
		}
	}
	return true;
}

/* The output row: the input row, then results in the order of levels. */
static void
add_windows(TvSplit *s, TvNode *node, List *windows)
{
	List	   *placed = NIL;
	List	   *levels = NIL;
	List	   *indexes = NIL;
	int			natts = node->in_desc->natts;
	ListCell   *lc;
	ListCell   *lf;

	if (!place_windows(s, node, windows, &placed, &levels, &indexes))
		return;
	node->out_desc = CreateTemplateTupleDesc(natts + list_length(placed));
	for (int i = 1; i <= natts; i++)
		TupleDescCopyEntry(node->out_desc, i, node->in_desc, i);
	foreach(lc, node->levels)
	{
		TvWindowLevel *level = lfirst(lc);

		foreach(lf, placed)
		{
			WindowFunc *func = lfirst_node(WindowFunc, lf);
			int			i = foreach_current_index(lf);

			if (list_nth(levels, i) != level)
				continue;
			level->funcs = lappend(level->funcs, func);
			natts++;
			TupleDescInitEntry(node->out_desc, natts, psprintf("c%d", natts),
							   func->wintype, -1, 0);
			TupleDescInitEntryCollation(node->out_desc, natts, func->wincollid);
			s->result_at[list_nth_int(indexes, i)] = natts;
		}
	}
}

/* ------------------------------------------------------------------------
 * Windows
 * ------------------------------------------------------------------------
 */

/* Sort references become numbers of columns of the node's input row. */
static List *
map_sort_clauses(TvSplit *s, List *clauses)
{
	List	   *result = copyObject(clauses);
	ListCell   *lc;

	foreach(lc, result)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		TargetEntry *tle = get_sortgroupclause_tle(clause, s->query->targetList);

		clause->tleSortGroupRef = s->column_at[tv_split_column(s, tle->expr)];
	}
	return result;
}

bool
tv_window_check_in_range(TvCompiler *c, Oid funcid)
{
	if (!OidIsValid(funcid))
		return true;
	/* those of the server depend on settings at most */
	if (funcid < FirstGenbkiObjectId)
	{
		c->uses_settings |= func_volatile(funcid) != PROVOLATILE_IMMUTABLE;
		return true;
	}
	return tv_analyze_function(c, funcid, -1);
}

static WindowClause *
map_clause(TvSplit *s, const TvNode *node, const WindowClause *window)
{
	WindowClause *result = copyObject(unconstify(WindowClause *, window));
	List	   *offsets = list_make2(result->startOffset, result->endOffset);

	if (contain_subplans((Node *) offsets))
		tv_compile_no_rule(s->c, exprLocation((Node *) offsets),
						   "a subquery in the frame of a window",
						   "No maintenance rule exists for it.",
						   "Write the offset as a constant.");
	if (!tv_analyze_expr(s->c, (Node *) offsets) ||
		!tv_window_check_in_range(s->c, result->startInRangeFunc) ||
		!tv_window_check_in_range(s->c, result->endInRangeFunc))
		return NULL;

	/* the keys are the first columns; windows of one node order them alike */
	result->partitionClause = NIL;
	for (int i = 0; i < node->nkeys; i++)
	{
		SortGroupClause *clause = copyObject(node->keys[i].clause);

		clause->tleSortGroupRef = i + 1;
		result->partitionClause = lappend(result->partitionClause, clause);
	}
	result->orderClause = map_sort_clauses(s, result->orderClause);
	return result;
}

/* Are the values of a type equal only if they have the same image? */
static bool
is_plain_value(Oid type)
{
	type = getBaseType(type);
	return get_typbyval(type) && type != FLOAT4OID && type != FLOAT8OID;
}

/* Does the aggregate's result depend on the order in which it sees its rows? */
bool
tv_window_aggregate_depends_on_order(const WindowFunc *func)
{
	Aggref	   *aggref = makeNode(Aggref);
	ListCell   *lc;

	aggref->aggfnoid = func->winfnoid;
	aggref->aggtype = func->wintype;
	aggref->aggcollid = func->wincollid;
	aggref->inputcollid = func->inputcollid;
	aggref->aggkind = AGGKIND_NORMAL;
	aggref->aggstar = func->winstar;
	foreach(lc, func->args)
	{
		aggref->aggargtypes = lappend_oid(aggref->aggargtypes, exprType(lfirst(lc)));
		aggref->args = lappend(aggref->args, makeTargetEntry(copyObject(lfirst(lc)),
															 foreach_current_index(lc) + 1,
															 NULL, false));
	}
	switch (tv_aggregate_class(aggref))
	{
		case TV_AGG_RECOMPUTE:
			return true;
		case TV_AGG_EXTREME:
			return !is_plain_value(func->wintype);
		default:
			return false;
	}
}

bool
tv_window_is_sensitive(const WindowFunc *func, const WindowClause *window)
{
	int			frame = window->frameOptions;

	switch (func->winfnoid)
	{
		case F_RANK_:
		case F_DENSE_RANK_:
		case F_PERCENT_RANK_:
		case F_CUME_DIST_:
			return false;
	}
	if (!func->winagg || tv_window_aggregate_depends_on_order(func))
		return true;
	if (!(frame & FRAMEOPTION_ROWS))
		return false;
	return !(frame & FRAMEOPTION_START_UNBOUNDED_PRECEDING) ||
		!(frame & FRAMEOPTION_END_UNBOUNDED_FOLLOWING);
}
