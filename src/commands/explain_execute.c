/*-------------------------------------------------------------------------
 *
 * commands/explain_execute.c
 *	  EXPLAIN EXECUTE shows the maintenance of views, too.
 *
 * The server calls no hook there that has its ExplainState.  So its output goes
 * through a receiver of ours that keeps it open, and the report of an
 * ExplainState of our own is sent after it: lines after lines.  The other
 * formats are one document, in which nothing can follow.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "commands/explain.h"
#include "commands/prepare.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "utils/plancache.h"

#include "commands/explain_dml.h"
#include "commands/explain_execute.h"
#include "tv_compat.h"

/* Hands rows on, but not their end. */
typedef struct OpenReceiver
{
	DestReceiver pub;
	DestReceiver *target;
	TupleDesc	desc;			/* NULL: not started */
} OpenReceiver;

static ExplainState *read_options(ExplainStmt *stmt);
static void open_startup(DestReceiver *self, int operation, TupleDesc desc);
static bool open_receive(TupleTableSlot *slot, DestReceiver *self);
static void open_shutdown(DestReceiver *self);
static void run(void *arg);
static void send(OpenReceiver *open, ExplainState *es);

bool
tv_explain_is_execute(ExplainStmt *stmt)
{
	Query	   *query = (Query *) stmt->query;
	ListCell   *lc;

	if (!IsA(query, Query) || query->commandType != CMD_UTILITY ||
		!IsA(query->utilityStmt, ExecuteStmt))
		return false;
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "format") == 0 && strcmp(defGetString(option), "text") != 0)
			return false;
	}
	return true;
}

void
tv_explain_execute(TvUtility *utility, ExplainStmt *stmt)
{
	ExplainState *es = read_options(stmt);
	OpenReceiver open = {{open_receive, open_startup, open_shutdown}};

	open.pub.mydest = utility->dest->mydest;
	open.target = utility->dest;
	utility->dest = &open.pub;
	if (es->analyze)
		tv_explain_observed(es, run, utility);
	else
	{
		ExecuteStmt *execute = castNode(ExecuteStmt, castNode(Query, stmt->query)->utilityStmt);
		PreparedStatement *prepared;

		run(utility);
		prepared = FetchPreparedStatement(execute->name, true);
		tv_explain_foreseen(es, prepared->plansource->query_list);
	}
	utility->dest = open.target;
	if (open.desc)
		send(&open, es);
}

/* Those that concern a report, as the server reads them. */
static ExplainState *
read_options(ExplainStmt *stmt)
{
	ExplainState *es = NewExplainState();
	bool		timing_set = false;
	bool		buffers_set = false;
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "analyze") == 0)
			es->analyze = defGetBoolean(option);
		else if (strcmp(option->defname, "verbose") == 0)
			es->verbose = defGetBoolean(option);
		else if (strcmp(option->defname, "costs") == 0)
			es->costs = defGetBoolean(option);
		else if (strcmp(option->defname, "wal") == 0)
			es->wal = defGetBoolean(option);
		else if (strcmp(option->defname, "buffers") == 0)
		{
			buffers_set = true;
			es->buffers = defGetBoolean(option);
		}
		else if (strcmp(option->defname, "timing") == 0)
		{
			timing_set = true;
			es->timing = defGetBoolean(option);
		}
	}
	if (!timing_set)
		es->timing = es->analyze;
	if (!buffers_set)
		es->buffers = es->analyze && TV_EXPLAIN_SHOWS_BUFFERS;
	return es;
}

static void
run(void *arg)
{
	tv_utility_run(arg);
}

static void
open_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	OpenReceiver *open = (OpenReceiver *) self;

	open->desc = CreateTupleDescCopy(desc);
	open->target->rStartup(open->target, operation, desc);
}

static bool
open_receive(TupleTableSlot *slot, DestReceiver *self)
{
	OpenReceiver *open = (OpenReceiver *) self;

	return open->target->receiveSlot(slot, open->target);
}

static void
open_shutdown(DestReceiver *self)
{
}

/* The report, and the end. */
static void
send(OpenReceiver *open, ExplainState *es)
{
	TupOutputState output = {MakeSingleTupleTableSlot(open->desc, &TTSOpsVirtual), open->target};

	if (es->str->len > 0 && es->str->data[es->str->len - 1] == '\n')
		es->str->data[--es->str->len] = '\0';
	if (es->str->len > 0)
		do_text_output_multiline(&output, es->str->data);
	ExecDropSingleTupleTableSlot(output.slot);
	open->target->rShutdown(open->target);
}
