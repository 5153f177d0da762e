/*-------------------------------------------------------------------------
 *
 * delta/keys.c
 *	  Infer a key for the output rows of a linear node.
 *
 * A set of leaves of a product determines the others when these can be reached
 * one after the other: a leaf is determined if all columns of one of its
 * unique keys are equated with columns of determined leaves or constants.
 * Keys of the leaves that are not reached, taken together, are a key of the
 * product (functional dependency; Klug, "Calculating constraints on
 * relational expressions", TODS 1980).  It serves if all its columns are
 * output columns.
 *
 * A unique index is a proof only if it is immediate, valid, total, and treats
 * nulls as equal or has none (a deferrable one may be violated for a while).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "catalog/tv_tree.h"
#include "delta/compile_internal.h"
#include "tv_compat.h"

/* A unique key of a leaf. */
typedef struct LeafKey
{
	int			natts;
	AttrNumber *attnos;
	Oid		   *opfamilies;
	Oid			index;			/* InvalidOid: a node's group key */
} LeafKey;

typedef struct KeySearch
{
	TvNode	   *node;
	TvBranch   *branch;
	int			nleaves;
	List	  **keys;			/* by leaf: of LeafKey * */
} KeySearch;

static List *leaf_keys(TvCompiler *c, TvLeaf *leaf);
static List *index_keys(Oid relid);
static bool determined(KeySearch *s, int leaf, LeafKey *key, bool *reached);
static AttrNumber visible_as(KeySearch *s, int leaf, AttrNumber attno, Oid opfamily);
static bool try_root(KeySearch *s, int root, List **attnos, List **proofs);

void
tv_keys_infer(TvCompiler *c, TvNode *node)
{
	KeySearch	search = {0};
	KeySearch  *s = &search;
	List	   *best = NIL;
	List	   *best_proofs = NIL;
	ListCell   *lc;
	int			i = 0;

	node->identity = TV_IDENTITY_BAG;
	if (list_length(node->branches) != 1)
		return;

	s->node = node;
	s->branch = linitial(node->branches);
	s->nleaves = list_length(s->branch->leaves);
	if (s->nleaves == 0)
		return;
	s->keys = palloc0(sizeof(List *) * s->nleaves);
	foreach(lc, s->branch->leaves)
		s->keys[i++] = leaf_keys(c, lfirst(lc));

	for (i = 0; i < s->nleaves; i++)
	{
		List	   *attnos;
		List	   *proofs;

		if (((TvLeaf *) list_nth(s->branch->leaves, i))->mode != TV_LEAF_INNER)
			continue;
		if (try_root(s, i, &attnos, &proofs) &&
			(best == NIL || list_length(attnos) < list_length(best)))
		{
			best = attnos;
			best_proofs = proofs;
		}
	}
	if (best == NIL)
		return;

	node->identity = TV_IDENTITY_KEY;
	node->nidentity = list_length(best);
	node->identity_attnos = palloc(sizeof(AttrNumber) * node->nidentity);
	i = 0;
	foreach(lc, best)
		node->identity_attnos[i++] = lfirst_int(lc);
	node->proofs = best_proofs;
}

/*
 * Start from one leaf; take further leaves as roots when nothing more is
 * reached.  Returns the output columns of the roots' keys.
 */
static bool
try_root(KeySearch *s, int root, List **attnos, List **proofs)
{
	bool	   *reached = palloc0(sizeof(bool) * s->nleaves);
	int			nreached = 0;
	int			next = root;

	*attnos = NIL;
	*proofs = NIL;
	/* others than INNER leaves multiply no row */
	for (int i = 0; i < s->nleaves; i++)
	{
		reached[i] = ((TvLeaf *) list_nth(s->branch->leaves, i))->mode != TV_LEAF_INNER;
		nreached += reached[i];
	}
	while (nreached < s->nleaves)
	{
		List	   *chosen = NIL;
		ListCell   *lc;
		bool		progress;

		/* a key of this root of which every column is visible */
		foreach(lc, s->keys[next])
		{
			LeafKey    *key = lfirst(lc);
			List	   *cols = NIL;

			for (int i = 0; i < key->natts; i++)
			{
				AttrNumber	out = visible_as(s, next, key->attnos[i], key->opfamilies[i]);

				if (out == 0)
					break;
				cols = list_append_unique_int(cols, out);
			}
			if (list_length(cols) == key->natts &&
				(chosen == NIL || list_length(cols) < list_length(chosen)))
			{
				chosen = cols;
				if (OidIsValid(key->index))
					*proofs = lappend_oid(*proofs, key->index);
			}
		}
		if (chosen == NIL)
			return false;
		*attnos = list_concat_unique_int(*attnos, chosen);
		reached[next] = true;
		nreached++;

		do
		{
			progress = false;
			for (int j = 0; j < s->nleaves; j++)
			{
				if (reached[j])
					continue;
				foreach(lc, s->keys[j])
				{
					LeafKey    *key = lfirst(lc);

					if (determined(s, j, key, reached))
					{
						reached[j] = true;
						nreached++;
						if (OidIsValid(key->index))
							*proofs = lappend_oid(*proofs, key->index);
						progress = true;
						break;
					}
				}
			}
		} while (progress);

		for (next = 0; next < s->nleaves && reached[next]; next++)
			;
	}
	return true;
}

/* varchar is compared as text: the operator's family tells that it is the index's equality. */
static Node *
as_stored(Node *expr)
{
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return expr;
}

/*
 * The other side of a qual "leaf.attno = x", if the operator is the equality
 * of the family; NULL otherwise.
 */
static Node *
equated_with(Node *qual, int leaf, AttrNumber attno, Oid opfamily)
{
	OpExpr	   *op = (OpExpr *) qual;
	List	   *families;

	if (!IsA(qual, OpExpr) || list_length(op->args) != 2)
		return NULL;
	for (int side = 0; side < 2; side++)
	{
		Var		   *var = (Var *) as_stored(list_nth(op->args, side));

		if (!IsA(var, Var) || var->varno != leaf + 1 || var->varattno != attno)
			continue;
		families = get_mergejoin_opfamilies(op->opno);
		if (!list_member_oid(families, opfamily))
			continue;

		/*
		 * timestamp = timestamptz: where clocks go forward, two are equal to
		 * one
		 */
		if (op_volatile(op->opno) != PROVOLATILE_IMMUTABLE)
			continue;
		if (OidIsValid(op->inputcollid) && !get_collation_isdeterministic(op->inputcollid))
			continue;
		return as_stored(list_nth(op->args, 1 - side));
	}
	return NULL;
}

/* Are all columns of the key equated with reached leaves or constants? */
static bool
determined(KeySearch *s, int leaf, LeafKey *key, bool *reached)
{
	for (int i = 0; i < key->natts; i++)
	{
		ListCell   *lc;
		bool		found = false;

		foreach(lc, s->branch->quals)
		{
			Node	   *other = equated_with(lfirst(lc), leaf, key->attnos[i],
											 key->opfamilies[i]);

			if (other == NULL)
				continue;
			if (IsA(other, Const) ||
				(IsA(other, Var) && reached[((Var *) other)->varno - 1]))
			{
				found = true;
				break;
			}
		}
		if (!found)
			return false;
	}
	return true;
}

/*
 * The output column that shows leaf.attno, or a column of the same type that
 * is equated with it; 0 if none.
 */
static AttrNumber
visible_as(KeySearch *s, int leaf, AttrNumber attno, Oid opfamily)
{
	AttrNumber	out = 0;
	ListCell   *lc;
	ListCell   *lq;

	foreach(lc, s->branch->exprs)
	{
		Var		   *var = lfirst(lc);

		out++;
		if (!IsA(var, Var))
			continue;
		if (var->varno == leaf + 1 && var->varattno == attno)
			return out;
		foreach(lq, s->branch->quals)
		{
			Var		   *other = (Var *) equated_with(lfirst(lq), leaf, attno, opfamily);

			if (other && IsA(other, Var) && other->varno == var->varno &&
				other->varattno == var->varattno &&
				opfamily == get_opclass_family(GetDefaultOpClass(other->vartype, BTREE_AM_OID)))
				return out;
		}
	}
	return 0;
}

bool
tv_keys_at_most_one(TvCompiler *c, TvLeaf *leaf, int i, List *quals, AttrNumber *column)
{
	ListCell   *lk;
	ListCell   *lc;

	foreach(lk, leaf_keys(c, leaf))
	{
		LeafKey    *key = lfirst(lk);
		int			n;

		for (n = 0; n < key->natts; n++)
		{
			foreach(lc, quals)
			{
				Node	   *other = equated_with(lfirst(lc), i, key->attnos[n], key->opfamilies[n]);

				if (other && !bms_is_member(i + 1, pull_varnos(NULL, other)))
					break;
			}
			if (lc == NULL)
				break;
		}
		if (n == key->natts && n > 0)
		{
			*column = key->attnos[0];
			return true;
		}
	}
	return false;
}

Var *
tv_keys_leaf_column(TvCompiler *c, TvLeaf *leaf, int i, AttrNumber attno)
{
	TvSource   *source = list_nth(c->sources, leaf->source);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (source->kind == TV_SOURCE_NODE)
	{
		TvNode	   *node = list_nth(c->nodes, source->node);
		Form_pg_attribute att = TupleDescAttr(node->out_desc, attno - 1);

		return makeVar(i + 1, attno, att->atttypid, att->atttypmod, att->attcollation, 0);
	}
	get_atttypetypmodcoll(source->relid, attno, &type, &typmod, &collation);
	return makeVar(i + 1, attno, type, typmod, collation, 0);
}

static List *
leaf_keys(TvCompiler *c, TvLeaf *leaf)
{
	TvSource   *source;
	TvNode	   *node;
	LeafKey    *key;

	if (leaf->source < 0)
		return NIL;
	source = list_nth(c->sources, leaf->source);
	if (source->kind != TV_SOURCE_NODE)
	{
		/* an index of a table does not hold for its inheritance children */
		if (leaf->rte->inh && leaf->rte->relkind == RELKIND_RELATION &&
			tv_tree_has_children(source->relid))
			return NIL;
		return index_keys(source->relid);
	}

	/* the rows of a recursion, read in it, are a bag */
	if (source->node < 0)
		return NIL;
	node = list_nth(c->nodes, source->node);
	if (node->identity != TV_IDENTITY_KEY)
		return NIL;
	key = palloc0(sizeof(LeafKey));
	key->natts = node->nidentity;
	key->attnos = node->identity_attnos;
	key->opfamilies = palloc(sizeof(Oid) * key->natts);
	for (int i = 0; i < key->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, key->attnos[i] - 1);

		key->opfamilies[i] = get_opclass_family(GetDefaultOpClass(att->atttypid, BTREE_AM_OID));
	}
	return list_make1(key);
}

/* The unique keys of a table or view. */
static List *
index_keys(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(rel);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;
		LeafKey    *key = palloc0(sizeof(LeafKey));
		bool		proof = form->indisunique && form->indimmediate && form->indisvalid &&
		form->indisready && index->rd_rel->relam == BTREE_AM_OID &&
		RelationGetIndexExpressions(index) == NIL &&
		RelationGetIndexPredicate(index) == NIL;

		key->natts = form->indnkeyatts;
		key->attnos = palloc(sizeof(AttrNumber) * key->natts);
		key->opfamilies = palloc(sizeof(Oid) * key->natts);
		key->index = RelationGetRelid(index);
		for (int i = 0; i < key->natts && proof; i++)
		{
			AttrNumber	attno = form->indkey.values[i];
			Form_pg_attribute att;

			if (attno <= 0)
			{
				proof = false;
				break;
			}
			att = TupleDescAttr(rel->rd_att, attno - 1);
			if (!tv_attribute_not_null(rel->rd_att, attno) && !form->indnullsnotdistinct)
				proof = false;
			if (index->rd_opfamily[i] !=
				get_opclass_family(GetDefaultOpClass(att->atttypid, BTREE_AM_OID)))
				proof = false;
			if (index->rd_indcollation[i] != att->attcollation &&
				(!get_collation_isdeterministic(index->rd_indcollation[i]) ||
				 !get_collation_isdeterministic(att->attcollation)))
				proof = false;
			key->attnos[i] = attno;
			key->opfamilies[i] = index->rd_opfamily[i];
		}
		index_close(index, NoLock);
		if (proof)
			result = lappend(result, key);
	}
	list_free(indexes);
	relation_close(rel, NoLock);
	return result;
}
