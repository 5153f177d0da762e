/*-------------------------------------------------------------------------
 *
 * delta/analyze_relation.c
 *	  Refuse relations whose changes cannot be captured.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_tree.h"
#include "delta/compile_internal.h"
#include "tv_compat.h"

typedef struct ItemContext
{
	int			rti;
	Index		levels;
	int			location;
} ItemContext;

static bool
find_location(Node *node, void *context)
{
	ItemContext *c = context;
	bool		found;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varno != c->rti || var->varlevelsup != c->levels || var->location < 0)
			return false;
		c->location = var->location;
		return true;
	}
	if (IsA(node, Query))
	{
		c->levels++;
		found = query_tree_walker((Query *) node, find_location, context, 0);
		c->levels--;
		return found;
	}
	return expression_tree_walker(node, find_location, context);
}

/* FROM items themselves have no location. */
int
tv_analyze_item_location(Query *query, int rti)
{
	ItemContext context = {rti, 0, -1};

	(void) query_tree_walker(query, find_location, &context, 0);
	return context.location;
}

/*
 * The tables that store the rows of a table with partitions or children.  Their
 * own row security does not count in a query that names the root.
 */
static bool
analyze_tree(TvCompiler *c, Relation rel, int location)
{
	ListCell   *lc;

	if (!has_subclass(RelationGetRelid(rel)))
		return true;
	foreach(lc, tv_tree_below(RelationGetRelid(rel), NoLock))
	{
		Oid			relid = lfirst_oid(lc);
		char		kind = get_rel_relkind(relid);
		const char *what = NULL;
		const char *why = NULL;
		const char *hint = NULL;

		if (kind == RELKIND_FOREIGN_TABLE)
		{
			what = "table \"%s\" with a foreign table among its partitions or children is not supported in a maintained view";
			why = psprintf("Rows of foreign table \"%s\" can change without this server knowing.",
						   get_rel_name(relid));
			hint = "Copy the rows into a table, and use that as a partition or child.";
		}
		else if (kind == RELKIND_PARTITIONED_TABLE && tv_tree_detaching(relid))
		{
			what = "table \"%s\" with a partition that is being detached is not supported in a maintained view";
			why = "Whether the partition belongs to it depends on who asks.";
			hint = "Run ALTER TABLE ... DETACH PARTITION ... FINALIZE first.";
		}
		else if (kind != '\0' && get_rel_persistence(relid) != RELPERSISTENCE_PERMANENT)
		{
			what = "table \"%s\" with temporary or unlogged partitions or children is not supported in a maintained view";
			why = psprintf("The rows of \"%s\" can vanish without a statement.", get_rel_name(relid));
			hint = "Use permanent, logged tables.";
		}
		if (what)
		{
			tv_compile_refuse(c, location, what, RelationGetRelationName(rel), why, hint);
			return false;
		}
	}
	return true;
}

bool
tv_analyze_relation(TvCompiler *c, Query *query, int rti, Relation rel)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	Oid			check_as = OidIsValid(c->check_as) ? c->check_as : c->owner;
	int			location = tv_analyze_item_location(query, rti);
	const char *what = NULL;
	const char *why = NULL;
	const char *hint = NULL;
	char		kind = rel->rd_rel->relkind;

	if (rte->tablesample)
	{
		if (exprLocation((Node *) rte->tablesample->args) >= 0)
			location = exprLocation((Node *) rte->tablesample->args);
		what = "TABLESAMPLE of \"%s\" is not supported in a maintained view";
		why = "Which rows a sample holds cannot be told from a change.";
		hint = "Sample in the query that reads the view.";
	}
	else if (IsCatalogRelation(rel) || RelationGetNamespace(rel) == PG_CATALOG_NAMESPACE)
	{
		what = "system catalog \"%s\" is not supported in a maintained view";
		why = "Changes of system catalogs cannot be captured.";
		hint = "Use a plain view.";
	}
	else if (RelationGetNamespace(rel) == tv_catalog_schema())
	{
		what = "relation \"%s\" of pg_tviews is not supported in a maintained view";
		why = "What the extension keeps for itself changes without a statement.";
		hint = "Use a plain view.";
	}
	else if (kind == RELKIND_FOREIGN_TABLE)
	{
		what = "foreign table \"%s\" is not supported in a maintained view";
		why = "Its rows can change without this server knowing.";
		hint = "Copy the rows into a table.";
	}
	else if (kind == RELKIND_MATVIEW && !tv_catalog_is_view(RelationGetRelid(rel)))
	{
		what = "materialized view \"%s\" is not supported in a maintained view";
		why = "It changes only by REFRESH, so it is stale in between.";
		hint = "Create it with USING tview, then it is maintained too.";
	}
	else if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_MATVIEW)
	{
		what = "relation \"%s\" is not supported in a maintained view";
		why = "It is neither a table nor a view.";
		hint = "Leave it to the query that reads the view.";
	}
	else if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
	{
		what = "table \"%s\" is not supported in a maintained view";
		why = "The rows of temporary and unlogged tables can vanish without a statement.";
		hint = "Use a permanent, logged table.";
	}
	else if (kind != RELKIND_MATVIEW && !analyze_tree(c, rel, location))
		return false;
	else if (kind != RELKIND_MATVIEW &&
			 check_enable_rls(RelationGetRelid(rel), check_as, true) == RLS_ENABLED)
	{
		what = "table \"%s\" with row security in force for the view's owner is not supported in a maintained view";
		why = "Changes are captured regardless of row security, so the view would show rows that its owner may not see.";
		hint = "Let a role that bypasses row security own the view.";
	}

	if (what == NULL)
		return true;
	tv_compile_refuse(c, location, what, RelationGetRelationName(rel), why, hint);
	return false;
}
