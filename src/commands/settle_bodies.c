/*-------------------------------------------------------------------------
 *
 * commands/settle_bodies.c
 *	  Views whose functions have bodies that now mean something else.
 *
 * The server looks for the names in a body that is text whenever it runs the
 * function.  A function that is made later may fit a call better, an operator or
 * cast may stand in front of another.  What a body used when the view was built is
 * recorded as what the view depends on; what it uses now is found by compiling
 * the definition again, if a body has the name at all.
 *
 * Of the types in a body nothing is recorded: if one of this name was changed, the
 * view counts as one that uses it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "commands/settle_bodies.h"
#include "commands/settle_users.h"
#include "commands/view_build.h"
#include "planner/view_compile.h"

/* A character of an identifier; those beyond ASCII may be. */
#define IS_WORD(c) (isalnum((unsigned char) (c)) || (c) == '_' || (c) == '$' || IS_HIGHBIT_SET(c))

char *
tv_settle_name_in_bodies(const ObjectAddress *object)
{
	switch (object->classId)
	{
		case ProcedureRelationId:
			return get_func_name(object->objectId);
		case OperatorRelationId:
			return get_opname(object->objectId);
		case NamespaceRelationId:
			return get_namespace_name(object->objectId);
		default:
			return pstrdup("");
	}
}

/* What the view is recorded to depend on itself, of one catalog: List of Oid. */
static List *
recorded(Oid view, Oid classid)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(view));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == classid && form->deptype == DEPENDENCY_NORMAL)
			result = lappend_oid(result, form->refobjid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return result;
}

static void
fold(char *text)
{
	for (; *text; text ++)
		*text = pg_tolower((unsigned char) *text);
}

/* Does the name, which is not empty, stand in the text as a word? */
static bool
has_word(const char *text, const char *name)
{
	size_t		length = strlen(name);

	for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
	{
		bool		begins = at == text ||!IS_WORD(at[-1]);

		if (begins && !IS_WORD(at[length]))
			return true;
	}
	return false;
}

/* Does the function have a body that is text, with one of the names in it? */
static bool
names_any(Oid function, List *names, bool words)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *body = NULL;
	bool		found = false;
	bool		isnull;
	ListCell   *lc;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId)
	{
		(void) SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isnull);
		if (isnull)
			body = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));
	}
	ReleaseSysCache(tuple);
	if (body == NULL)
		return false;
	fold(body);
	foreach(lc, names)
	{
		char	   *name = pstrdup(lfirst(lc));

		fold(name);
		found |= words ? has_word(body, name) : strstr(body, name) != NULL;
		pfree(name);
	}
	pfree(body);
	return found;
}

static bool
same_members(List *a, List *b)
{
	return list_difference_oid(a, b) == NIL && list_difference_oid(b, a) == NIL;
}

/* Do the bodies use what they used when the view was built? */
static bool
is_as_built(Oid view, List *functions)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;

	LockRelationOid(view, AccessShareLock);
	if (!tv_view_is_populated(view))
		return true;
	graph = tv_view_compile(view, &refusal);
	return graph && same_members(graph->functions, functions) &&
		same_members(graph->operators, recorded(view, OperatorRelationId));
}

List *
tv_settle_other_bodies(const TvCommand *command)
{
	List	   *names = list_copy(command->names);
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, command->named)
	{
		char	   *name = tv_settle_name_in_bodies(lfirst(lc));

		if (name)
			names = lappend(names, name);
	}
	foreach(lc, names == NIL ? NIL : tv_catalog_all_views())
	{
		List	   *functions = recorded(lfirst_oid(lc), ProcedureRelationId);
		ListCell   *lf;
		bool		named = false;

		foreach(lf, functions)
			named = named || names_any(lfirst_oid(lf), names, false);
		if (named && !is_as_built(lfirst_oid(lc), functions))
			views = lappend_oid(views, lfirst_oid(lc));
	}
	return views;
}

/* The names of the types that were changed, in whatever way, and of what is made of them. */
static List *
names_of_types(const TvCommand *command)
{
	List	   *types = list_copy(command->constrained);
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, command->redefined)
	{
		ObjectAddress *object = lfirst(lc);

		if (object->classId == TypeRelationId)
			types = lappend_oid(types, object->objectId);
	}
	foreach(lc, command->reshaped)
	{
		Oid			type = get_rel_type_id(lfirst_oid(lc));

		if (OidIsValid(type))
			types = lappend_oid(types, type);
	}
	foreach(lc, tv_settle_types_with(types))
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		names = lappend(names, pstrdup(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname)));
		ReleaseSysCache(tuple);
	}
	return names;
}

List *
tv_settle_bodies_with_types(const TvCommand *command)
{
	List	   *names = names_of_types(command);
	List	   *views = NIL;
	ListCell   *lc;
	ListCell   *lf;

	foreach(lc, names == NIL ? NIL : tv_catalog_all_views())
	{
		foreach(lf, recorded(lfirst_oid(lc), ProcedureRelationId))
		{
			if (names_any(lfirst_oid(lf), names, true))
				views = list_append_unique_oid(views, lfirst_oid(lc));
		}
	}
	return views;
}
