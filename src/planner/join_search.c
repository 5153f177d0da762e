/*-------------------------------------------------------------------------
 *
 * planner/join_search.c
 *	  The order of joins in queries of many tables.
 *
 * The server tries the joins of all sets of tables that are connected by their
 * quals.  Where every table is compared with every other, as in a join of one
 * table with itself by its key, these are 2^n, and a delta query has such a join
 * for each place where the table is read.  But the best order of a delta query
 * is nearly always a chain of look-ups that starts from the change.  So where
 * there are too many sets, the tables are joined to the one with the fewest rows
 * one by one, each time the one that makes the cheapest join.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/geqo.h"
#include "optimizer/joininfo.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

#include "planner/join_search.h"

/*
 * So many sets of tables are tried in each of the products of a query, and so
 * many of all together (but some in each).
 */
#define TV_MAX_SETS 256
#define TV_MAX_SETS_OF_ALL 4096
#define TV_MIN_SETS 48

/* Of the tables that could be joined next, so many are tried. */
#define TV_MAX_CANDIDATES 4

/* An order of more tables cannot be searched with sets as machine words. */
#define TV_MAX_SEARCHED 32

static join_search_hook_type previous_search = NULL;
static int	nproducts = 1;
static int	max_sets = TV_MAX_SETS;

static int	count_products(const Query *query);
static bool is_small(PlannerInfo *root, List *rels);
static bool is_change(const RelOptInfo *rel);
static RelOptInfo *join_one_by_one(PlannerInfo *root, List *rels);

void
tv_join_search_begin(const Query *query, join_search_hook_type previous)
{
	previous_search = previous;
	nproducts = count_products(query);
	max_sets = TV_MAX_SETS_OF_ALL / nproducts;
	max_sets = Max(TV_MIN_SETS, Min(max_sets, TV_MAX_SETS));
}

RelOptInfo *
tv_join_search(PlannerInfo *root, int levels_needed, List *initial_rels)
{
	bool		one_by_one = nproducts > 1;
	ListCell   *lc;

	CHECK_FOR_INTERRUPTS();
	foreach(lc, initial_rels)
		one_by_one |= is_change(lfirst(lc));
	if (one_by_one && !is_small(root, initial_rels))
	{
		int			njoins = list_length(root->join_rel_list);
		struct HTAB *hash = root->join_rel_hash;
		RelOptInfo *result;

		/* what is left of an attempt would confuse the next one */
		root->join_rel_hash = NULL;
		result = join_one_by_one(root, initial_rels);
		if (result)
			return result;
		root->join_rel_list = list_truncate(root->join_rel_list, njoins);
		root->join_rel_hash = hash;
	}
	if (previous_search)
		return previous_search(root, levels_needed, initial_rels);
	if (!one_by_one && enable_geqo && levels_needed >= geqo_threshold)
		return geqo(root, levels_needed, initial_rels);
	return standard_join_search(root, levels_needed, initial_rels);
}

static bool
is_change(const RelOptInfo *rel)
{
	return rel->rtekind == RTE_NAMEDTUPLESTORE;
}

/* The queries in a query, but for those in expressions. */
static int
count_products(const Query *query)
{
	int			n = 1;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			n += count_products(rte->subquery);
	}
	return n;
}

static bool
are_connected(PlannerInfo *root, RelOptInfo *a, RelOptInfo *b)
{
	return have_relevant_joinclause(root, a, b) || have_join_order_restriction(root, a, b);
}

/*
 * Are there few connected sets of rels?  Each is found from its lowest member,
 * by adding neighbours to the sets found so far.
 */
static bool
is_small(PlannerInfo *root, List *rels)
{
	int			n = list_length(rels);
	uint32		neighbours[TV_MAX_SEARCHED] = {0};
	uint32	   *sets;
	int			nsets = 0;

	if (n > TV_MAX_SEARCHED)
		return false;
	/* all sets of them */
	if (n < 31 && (1 << n) <= max_sets)
		return true;
	for (int i = 0; i < n; i++)
	{
		for (int j = i + 1; j < n; j++)
		{
			if (!are_connected(root, list_nth(rels, i), list_nth(rels, j)))
				continue;
			neighbours[i] |= (uint32) 1 << j;
			neighbours[j] |= (uint32) 1 << i;
		}
	}

	sets = palloc(sizeof(uint32) * (max_sets + n));
	for (int i = 0; i < n; i++)
		sets[nsets++] = (uint32) 1 << i;
	for (int s = 0; s < nsets; s++)
	{
		for (int i = 0; i < n; i++)
		{
			uint32		larger = sets[s] | (uint32) 1 << i;
			bool		known = larger == sets[s] || (neighbours[i] & sets[s]) == 0;

			for (int k = s + 1; k < nsets && !known; k++)
				known = sets[k] == larger;
			if (known)
				continue;
			if (nsets == max_sets)
				return false;
			sets[nsets++] = larger;
		}
	}
	pfree(sets);
	return true;
}

/* What it costs to find rows of rel for a row of the others. */
static Cost
cost_next(RelOptInfo *joined, RelOptInfo *rel)
{
	Cost		result = rel->cheapest_total_path ? rel->cheapest_total_path->total_cost : 0;
	ListCell   *lc;

	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);

		if (bms_is_subset(PATH_REQ_OUTER(path), joined->relids) &&
			(rel->cheapest_total_path == NULL || path->total_cost < result))
			result = path->total_cost;
	}
	return result;
}

/* The join of two rels, ready to be joined with others; NULL if it is not allowed. */
static RelOptInfo *
join_two(PlannerInfo *root, RelOptInfo *a, RelOptInfo *b, bool last)
{
	RelOptInfo *rel = make_join_rel(root, a, b);

	if (rel == NULL)
		return NULL;
	generate_partitionwise_join_paths(root, rel);
	if (!last)
		generate_useful_gather_paths(root, rel, false);
	set_cheapest(rel);
	return rel;
}

typedef struct Candidate
{
	RelOptInfo *rel;
	Cost		cost;
} Candidate;

static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	/* the same order each time */
	return bms_next_member(x->rel->relids, -1) - bms_next_member(y->rel->relids, -1);
}

/*
 * The cheapest join of the rel with one of the others, which is removed from
 * the list; NULL if none is allowed.
 */
static RelOptInfo *
join_next(PlannerInfo *root, RelOptInfo *joined, List **others, bool connected)
{
	Candidate  *candidates = palloc(sizeof(Candidate) * list_length(*others));
	int			n = 0;
	int			tried = 0;
	RelOptInfo *best = NULL;
	RelOptInfo *chosen = NULL;
	ListCell   *lc;

	foreach(lc, *others)
	{
		RelOptInfo *rel = lfirst(lc);

		if (connected && !are_connected(root, joined, rel))
			continue;
		candidates[n].rel = rel;
		candidates[n++].cost = cost_next(joined, rel);
	}
	qsort(candidates, n, sizeof(Candidate), compare_candidates);
	for (int i = 0; i < n && tried < TV_MAX_CANDIDATES; i++)
	{
		RelOptInfo *rel;

		CHECK_FOR_INTERRUPTS();
		rel = join_two(root, joined, candidates[i].rel, list_length(*others) == 1);
		if (rel == NULL)
			continue;
		tried++;
		if (best == NULL ||
			rel->cheapest_total_path->total_cost < best->cheapest_total_path->total_cost)
		{
			best = rel;
			chosen = candidates[i].rel;
		}
	}
	if (best)
		*others = list_delete_ptr(*others, chosen);
	pfree(candidates);
	return best;
}

/* The change that the query starts from, or else the rel with the fewest rows. */
static RelOptInfo *
choose_start(List *rels)
{
	RelOptInfo *start = linitial(rels);
	ListCell   *lc;

	foreach(lc, rels)
	{
		RelOptInfo *rel = lfirst(lc);

		if (is_change(rel) && !is_change(start))
			start = rel;
		else if (is_change(rel) == is_change(start) && rel->rows < start->rows)
			start = rel;
	}
	return start;
}

/*
 * Join all to the start.  If nothing can be joined to it, as to one side of an
 * outer join before the other side is complete, others are joined first.  NULL if
 * this comes to an end too early.
 */
static RelOptInfo *
join_one_by_one(PlannerInfo *root, List *rels)
{
	RelOptInfo *start = choose_start(rels);
	List	   *others = list_delete_ptr(list_copy(rels), start);

	while (others != NIL)
	{
		RelOptInfo *joined = NULL;

		for (int pass = 0; pass < 2 && joined == NULL; pass++)
		{
			bool		connected = pass == 0;
			List	   *starts = list_copy(others);

			joined = join_next(root, start, &others, connected);
			if (joined)
			{
				start = joined;
				break;
			}
			while (starts != NIL && joined == NULL && list_length(others) > 1)
			{
				RelOptInfo *other = choose_start(starts);

				starts = list_delete_ptr(starts, other);
				others = list_delete_ptr(others, other);
				joined = join_next(root, other, &others, connected);
				others = lcons(joined ? joined : other, others);
			}
		}
		if (joined == NULL)
			return NULL;
	}
	return start;
}
