/*-------------------------------------------------------------------------
 *
 * catalog/definition.c
 *	  The definition of a materialized view.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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
