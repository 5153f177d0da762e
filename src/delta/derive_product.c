/*-------------------------------------------------------------------------
 *
 * delta/derive_product.c
 *	  A product of leaves, each of them new, old, or its change, as a query.
 *
 * With D the rows of a leaf, D1 now, dD the change and D0 = D1 - dD:
 *
 *				new						change			old
 *		INNER	D1						dD				D1 - dD
 *		LEFT	left join D1 on quals	dD on quals	-	new - change
 *										dD x nulls
 *		ANTI	not exists D1 on quals	- dD on quals	new - change
 *
 * The two parts of a LEFT leaf's change are two products.  The second, and the
 * change of an ANTI leaf, read the change netted by the columns of the quals:
 * it is empty as long as the same matches are there.  Leaf number i is
 * range table entry i + 1, whatever stands in its place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"

#include "delta/derive_product.h"
#include "delta/late_quals.h"
#include "delta/shield_nulls.h"
#include "tv_compat.h"

/* The query under construction. */
typedef struct Builder
{
	const TvProduct *p;
	Query	   *query;
	List	   *items;			/* of the FROM clause ... */
	List	   *members;		/* ... and of Bitmapset *: the leaves in each */
	List	   *quals;
	Expr	   *weight;
	int		   *join_of;		/* by leaf: outer join that makes it null, or
								 * 0 */
} Builder;

typedef struct MapContext
{
	Builder    *b;
	int			own;			/* leaf whose own quals these are, or -1 */
	int			own_varno;		/* what it is called there, at level 0 */
	bool		own_delta;		/* it is the change, not the relation */
	int			levels;			/* from there up to the product */
} MapContext;

Bitmapset *
tv_derive_presence_columns(const TvLeaf *leaf, int index)
{
	List	   *vars = pull_var_clause((Node *) leaf->quals, 0);
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, vars)
	{
		Var		   *var = lfirst_node(Var, lc);

		if (var->varno == index + 1)
			result = bms_add_member(result, TV_COLUMN_OF_ATTNO(var->varattno));
	}
	return result;
}

char *
tv_derive_presence_name(const TvLeaf *leaf, int index)
{
	Bitmapset  *columns = tv_derive_presence_columns(leaf, index);
	StringInfoData name;
	int			attno = -1;

	initStringInfo(&name);
	appendStringInfo(&name, "tview_presence_%d", leaf->source);
	while ((attno = bms_next_member(columns, attno)) >= 0)
		appendStringInfo(&name, "_%d", attno);
	return name.data;
}

/* The change of a leaf: as it is, or of the presence of its rows. */
static RangeTblEntry *
change_rte(const TvProduct *p, int i, bool presence)
{
	TvLeaf	   *leaf = list_nth(p->branch->leaves, i);

	if (leaf->source >= p->graph->nsources)
		return tv_query_subquery_rte(copyObject(p->deltas[leaf->source]), "change");
	return tv_query_delta_rte(presence ? tv_derive_presence_name(leaf, i) :
							  tv_derive_delta_name(leaf->source),
							  p->layouts[leaf->source], p->rows ? p->rows[leaf->source] : 1);
}

static AttrNumber
layout_position(const TvLayout *layout, AttrNumber attno)
{
	for (int i = 0; i < layout->natts; i++)
		if (layout->attnos[i] == TV_COLUMN_OF_ATTNO(attno))
			return i + 1;
	elog(ERROR, "column %d is not in the layout of a delta", attno);
	return 0;
}

static Node *
map_mutator(Node *node, MapContext *m)
{
	const TvProduct *p = m->b->p;
	Var		   *var;
	TvLeaf	   *leaf;
	int			i;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, map_mutator, m);

	var = copyObject((Var *) node);
	var->varnosyn = 0;
	var->varattnosyn = 0;
	i = var->varno - 1;
	leaf = list_nth(p->branch->leaves, i);
	if (i == m->own)
	{
		var->varno = m->own_varno;
		if (m->own_delta)
			var->varattno = layout_position(p->layouts[leaf->source], var->varattno);
		return (Node *) var;
	}
	var->varlevelsup = m->levels;
	switch (p->states[i])
	{
		case TV_STATE_NEW:
			if (m->b->join_of[i] > 0)
				tv_compat_set_nulling(var, m->b->join_of[i]);
			break;
		case TV_STATE_DELTA_NULL:
			return (Node *) makeNullConst(var->vartype, var->vartypmod, var->varcollid);
		default:
			var->varattno = layout_position(p->layouts[leaf->source], var->varattno);
	}
	return (Node *) var;
}

static Node *
map(Builder *b, Node *node)
{
	MapContext	m = {b, -1};

	return map_mutator(node, &m);
}

/* The quals of leaf i, which there is called own_varno. */
static List *
map_own(Builder *b, int i, int own_varno, bool own_delta, int levels)
{
	TvLeaf	   *leaf = list_nth(b->p->branch->leaves, i);
	MapContext	m = {b, i, own_varno, own_delta, levels};

	return (List *) map_mutator((Node *) leaf->quals, &m);
}

static Expr *
negate(Expr *weight)
{
	return (Expr *) makeFuncExpr(F_INT8UM, INT8OID, list_make1(weight),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static void
add_weight(Builder *b, int i, bool negative)
{
	TvLeaf	   *leaf = list_nth(b->p->branch->leaves, i);
	AttrNumber	attno = b->p->layouts[leaf->source]->natts + 1;
	Expr	   *w;

	/* what an ANTI leaf was has no columns */
	if (leaf->mode == TV_LEAF_ANTI && b->p->states[i] == TV_STATE_OLD)
		attno = 1;
	w = (Expr *) makeVar(i + 1, attno, INT8OID, -1, InvalidOid, 0);
	if (negative)
		w = negate(w);
	b->weight = b->weight ? tv_query_multiply(b->weight, w) : w;
}

static RangeTblRef *
make_ref(int rti)
{
	RangeTblRef *ref = makeNode(RangeTblRef);

	ref->rtindex = rti;
	return ref;
}

static void
add_item(Builder *b, int i)
{
	b->items = lappend(b->items, make_ref(i + 1));
	b->members = lappend(b->members, bms_make_singleton(i));
}

/* NOT EXISTS (SELECT FROM leaf i WHERE its quals), levels below the product */
static Expr *
not_exists(Builder *b, int i, int levels)
{
	TvLeaf	   *leaf = list_nth(b->p->branch->leaves, i);
	Query	   *query = tv_query_make();
	SubLink    *sublink = makeNode(SubLink);

	tv_query_add_rte(query, tv_query_leaf_rte(b->p->graph, leaf));
	tv_query_add_column(query, tv_query_int8(1), NULL);
	tv_query_where(query, map_own(b, i, 1, false, levels + 1));
	sublink->subLinkType = EXISTS_SUBLINK;
	sublink->subselect = (Node *) query;
	sublink->location = -1;
	return make_notclause((Expr *) sublink);
}

/* One more part of what a leaf was: columns (or nulls) and weight. */
static Query *
old_part(Builder *b, int i, RangeTblEntry *rte, bool delta, bool nulls, List *quals, Expr *weight)
{
	TvLeaf	   *leaf = list_nth(b->p->branch->leaves, i);
	TvLayout   *layout = b->p->layouts[leaf->source];
	Query	   *query = tv_query_make();

	if (rte)
		tv_query_add_rte(query, rte);
	for (int k = 0; k < layout->natts && leaf->mode != TV_LEAF_ANTI; k++)
	{
		Form_pg_attribute att = TupleDescAttr(layout->desc, k);
		Expr	   *column;

		if (nulls)
			column = (Expr *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation);
		else
			column = (Expr *) makeVar(1, delta ? k + 1 : TV_ATTNO_OF_COLUMN(layout->attnos[k]), att->atttypid,
									  att->atttypmod, att->attcollation, 0);
		tv_query_add_column(query, column, NameStr(att->attname));
	}
	tv_query_add_column(query, weight, "weight");
	tv_query_where(query, quals);
	query->hasSubLinks = checkExprHasSubLink(query->jointree->quals);

	/*
	 * The planner looks rows up in a union if it can do so in each part: in a
	 * tuplestore it cannot, in a subquery that it must not pull up it can.
	 */
	if (delta)
		query->limitOffset = (Node *) tv_query_int8(0);
	return query;
}

/* What a leaf was, as one relation with weights. */
static RangeTblEntry *
old_rte(Builder *b, int i)
{
	const TvProduct *p = b->p;
	TvLeaf	   *leaf = list_nth(p->branch->leaves, i);
	TvLayout   *layout = p->layouts[leaf->source];
	Var		   *w = makeVar(1, layout->natts + 1, INT8OID, -1, InvalidOid, 0);
	List	   *parts = NIL;
	RangeTblEntry *rte;

#define NOW tv_query_leaf_rte(p->graph, leaf)
#define CHANGE change_rte(p, i, false)
	/* the parts stand two levels below the product */
	if (leaf->mode != TV_LEAF_ANTI)
	{
		parts = lappend(parts, old_part(b, i, NOW, false, false,
										map_own(b, i, 1, false, 2), tv_query_int8(1)));
		parts = lappend(parts, old_part(b, i, CHANGE, true, false,
										map_own(b, i, 1, true, 2), negate((Expr *) w)));
	}
	if (leaf->mode != TV_LEAF_INNER)
	{
		parts = lappend(parts, old_part(b, i, NULL, false, true,
										list_make1(not_exists(b, i, 2)), tv_query_int8(1)));
		parts = lappend(parts, old_part(b, i, CHANGE, true, true,
										map_own(b, i, 1, true, 2), (Expr *) copyObject(w)));
	}
	rte = tv_query_subquery_rte(tv_query_union_all(parts), TV_OLD_STATE_NAME);
	rte->lateral = leaf->mode != TV_LEAF_INNER;
	return rte;
}

/* Append a join of two FROM items; returns its range table index. */
static JoinExpr *
make_join(Builder *b, JoinType type, Node *larg, Node *rarg, List *quals)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	JoinExpr   *join = makeNode(JoinExpr);

	rte->rtekind = RTE_JOIN;
	rte->jointype = type;
	rte->eref = makeAlias("unnamed_join", NIL);
	rte->inFromCl = true;
	b->query->rtable = lappend(b->query->rtable, rte);
	join->jointype = type;
	join->larg = larg;
	join->rarg = rarg;
	join->quals = quals ? (Node *) make_ands_explicit(quals) : (Node *) makeBoolConst(true, false);
	join->rtindex = list_length(b->query->rtable);
	return join;
}

/* Join leaf i, as it is now, to the FROM items that its quals speak of. */
static void
add_left(Builder *b, int i)
{
	TvLeaf	   *leaf = list_nth(b->p->branch->leaves, i);
	List	   *quals = map_own(b, i, i + 1, false, 0);
	Bitmapset  *wanted = NULL;
	Bitmapset  *members = NULL;
	Node	   *tree = NULL;
	List	   *items = NIL;
	List	   *rest = NIL;
	int			varno = -1;
	ListCell   *li;
	ListCell   *lm;
	JoinExpr   *join;
	Bitmapset  *varnos = pull_varnos(NULL, (Node *) leaf->quals);

	while ((varno = bms_next_member(varnos, varno)) >= 0)
		wanted = bms_add_member(wanted, varno - 1);
	forboth(li, b->items, lm, b->members)
	{
		if (bms_overlap(lfirst(lm), wanted) || (tree == NULL && lnext(b->items, li) == NULL))
		{
			tree = tree ? (Node *) make_join(b, JOIN_INNER, tree, lfirst(li), NIL) : lfirst(li);
			members = bms_union(members, lfirst(lm));
		}
		else
		{
			items = lappend(items, lfirst(li));
			rest = lappend(rest, lfirst(lm));
		}
	}
	if (tree == NULL)
	{
		/* nothing to be joined to: one row without columns */
		RangeTblEntry *one = makeNode(RangeTblEntry);

		one->rtekind = RTE_RESULT;
		one->eref = makeAlias("one_row", NIL);
		b->query->rtable = lappend(b->query->rtable, one);
		tree = (Node *) make_ref(list_length(b->query->rtable));
	}
	join = make_join(b, JOIN_LEFT, tree, (Node *) make_ref(i + 1), quals);
	b->join_of[i] = join->rtindex;
	b->items = lappend(items, join);
	b->members = lappend(rest, bms_add_member(members, i));
}

static void
add_leaf(Builder *b, int i)
{
	TvLeaf	   *leaf = list_nth(b->p->branch->leaves, i);
	TvLeafState state = b->p->states[i];

	if (state == TV_STATE_NEW)
	{
		if (leaf->mode == TV_LEAF_LEFT)
			add_left(b, i);
		else if (leaf->mode == TV_LEAF_ANTI)
		{
			b->quals = lappend(b->quals, not_exists(b, i, 0));
			b->query->hasSubLinks = true;
		}
		else
			add_item(b, i);
		return;
	}
	add_item(b, i);
	add_weight(b, i, state == TV_STATE_DELTA_NULL ||
			   (state == TV_STATE_DELTA && leaf->mode == TV_LEAF_ANTI));
	if (leaf->mode != TV_LEAF_INNER && state != TV_STATE_OLD)
		b->quals = list_concat(b->quals, map_own(b, i, i + 1, true, 0));
}

/* What stands in the range table for leaf i. */
static RangeTblEntry *
leaf_rte(Builder *b, int i)
{
	TvLeaf	   *leaf = list_nth(b->p->branch->leaves, i);
	RangeTblEntry *rte;

	switch (b->p->states[i])
	{
		case TV_STATE_NEW:
			if (leaf->mode == TV_LEAF_ANTI)
			{
				rte = makeNode(RangeTblEntry);
				rte->rtekind = RTE_RESULT;
				rte->eref = makeAlias("absent", NIL);
				return rte;
			}
			return tv_query_leaf_rte(b->p->graph, leaf);
		case TV_STATE_OLD:
			return NULL;		/* needs all joins to be known */
		case TV_STATE_DELTA:
		case TV_STATE_DELTA_NULL:
			break;
	}
	/* all but the columns of a LEFT leaf's match is a matter of presence */
	return change_rte(b->p, i, b->p->states[i] == TV_STATE_DELTA_NULL || leaf->mode == TV_LEAF_ANTI);
}

static Node *
map_leaf(Node *exprs, void *b)
{
	return map(b, exprs);
}

/* Are there nulls in the place of a leaf, on a condition? */
static bool
may_have_nulls(const TvProduct *product)
{
	ListCell   *lc;

	foreach(lc, product->branch->leaves)
	{
		TvLeaf	   *leaf = lfirst(lc);

		if (leaf->mode == TV_LEAF_ANTI ||
			product->states[foreach_current_index(lc)] == TV_STATE_DELTA_NULL)
			return true;
	}
	return false;
}

Query *
tv_product_query(const TvProduct *product, List *exprs, List *quals, bool weighted, bool negative)
{
	int			nleaves = list_length(product->branch->leaves);
	Builder		b = {product, tv_query_make()};
	List	   *early;
	List	   *late = NIL;
	ListCell   *lc;

	b.join_of = palloc0(sizeof(int) * (nleaves + 1));
	for (int i = 0; i < nleaves; i++)
	{
		RangeTblEntry *rte = leaf_rte(&b, i);

		/* the place is kept until it is known which leaves can be null */
		if (rte == NULL)
		{
			rte = makeNode(RangeTblEntry);
			rte->rtekind = RTE_RESULT;
		}
		tv_compat_add_rte(b.query, rte);
	}
	for (int i = 0; i < nleaves; i++)
	{
		ListCell   *cell = list_nth_cell(b.query->rtable, i);

		if (product->states[i] == TV_STATE_OLD)
			lfirst(cell) = old_rte(&b, i);
		else if (product->states[i] == TV_STATE_NEW)
			tv_leaf_mutate(lfirst(cell), map_leaf, &b);
		add_leaf(&b, i);
	}
	b.query->jointree->fromlist = b.items;

	early = list_concat((List *) map(&b, (Node *) quals), b.quals);
	foreach(lc, early)
	{
		if (!may_have_nulls(product) || checkExprHasSubLink(lfirst(lc)) ||
			!tv_null_may_fail(lfirst(lc)))
			continue;
		late = lappend(late, lfirst(lc));
		early = foreach_delete_current(early, lc);
	}
	foreach(lc, exprs)
		tv_query_add_column(b.query, (Expr *) map(&b, lfirst(lc)), NULL);
	if (weighted)
		tv_query_add_column(b.query, negative ? negate(b.weight) : b.weight, "weight");
	tv_query_where(b.query, early);
	return tv_late_quals(b.query, late);
}
