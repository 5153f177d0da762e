/*-------------------------------------------------------------------------
 *
 * delta/edges.c
 *	  What a change of a node's input must lock, so that nothing is missed.
 *
 * A branch is linear in each of its leaves.  With changes d1 and d2 of two
 * transactions that do not see each other,
 *
 *		P(R + d1, S + d2) = P(R, S) + P(d1, S) + P(R, d2) + P(d1, d2)
 *
 * each computes its own term, and the last one is lost.  It is empty unless
 * rows of d1 and of d2 meet in a row of P.  So any two changes whose rows can
 * meet must ask for at least one common lock, in modes that conflict; the later
 * one then waits, and sees the other.  Changes of the same leaf never meet.
 *
 * An edge is a pair of leaves.  Its keys are the equalities that hold between
 * the two in every row of P, also those that follow from others: a = b and
 * b = c give a = c.  The quals of a LEFT or ANTI leaf need not hold in a row of
 * P, but rows of that leaf have part in it only where they do.  Where there are none, all rows of the two may meet.  Locks
 * for neighbours only would not do: in r - s - t, where s is there already, a
 * row of r and one of t meet.
 *
 * Where rows of two sources meet in the same way in several branches, or in
 * several places of one, as in joins of a table with itself, this is one edge: a
 * lock of one of them would be waited for by just those who wait for the other.
 *
 * What is recomputed by group depends on all rows of the group: it is locked by
 * the group's key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/hash.h"
#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "delta/compile_internal.h"

/* Numbers must fit into a part of a lock tag; see lock_tags.c. */
#define TV_MAX_EDGES 20000

/*
 * A row of a source takes up to three locks for each of its edges, and the
 * server's lock table is not large.
 */
#define TV_MAX_EDGES_OF_SOURCE 250

/* A column of a leaf that is equated with something. */
typedef struct Member
{
	int			leaf;
	Expr	   *expr;
	Oid			family;			/* of the equality, for hash indexes */
	Oid			collation;
	Oid			hash;
	int			class;			/* members of one class are equal */
} Member;

/* What an equality says about two members. */
typedef struct Equality
{
	Member	   *members[2];
	bool		null_safe;		/* nulls are equal, too */
} Equality;

/* The equalities of a branch. */
typedef struct Equalities
{
	List	   *members;		/* of Member * */
	List	   *null_safe;		/* of Equality *: the others are in classes */
	List	  **own;			/* by leaf: of Equality *, of its own quals */
} Equalities;

static bool has_rule(const TvNode *node);
static bool is_additive(const TvNode *node);
static void branch_edges(TvGraph *graph, TvNode *node, int branch, int *number, int *degrees);
static void read_equalities(Equalities *e, const TvBranch *branch);
static List *edge_keys(const Equalities *e, int a, int b);

void
tv_edges_assign(TvGraph *graph)
{
	int			number = 0;
	int		   *degrees = palloc0(sizeof(int) * (graph->nsources + 1));

	for (int i = 0; i < graph->nnodes; i++)
	{
		TvNode	   *node = graph->nodes[i];

		node->additive = is_additive(node);
		if (!has_rule(node))
			graph->exclusive = true;
		node->locks_groups = node->recompute || node->top_rows || node->kind == TV_NODE_RECURSIVE;
		if (node->locks_groups || node->kind == TV_NODE_GROUP)
			node->group_lock = ++number;
		/* that lock is taken first, by all who change anything */
		if (node->kind == TV_NODE_RECURSIVE)
			continue;
		for (int b = 0; b < list_length(node->branches) && !graph->exclusive; b++)
			branch_edges(graph, node, b, &number, degrees);
	}
}

/* What is not known here is locked as a whole. */
static bool
has_rule(const TvNode *node)
{
	switch (node->kind)
	{
		case TV_NODE_LINEAR:
		case TV_NODE_GROUP:
		case TV_NODE_PARTITION:
		case TV_NODE_RECURSIVE:
		case TV_NODE_WHOLE:
			return true;
		default:
			return false;
	}
}

/* The leaves of a branch that can change, at most max of them. */
static int
count_changing(const TvBranch *branch)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, branch->leaves)
		if (((TvLeaf *) lfirst(lc))->source >= 0)
		n++;
	return n;
}

/*
 * Does the node's delta depend on nothing but the change itself?  Then the
 * deltas of two transactions commute, and locks on the touched rows suffice.
 */
static bool
is_additive(const TvNode *node)
{
	ListCell   *lc;

	if (node->recompute || node->kind == TV_NODE_RECURSIVE)
		return false;
	foreach(lc, node->branches)
		if (count_changing(lfirst(lc)) > 1)
		return false;
	return true;
}

/* The edge of two leaves, the source with the lower number first. */
static TvEdge *
make_edge(const TvBranch *branch, const Equalities *equalities, int a, int b)
{
	TvEdge	   *edge = palloc0(sizeof(TvEdge));
	int			source_a = ((TvLeaf *) list_nth(branch->leaves, a))->source;
	int			source_b = ((TvLeaf *) list_nth(branch->leaves, b))->source;

	edge->sources[0] = Min(source_a, source_b);
	edge->sources[1] = Max(source_a, source_b);
	edge->keys = source_a <= source_b ? edge_keys(equalities, a, b) :
		edge_keys(equalities, b, a);
	return edge;
}

/* Do the keys say the same?  swap: of the one's first source and the other's second. */
static bool
same_keys(const List *a, const List *b, bool swap)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		const TvEdgeKey *x = lfirst(la);
		const TvEdgeKey *y = lfirst(lb);

		if (x->null_safe != y->null_safe || x->collation != y->collation)
			return false;
		for (int i = 0; i < 2; i++)
		{
			int			k = swap ? 1 - i : i;

			if (x->hashes[i] != y->hashes[k] || !equal(x->exprs[i], y->exprs[k]))
				return false;
		}
	}
	return true;
}

static bool
has_edge(const TvNode *node, const TvEdge *edge)
{
	ListCell   *lc;

	foreach(lc, node->edges)
	{
		const TvEdge *other = lfirst(lc);

		if (other->sources[0] != edge->sources[0] || other->sources[1] != edge->sources[1])
			continue;
		if (same_keys(other->keys, edge->keys, false) ||
			(edge->sources[0] == edge->sources[1] && same_keys(other->keys, edge->keys, true)))
			return true;
	}
	return false;
}

/* degrees: by source, its edges so far. */
static void
branch_edges(TvGraph *graph, TvNode *node, int branch, int *number, int *degrees)
{
	TvBranch   *b = list_nth(node->branches, branch);
	int			n = list_length(b->leaves);
	Equalities	equalities = {0};

	if (count_changing(b) < 2)
		return;
	read_equalities(&equalities, b);
	for (int i = 0; i < n; i++)
	{
		if (((TvLeaf *) list_nth(b->leaves, i))->source < 0)
			continue;
		for (int j = i + 1; j < n; j++)
		{
			TvEdge	   *edge;

			CHECK_FOR_INTERRUPTS();
			if (((TvLeaf *) list_nth(b->leaves, j))->source < 0)
				continue;
			edge = make_edge(b, &equalities, i, j);
			if (has_edge(node, edge))
				continue;
			if (*number >= TV_MAX_EDGES ||
				++degrees[edge->sources[0]] > TV_MAX_EDGES_OF_SOURCE ||
				++degrees[edge->sources[1]] > TV_MAX_EDGES_OF_SOURCE)
			{
				graph->exclusive = true;
				return;
			}
			edge->number = ++*number;
			node->edges = lappend(node->edges, edge);
		}
	}
}

/* ------------------------------------------------------------------------
 * Equalities
 * ------------------------------------------------------------------------
 */

bool
tv_cast_is_safe(Oid function)
{
	switch (function)
	{
		case F_INT4_INT2:
		case F_INT8_INT2:
		case F_INT8_INT4:
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
		case F_FLOAT8_FLOAT4:
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
		case F_FLOAT8_INT8:
		case F_TEXT_BPCHAR:
		case F_TEXT_NAME:
			return true;
		default:
			return false;
	}
}

/*
 * The leaf of which expr is a column; -1 if it is something else, of which it
 * is not known whether it can be computed for any row.
 */
static int
column_of_leaf(Node *expr)
{
	if (IsA(expr, Var))
		return ((Var *) expr)->varattno > 0 ? ((Var *) expr)->varno - 1 : -1;
	if (IsA(expr, RelabelType))
		return column_of_leaf((Node *) ((RelabelType *) expr)->arg);
	if (IsA(expr, FuncExpr) && tv_cast_is_safe(((FuncExpr *) expr)->funcid))
		return column_of_leaf(linitial(((FuncExpr *) expr)->args));
	return -1;
}

/* The family of hash operators of which this is the equality. */
static Oid
hash_family(Oid opno)
{
	CatCList   *list = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(opno));
	Oid			result = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(result); i++)
	{
		Form_pg_amop form = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);

		if (form->amopmethod == HASH_AM_OID && form->amopstrategy == HTEqualStrategyNumber)
			result = form->amopfamily;
	}
	ReleaseSysCacheList(list);
	return result;
}

/* The member for a column, made when missing. */
static Member *
find_member(List **members, Expr *expr, Oid family, Oid collation, Oid hash)
{
	ListCell   *lc;
	Member	   *m;

	foreach(lc, *members)
	{
		m = lfirst(lc);
		if (m->family == family && m->collation == collation && m->hash == hash &&
			equal(m->expr, expr))
			return m;
	}
	m = palloc(sizeof(Member));
	m->leaf = column_of_leaf((Node *) expr);
	m->expr = expr;
	m->family = family;
	m->collation = collation;
	m->hash = hash;
	m->class = list_length(*members);
	*members = lappend(*members, m);
	return m;
}

/* Is it "a = b" for columns of leaves?  Then what it says. */
static bool
read_equality(Node *qual, List **members, Equality *result)
{
	OpExpr	   *op = (OpExpr *) qual;
	RegProcedure hashes[2];
	Oid			family;

	if (!IsA(qual, OpExpr) || list_length(op->args) != 2)
		return false;
	for (int i = 0; i < 2; i++)
		if (column_of_leaf(list_nth(op->args, i)) < 0)
			return false;
	if (!op_hashjoinable(op->opno, exprType(linitial(op->args))) ||
		op_volatile(op->opno) != PROVOLATILE_IMMUTABLE)
		return false;
	family = hash_family(op->opno);
	if (!OidIsValid(family) || !get_op_hash_functions(op->opno, &hashes[0], &hashes[1]))
		return false;
	for (int i = 0; i < 2; i++)
		result->members[i] = find_member(members, list_nth(op->args, i), family,
										 op->inputcollid, hashes[i]);
	return true;
}

static Equality *
copy_equality(const Equality *e, bool null_safe)
{
	Equality   *copy = palloc(sizeof(Equality));

	*copy = *e;
	copy->null_safe = null_safe;
	return copy;
}

/* Is it "a = b or both null"? */
static bool
read_null_safe(Node *qual, List **members, Equality *result)
{
	BoolExpr   *or = (BoolExpr *) qual;
	BoolExpr   *and;

	if (!IsA(qual, BoolExpr) || or->boolop != OR_EXPR || list_length(or->args) != 2)
		return false;
	and = lsecond(or->args);
	if (!IsA(and, BoolExpr) || and->boolop != AND_EXPR || list_length(and->args) != 2 ||
		!read_equality(linitial(or->args), members, result))
		return false;
	for (int i = 0; i < 2; i++)
	{
		NullTest   *test = list_nth(and->args, i);

		if (!IsA(test, NullTest) || test->nulltesttype != IS_NULL ||
			!equal(test->arg, result->members[i]->expr))
			return false;
	}
	return true;
}

/* a = b: their classes are one. */
static void
merge_classes(List *members, const Equality *e)
{
	int			from = e->members[1]->class;
	ListCell   *lc;

	foreach(lc, members)
	{
		Member	   *m = lfirst(lc);

		if (m->class == from)
			m->class = e->members[0]->class;
	}
}

static void
read_equalities(Equalities *e, const TvBranch *branch)
{
	ListCell   *lc;
	ListCell   *lq;
	Equality	read;

	e->own = palloc0(sizeof(List *) * (list_length(branch->leaves) + 1));
	foreach(lc, branch->quals)
	{
		if (read_equality(lfirst(lc), &e->members, &read))
			merge_classes(e->members, &read);
		else if (read_null_safe(lfirst(lc), &e->members, &read))
			e->null_safe = lappend(e->null_safe, copy_equality(&read, true));
	}
	foreach(lc, branch->leaves)
	{
		foreach(lq, ((TvLeaf *) lfirst(lc))->quals)
		{
			List	  **own = &e->own[foreach_current_index(lc)];

			if (read_equality(lfirst(lq), &e->members, &read))
				*own = lappend(*own, copy_equality(&read, false));
			else if (read_null_safe(lfirst(lq), &e->members, &read))
				*own = lappend(*own, copy_equality(&read, true));
		}
	}
}

/* The member as a column of its source, whichever leaf that is. */
static Expr *
of_source(const Member *m)
{
	Expr	   *expr = copyObject(m->expr);

	ChangeVarNodes((Node *) expr, m->leaf + 1, 1, 0);
	return expr;
}

static TvEdgeKey *
make_key(const Member *a, const Member *b, bool null_safe)
{
	TvEdgeKey  *key = palloc0(sizeof(TvEdgeKey));

	key->exprs[0] = of_source(a);
	key->exprs[1] = of_source(b);
	key->hashes[0] = a->hash;
	key->hashes[1] = b->hash;
	key->collation = a->collation;
	key->null_safe = null_safe;
	return key;
}

/* A member of that class and leaf, or NULL. */
static Member *
member_of(List *members, int class, int leaf)
{
	ListCell   *lc;

	foreach(lc, members)
	{
		Member	   *m = lfirst(lc);

		if (m->class == class && m->leaf == leaf)
			return m;
	}
	return NULL;
}

/* Keys by equalities that stand by themselves; leaf a has one side of each. */
static List *
single_keys(const Equalities *e, List *equalities, int a, int b, bool swap)
{
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, equalities)
	{
		Equality   *q = lfirst(lc);

		for (int i = 0; i < 2; i++)
		{
			Member	   *other = q->members[1 - i];
			bool		null_safe = q->null_safe;

			if (q->members[i]->leaf != a)
				continue;
			if (other->leaf != b)
			{
				/* what is strictly equal to the other side will do */
				other = member_of(e->members, other->class, b);
				null_safe = false;
			}
			if (other)
				keys = lappend(keys, swap ? make_key(other, q->members[i], null_safe) :
							   make_key(q->members[i], other, null_safe));
		}
	}
	return keys;
}

/* What is equal in a row of leaf a and a row of leaf b that meet. */
static List *
edge_keys(const Equalities *e, int a, int b)
{
	List	   *keys = NIL;
	Bitmapset  *done = NULL;
	ListCell   *lc;

	foreach(lc, e->members)
	{
		Member	   *m = lfirst(lc);
		Member	   *other;

		if (m->leaf != a || bms_is_member(m->class, done))
			continue;
		other = member_of(e->members, m->class, b);
		if (other == NULL)
			continue;
		keys = lappend(keys, make_key(m, other, false));
		done = bms_add_member(done, m->class);
	}
	keys = list_concat(keys, single_keys(e, e->null_safe, a, b, false));
	keys = list_concat(keys, single_keys(e, e->own[a], a, b, false));
	return list_concat(keys, single_keys(e, e->own[b], b, a, true));
}
