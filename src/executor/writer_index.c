/*-------------------------------------------------------------------------
 *
 * executor/writer_index.c
 *	  Index entries of the rows that maintenance writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "storage/lmgr.h"

#include "executor/writer_index.h"
#include "tv_compat.h"

void
tv_writer_open_indexes(TvWriter *writer)
{
	MemoryContext oldcxt;

	if (writer->rri)
		return;
	oldcxt = MemoryContextSwitchTo(writer->cxt);
	writer->estate = CreateExecutorState();
	writer->estate->es_snapshot = writer->snapshot;
	writer->rri = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->rri, writer->rel, 0, NULL, 0);
	ExecOpenIndices(writer->rri, false);
	MemoryContextSwitchTo(oldcxt);
}

bool
tv_writer_insert_entries(TvWriter *writer, bool update, bool only_summarizing, List *arbiters)
{
	bool		conflict = false;

	tv_writer_open_indexes(writer);
	if (writer->rri->ri_NumIndices > 0)
		(void) tv_compat_insert_index_tuples(writer->rri, writer->new_slot, writer->estate,
											 update, arbiters != NIL, &conflict, arbiters,
											 only_summarizing);
	ResetPerTupleExprContext(writer->estate);
	return !conflict;
}

bool
tv_writer_insert_speculatively(TvWriter *writer, List *arbiters)
{
	uint32		token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
	bool		done;

	table_tuple_insert_speculative(writer->rel, writer->new_slot, writer->cid, 0, NULL, token);
	done = tv_writer_insert_entries(writer, false, false, arbiters);
	table_tuple_complete_speculative(writer->rel, writer->new_slot, token, done);
	SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	return done;
}

bool
tv_writer_wait_for_key(TvWriter *writer, List *arbiters)
{
	ResultRelInfo *rri = writer->rri;
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);
	ItemPointerData tid;

	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		if (rri->ri_IndexRelationInfo[i]->ii_Unique &&
			rri->ri_IndexRelationInfo[i]->ii_UniqueOps == NULL)
			BuildSpeculativeIndexInfo(rri->ri_IndexRelationDescs[i], rri->ri_IndexRelationInfo[i]);
	}
	MemoryContextSwitchTo(oldcxt);
	return tv_compat_check_index_constraints(rri, writer->new_slot, writer->estate, &tid, arbiters);
}
