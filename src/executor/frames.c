/*-------------------------------------------------------------------------
 *
 * executor/frames.c
 *	  Which changes of statements in progress are not yet delivered.
 *
 * While a statement runs, rows of its target tables are already changed, but
 * our trigger tells what changed only at its end.  In between a base table is
 * in a state whose distance from what the views know is unknown, and a flush
 * would be wrong for ever.  A frame notes the (relation, operation) pairs that
 * a statement may change; our AFTER STATEMENT trigger crosses them out.  If
 * rows come after a delivery, the server calls the trigger again, and the
 * statement that brought them has noted its pairs again.
 *
 * Until a ModifyTable node has fired its BEFORE STATEMENT triggers it has
 * changed nothing: to them the base tables are as before the statement.  The
 * server keeps that in the node.  COPY and TRUNCATE do not tell, and count as
 * having changed rows from the start.
 *
 * Of a statement on a table that has parents or children, the relation is the
 * one that the statement names: it alone fires triggers for the statement, once
 * all rows have been delivered from where they are stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "utils/memutils.h"

#include "catalog/tv_tree.h"
#include "executor/changeset.h"
#include "executor/frames_internal.h"
#include "planner/member_cache.h"

typedef struct FrameTarget
{
	Oid			relid;
	CmdType		op;				/* CMD_UTILITY: TRUNCATE */
	bool		delivered;
	bool		begun;			/* changed by something else than nodes */
	List	   *nodes;			/* of ModifyTableState * */
	int			nstatements;	/* that changed rows since the last delivery */
} FrameTarget;

/* An error can free what belongs to the statement before it ends the frame. */
struct TvFrame
{
	TvFrame    *outer;
	QueryDesc  *desc;			/* NULL: utility */
	SubTransactionId subid;		/* of the statement */
	bool		skip_triggers;	/* the enclosing statement fires the triggers */
	MemoryContext cxt;			/* of the targets */
	List	   *targets;		/* of FrameTarget * */
};

TvFrameCheck tv_frame_check = NULL;

static TvFrame *top_frame = NULL;

static TvFrame *
make_frame(MemoryContext cxt)
{
	TvFrame    *frame = MemoryContextAllocZero(TopTransactionContext, sizeof(TvFrame));

	frame->cxt = cxt;
	frame->subid = GetCurrentSubTransactionId();
	return frame;
}

static void
pop_until(const TvFrame *last)
{
	while (top_frame != last)
	{
		TvFrame    *frame = top_frame;

		top_frame = frame->outer;
		pfree(frame);
	}
}

static FrameTarget *
find_target(TvFrame *frame, Oid relid, CmdType op)
{
	FrameTarget *target;
	ListCell   *lc;

	foreach(lc, frame->targets)
	{
		target = lfirst(lc);
		if (target->relid == relid && target->op == op)
			return target;
	}
	target = palloc0(sizeof(FrameTarget));
	target->relid = relid;
	target->op = op;
	frame->targets = lappend(frame->targets, target);
	return target;
}

/* node: what changes the rows; NULL if they may have been changed already. */
static void
add_target(TvFrame *frame, Oid relid, CmdType op, ModifyTableState *node)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(frame->cxt);
	FrameTarget *target = find_target(frame, relid, op);

	if (target->delivered)
		target->nstatements = 0;
	if (node == NULL || !list_member_ptr(target->nodes, node))
		target->nstatements++;
	target->delivered = false;
	if (node)
		target->nodes = lappend(target->nodes, node);
	else
		target->begun = true;
	MemoryContextSwitchTo(oldcxt);
}

/* May rows have been changed that are not delivered? */
static bool
is_undelivered(const FrameTarget *target)
{
	ListCell   *lc;

	if (target->delivered)
		return false;
	foreach(lc, target->nodes)
		if (!((ModifyTableState *) lfirst(lc))->fireBSTriggers)
		return true;
	return target->begun;
}

/* Note what a ModifyTable node may do. */
static void
add_modify_table(TvFrame *frame, PlannedStmt *stmt, PlanState *planstate)
{
	ModifyTableState *node = (ModifyTableState *) planstate;
	ModifyTable *mt;
	ListCell   *lc;

	if (planstate == NULL || !IsA(planstate, ModifyTableState))
		return;
	mt = castNode(ModifyTable, planstate->plan);
	foreach(lc, mt->resultRelations)
	{
		/* of a tree, the statement's trigger fires on the table named */
		Index		rti = mt->rootRelation > 0 ? mt->rootRelation : lfirst_int(lc);
		Oid			relid = rt_fetch(rti, stmt->rtable)->relid;
		ListCell   *la;

		if (mt->operation == CMD_MERGE)
		{
			foreach(la, mt->mergeActionLists)
			{
				ListCell   *lm;

				foreach(lm, lfirst(la))
				{
					CmdType		op = lfirst_node(MergeAction, lm)->commandType;

					if (op != CMD_NOTHING)
						add_target(frame, relid, op, node);
				}
			}
			continue;
		}
		add_target(frame, relid, mt->operation, node);
		if (mt->onConflictAction == ONCONFLICT_UPDATE)
			add_target(frame, relid, CMD_UPDATE, node);
	}
}

static void
push(TvFrame *frame)
{
	ListCell   *lc;

	foreach(lc, tv_frame_check ? frame->targets : NIL)
		tv_frame_check(((FrameTarget *) lfirst(lc))->relid);
	if (top_frame == NULL)
		tv_changes_mark_lagging();
	frame->outer = top_frame;
	top_frame = frame;
}

TvFrame *
tv_frame_push(QueryDesc *desc)
{
	PlannedStmt *stmt = desc->plannedstmt;
	TvFrame    *frame = make_frame(desc->estate->es_query_cxt);
	ListCell   *lc;

	frame->desc = desc;
	frame->skip_triggers = (desc->estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0;
	add_modify_table(frame, stmt, desc->planstate);
	foreach(lc, desc->estate->es_subplanstates)
		add_modify_table(frame, stmt, lfirst(lc));
	push(frame);
	return frame;
}

TvFrame *
tv_frame_push_utility(List *relids, CmdType op)
{
	TvFrame    *frame = make_frame(CurrentMemoryContext);
	ListCell   *lc;

	foreach(lc, relids)
		add_target(frame, lfirst_oid(lc), op, NULL);
	push(frame);
	return frame;
}

TvFrame *
tv_frame_of(QueryDesc *desc)
{
	for (TvFrame *frame = top_frame; frame; frame = frame->outer)
		if (frame->desc == desc)
			return frame;
	return NULL;
}

/* Pops the frames above it too: an error may have left some. */
void
tv_frame_pop(TvFrame *frame)
{
	for (TvFrame *f = top_frame; f; f = f->outer)
	{
		if (f == frame)
		{
			pop_until(frame->outer);
			return;
		}
	}
}

void
tv_frame_end(TvFrame *frame)
{
	List	   *targets = frame->skip_triggers ? frame->targets : NIL;
	ListCell   *lc;

	tv_frame_pop(frame);
	foreach(lc, top_frame ? targets : NIL)
	{
		FrameTarget *target = lfirst(lc);

		if (!target->delivered)
			add_target(top_frame, target->relid, target->op, NULL);
	}
}

void
tv_frame_delivered(Oid relid, CmdType op)
{
	ListCell   *lc;

	if (top_frame == NULL)
		return;
	foreach(lc, top_frame->targets)
	{
		FrameTarget *target = lfirst(lc);

		if (target->relid == relid && target->op == op)
			target->delivered = true;
	}
}

bool
tv_frame_is_single(Oid relid, CmdType op)
{
	ListCell   *lc;

	foreach(lc, top_frame ? top_frame->targets : NIL)
	{
		FrameTarget *target = lfirst(lc);

		if (target->relid == relid && target->op == op)
			return target->nstatements == 1;
	}
	return false;
}

bool
tv_frames_empty(void)
{
	return top_frame == NULL;
}

bool
tv_frame_modifies(Oid relid)
{
	for (TvFrame *frame = top_frame; frame; frame = frame->outer)
	{
		ListCell   *lc;

		foreach(lc, frame->targets)
		{
			Oid			target = ((FrameTarget *) lfirst(lc))->relid;

			if (target == relid || list_member_oid(tv_tree_related(target), relid))
				return true;
		}
	}
	return false;
}

bool
tv_frame_undelivered(Oid relid)
{
	for (TvFrame *frame = top_frame; frame; frame = frame->outer)
	{
		ListCell   *lc;

		foreach(lc, frame->targets)
		{
			FrameTarget *target = lfirst(lc);

			if (is_undelivered(target) && tv_member_reaches(target->relid, relid))
				return true;
		}
	}
	return false;
}

/* An error between the run of a statement and its end leaves its frame. */
void
tv_frames_abort_subtransaction(SubTransactionId subid)
{
	TvFrame    *frame = top_frame;

	while (frame && frame->subid >= subid)
		frame = frame->outer;
	pop_until(frame);
}

void
tv_frames_reset(void)
{
	top_frame = NULL;
}
