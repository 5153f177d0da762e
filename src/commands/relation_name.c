/*-------------------------------------------------------------------------
 *
 * commands/relation_name.c
 *	  A relation's name given as text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/value.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "catalog/tv_catalog.h"
#include "commands/relation_name.h"

RangeVar *
tv_relation_name_parse(const char *text)
{
	List	   *parts;
	List	   *names = NIL;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(text), '.', &parts) ||
		parts == NIL || list_length(parts) > 3)
		return NULL;
	foreach(lc, parts)
		names = lappend(names, makeString(lfirst(lc)));
	return makeRangeVarFromNameList(names);
}

void
tv_relation_require_view(Oid view)
{
	const char *name = get_rel_name(view);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", view)));
	if (!tv_catalog_is_view(view))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a maintained view", name),
				 errhint("Maintained views are created with CREATE MATERIALIZED VIEW ... USING tview.")));
}
