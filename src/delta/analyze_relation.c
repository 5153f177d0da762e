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
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "catalog/tv_catalog.h"
#include "delta/compile_internal.h"
#include "tv_compat.h"

bool
tv_analyze_relation(TvCompiler *c, RangeTblEntry *rte, Relation rel, Oid check_as)
{
	const char *what = NULL;
	const char *why = NULL;
	const char *hint = NULL;
	char		kind = rel->rd_rel->relkind;

	if (rte->tablesample)
	{
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
	else if (kind == RELKIND_PARTITIONED_TABLE || rel->rd_rel->relispartition)
	{
		what = "partitioned table \"%s\" is not supported in a maintained view";
		why = "Changes made through other levels of the partition tree would not be seen.";
		hint = "Use tables that are not partitioned.";
	}
	else if (kind == RELKIND_MATVIEW && !tv_catalog_is_view(RelationGetRelid(rel)))
	{
		what = "materialized view \"%s\" is not supported in a maintained view";
		why = "It changes only by REFRESH, so it is stale in between.";
		hint = "Create it with USING tview, then it is maintained too.";
	}
	else if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW)
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
	else if (has_subclass(RelationGetRelid(rel)) &&
			 find_inheritance_children(RelationGetRelid(rel), NoLock) != NIL)
	{
		/* FROM ONLY is no way out: the transition tables have all rows. */
		what = "table \"%s\" with inheritance children is not supported in a maintained view";
		why = "Changes of its own rows and of its children's cannot be told apart.";
		hint = "Use a table without children.";
	}
	else if (has_superclass(RelationGetRelid(rel)))
	{
		what = "inheritance child \"%s\" is not supported in a maintained view";
		why = "Changes made through its parent would not be seen.";
		hint = "Use a table without a parent.";
	}
	else if (kind == RELKIND_RELATION &&
			 check_enable_rls(RelationGetRelid(rel), check_as, true) == RLS_ENABLED)
	{
		what = "table \"%s\" with row security in force for the view's owner is not supported in a maintained view";
		why = "Changes are captured regardless of row security, so the view would show rows that its owner may not see.";
		hint = "Let a role that bypasses row security own the view.";
	}

	if (what == NULL)
		return true;
	tv_compile_refuse(c, -1, what, RelationGetRelationName(rel), why, hint);
	return false;
}
