/*-------------------------------------------------------------------------
 *
 * executor/function_reads.c
 *	  May a query read views through the functions that it calls?
 *
 * What a function reads is not known before it runs.  Its own queries come to
 * the executor's hooks, so what matters is the snapshot that they have by then:
 *
 *		IMMUTABLE	reads nothing, by contract
 *		STABLE		reads under the snapshot of the query that calls it, which
 *					cannot be exchanged any more: flush before that begins
 *		VOLATILE	takes a snapshot for each of its queries, which flush for
 *					themselves
 *
 * A function that does otherwise than it is declared gets 55000 from the query
 * that would read too old a view.  Workers know of no changes, so for a parallel
 * query all functions count.  And where a statement in progress is to be read
 * as before it, a VOLATILE function counts: what was pending before cannot be
 * told apart from what the statement changes, once it has begun.
 *
 * A plan lists the functions that did not come with the server by their hash
 * values.  Those of all such functions are kept until any function changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "config.h"
#include "executor/function_reads.h"

typedef struct FunctionEntry
{
	uint32		hash;			/* of the function in the server's cache */
	char		volatility;		/* the least restrictive, if several have it */
} FunctionEntry;

static HTAB *functions = NULL;
static bool functions_valid = false;
static uint64 nchanges = 0;		/* of functions */

static void look_up_functions(void);
static void add_function(Form_pg_proc form);
static char aggregate_volatility(Oid aggregate);
static char worse(char a, char b);
static void forget(Datum arg, int cacheid, uint32 hash);

bool
tv_functions_read(const PlannedStmt *stmt)
{
	bool		volatile_too = stmt->parallelModeNeeded ||
	(tv_read_in_statement == TV_READ_BEFORE &&
	 (stmt->commandType != CMD_SELECT || stmt->hasModifyingCTE));
	bool		looked_up = false;
	ListCell   *lc;

	foreach(lc, stmt->invalItems)
	{
		PlanInvalItem *item = lfirst_node(PlanInvalItem, lc);
		FunctionEntry *entry;

		if (item->cacheId != PROCOID)
			continue;
		if (stmt->parallelModeNeeded)
			return true;
		if (!functions_valid && !looked_up)
			look_up_functions();
		looked_up = true;
		entry = hash_search(functions, &item->hashValue, HASH_FIND, NULL);
		if (entry == NULL || entry->volatility == PROVOLATILE_STABLE ||
			(volatile_too && entry->volatility == PROVOLATILE_VOLATILE))
			return true;
	}
	return false;
}

/* Ignores what came with the server. */
static void
look_up_functions(void)
{
	static bool registered = false;
	HASHCTL		ctl = {0};
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		before;

	if (!registered)
		CacheRegisterSyscacheCallback(PROCOID, forget, (Datum) 0);
	registered = true;
	before = nchanges;
	if (functions)
		hash_destroy(functions);
	functions = NULL;
	ctl.keysize = sizeof(uint32);
	ctl.entrysize = sizeof(FunctionEntry);
	ctl.hcxt = CacheMemoryContext;
	functions = hash_create("pg_tviews functions", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	rel = table_open(ProcedureRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_proc_oid, BTGreaterEqualStrategyNumber, F_OIDGE,
				ObjectIdGetDatum(FirstUnpinnedObjectId));
	scan = systable_beginscan(rel, ProcedureOidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		add_function((Form_pg_proc) GETSTRUCT(tuple));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	functions_valid = nchanges == before;
}

static void
add_function(Form_pg_proc form)
{
	uint32		hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(form->oid));
	char		volatility = form->prokind == PROKIND_AGGREGATE ?
	aggregate_volatility(form->oid) : form->provolatile;
	FunctionEntry *entry;
	bool		found;

	if (form->oid < FirstNormalObjectId)
		volatility = PROVOLATILE_IMMUTABLE;
	entry = hash_search(functions, &hash, HASH_ENTER, &found);
	entry->volatility = found ? worse(entry->volatility, volatility) : volatility;
}

/* An aggregate itself is always said to be IMMUTABLE. */
static char
aggregate_volatility(Oid aggregate)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	char		result = PROVOLATILE_IMMUTABLE;
	Form_pg_aggregate form;

	if (!HeapTupleIsValid(tuple))
		return PROVOLATILE_STABLE;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	{
		Oid			parts[] = {form->aggtransfn, form->aggfinalfn, form->aggmtransfn,
			form->aggminvtransfn, form->aggmfinalfn, form->aggcombinefn,
		form->aggserialfn, form->aggdeserialfn};

		for (int i = 0; i < lengthof(parts); i++)
			if (parts[i] >= FirstNormalObjectId)
				result = worse(result, func_volatile(parts[i]));
	}
	ReleaseSysCache(tuple);
	return result;
}

static char
worse(char a, char b)
{
	if (a == PROVOLATILE_STABLE || b == PROVOLATILE_STABLE)
		return PROVOLATILE_STABLE;
	return a == PROVOLATILE_VOLATILE ? a : b;
}

/* Each of the functions of an aggregate counts for it: forget all. */
static void
forget(Datum arg, int cacheid, uint32 hash)
{
	functions_valid = false;
	nchanges++;
}
