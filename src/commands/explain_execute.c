/*-------------------------------------------------------------------------
 *
 * commands/explain_execute.c
 *	  EXPLAIN EXECUTE shows the maintenance of views, too.
 *
 * The server calls no hook there that has its ExplainState.  So its output goes
 * through a receiver of ours, and the report of an ExplainState of our own is
 * sent after it: as text, more lines; in the other formats, more members of the
 * one document, which is held back until then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "commands/explain.h"
#include "commands/prepare.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/plancache.h"

#include "commands/explain_dml.h"
#include "commands/explain_execute.h"
#include "tv_compat.h"

/* Hands lines on, but neither their end nor a document. */
typedef struct OpenReceiver
{
	DestReceiver pub;
	DestReceiver *target;
	ExplainFormat format;
	TupleDesc	desc;			/* NULL: not started */
	char	   *document;
	int			opening;		/* what a report of ours begins with: its
								 * length */
} OpenReceiver;

static ExplainState *read_options(ExplainStmt *stmt);
static void begin_report(ExplainState *es, OpenReceiver *open);
static void open_startup(DestReceiver *self, int operation, TupleDesc desc);
static bool open_receive(TupleTableSlot *slot, DestReceiver *self);
static void open_shutdown(DestReceiver *self);
static void run(void *arg);
static void send(OpenReceiver *open, ExplainState *es);

bool
tv_explain_is_execute(ExplainStmt *stmt)
{
	Query	   *query = (Query *) stmt->query;

	return IsA(query, Query) && query->commandType == CMD_UTILITY &&
		IsA(query->utilityStmt, ExecuteStmt);
}

void
tv_explain_execute(TvUtility *utility, ExplainStmt *stmt)
{
	ExplainState *es = read_options(stmt);
	OpenReceiver open = {{open_receive, open_startup, open_shutdown}};

	open.pub.mydest = utility->dest->mydest;
	open.format = es->format;
	open.target = utility->dest;
	utility->dest = &open.pub;
	begin_report(es, &open);
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

/* Of a name that the server does not know, it says so itself. */
static ExplainFormat
format_of(const char *name)
{
	return strcmp(name, "json") == 0 ? EXPLAIN_FORMAT_JSON :
		strcmp(name, "xml") == 0 ? EXPLAIN_FORMAT_XML :
		strcmp(name, "yaml") == 0 ? EXPLAIN_FORMAT_YAML : EXPLAIN_FORMAT_TEXT;
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
		else if (strcmp(option->defname, "format") == 0)
			es->format = format_of(defGetString(option));
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

/* A document has members already: the server's. */
static void
begin_report(ExplainState *es, OpenReceiver *open)
{
	ExplainBeginOutput(es);
	open->opening = es->str->len;
	if (es->grouping_stack != NIL)
		linitial_int(es->grouping_stack) = 1;
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

	if (open->format == EXPLAIN_FORMAT_TEXT)
		return open->target->receiveSlot(slot, open->target);
	slot_getallattrs(slot);
	open->document = TextDatumGetCString(slot->tts_values[0]);
	return true;
}

static void
open_shutdown(DestReceiver *self)
{
}

/* Ours without its opening goes where the server's is closed. */
static char *
join_documents(ExplainState *es, OpenReceiver *open)
{
	int			before = es->str->len;
	int			closing;

	ExplainEndOutput(es);
	closing = es->str->len - before;
	return psprintf("%.*s%s", (int) strlen(open->document) - closing, open->document,
					es->str->data + open->opening);
}

/* The report, and the end. */
static void
send(OpenReceiver *open, ExplainState *es)
{
	TupOutputState output = {MakeSingleTupleTableSlot(open->desc, &TTSOpsVirtual), open->target};

	if (open->document)
		do_text_output_oneline(&output, join_documents(es, open));
	else
	{
		if (es->str->len > 0 && es->str->data[es->str->len - 1] == '\n')
			es->str->data[--es->str->len] = '\0';
		if (es->str->len > 0)
			do_text_output_multiline(&output, es->str->data);
	}
	ExecDropSingleTupleTableSlot(output.slot);
	open->target->rShutdown(open->target);
}
