/*-------------------------------------------------------------------------
 *
 * executor/moment.c
 *	  Which views are to be brought up to date now, and which can wait.
 *
 * Whatever is selected is closed downward: with a view come the views it reads
 * that have pending changes.  That is all a flush needs to be exact (see the
 * invariant in flush.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/moment.h"

static bool reader_pending(TvView *view, int source, TvChanges *changes);
static void add_readers(List **reached, Oid source, TvChanges *changes);
static bool has_reader_among(Oid view, List *views);

int
tv_moment_compare(const ListCell *a, const ListCell *b)
{
	TvView	   *va = tv_view_lookup(lfirst_oid(a));
	TvView	   *vb = tv_view_lookup(lfirst_oid(b));

	if (va->level != vb->level)
		return va->level < vb->level ? -1 : 1;
	return va->relid < vb->relid ? -1 : va->relid > vb->relid;
}

/* Has a node of the view pending changes of one of its sources? */
static bool
reader_pending(TvView *view, int source, TvChanges *changes)
{
	for (int i = 0; i < view->graph->nnodes; i++)
		if (bms_is_member(source, view->graph->nodes[i]->sources) &&
			tv_changes_has_pending(changes, view->relid, i, view->graph->sources[source]->columns))
			return true;
	return false;
}

bool
tv_moment_has_pending(TvView *view)
{
	for (int i = 0; i < view->graph->nsources; i++)
	{
		TvChanges  *changes = tv_changes_find(view->graph->sources[i]->relid);

		if (changes && reader_pending(view, i, changes))
			return true;
	}
	return false;
}

bool
tv_moment_view_pending(Oid view, TvChanges *changes)
{
	TvReaders  *readers = tv_view_readers(changes->source);

	for (int i = 0; readers && i < readers->nreaders; i++)
		if (readers->readers[i].view->relid == view &&
			reader_pending(readers->readers[i].view, readers->readers[i].source, changes))
			return true;
	return false;
}

bool
tv_moment_source_pending(TvChanges *changes)
{
	TvReaders  *readers = tv_view_readers(changes->source);

	for (int i = 0; readers && i < readers->nreaders; i++)
		if (reader_pending(readers->readers[i].view, readers->readers[i].source, changes))
			return true;
	return false;
}

/* Add the readers of a source; if changes is not NULL, those it is pending for. */
static void
add_readers(List **reached, Oid source, TvChanges *changes)
{
	TvReaders  *readers = tv_view_readers(source);

	for (int i = 0; readers && i < readers->nreaders; i++)
	{
		TvReader   *reader = &readers->readers[i];

		if (!list_member_oid(*reached, reader->view->relid) &&
			(changes == NULL || reader_pending(reader->view, reader->source, changes)))
			*reached = lappend_oid(*reached, reader->view->relid);
	}
}

List *
tv_moment_reachable(void)
{
	List	   *reached = NIL;
	ListCell   *lc;

	foreach(lc, tv_changes_all())
	{
		TvChanges  *changes = lfirst(lc);

		add_readers(&reached, changes->source, changes);
	}
	/* the list grows while it is walked */
	foreach(lc, reached)
		add_readers(&reached, lfirst_oid(lc), NULL);
	list_sort(reached, tv_moment_compare);
	return reached;
}

static bool
has_reader_among(Oid view, List *views)
{
	TvReaders  *readers = views == NIL ? NULL : tv_view_readers(view);

	for (int i = 0; readers && i < readers->nreaders; i++)
		if (list_member_oid(views, readers->readers[i].view->relid))
			return true;
	return false;
}

/* From the top down: all readers of a view stand behind it in the list. */
List *
tv_moment_select(TvMoment moment, List *reachable, List *read)
{
	List	   *selected = NIL;

	if (moment == TV_MOMENT_END)
		return list_copy(reachable);
	for (int i = list_length(reachable) - 1; i >= 0; i--)
	{
		Oid			view = list_nth_oid(reachable, i);
		bool		wanted = moment == TV_MOMENT_READ ? list_member_oid(read, view) :
		!tv_view_lookup(view)->deferred;

		if (wanted || has_reader_among(view, selected))
			selected = lcons_oid(view, selected);
	}
	return selected;
}
