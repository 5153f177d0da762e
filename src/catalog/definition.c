/*-------------------------------------------------------------------------
 *
 * catalog/definition.c
 *	  The definition of a materialized view.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "rewrite/prs2lock.h"
#include "utils/rel.h"

#include "catalog/definition.h"

const Query *
tv_definition_query(Relation rel)
{
	for (int i = 0; rel->rd_rules && i < rel->rd_rules->numLocks; i++)
	{
		RewriteRule *rule = rel->rd_rules->rules[i];

		if (rule->event == CMD_SELECT && list_length(rule->actions) == 1)
			return linitial_node(Query, rule->actions);
	}
	elog(ERROR, "relation \"%s\" has no definition", RelationGetRelationName(rel));
	return NULL;
}

Relation
tv_definition_open(Oid relid)
{
	Relation	rel = try_table_open(relid, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not maintain a view because of concurrent DDL"),
				 errdetail("The relation with OID %u was dropped.", relid),
				 errhint("Retry the transaction.")));
	return rel;
}
