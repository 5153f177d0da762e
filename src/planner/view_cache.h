/*-------------------------------------------------------------------------
 *
 * planner/view_cache.h
 *	  Compiled views of this backend, and who reads what.
 *
 * An entry holds a view's graph, bound to its state tables, and its
 * maintenance plans.  Entries are dropped lazily: an invalidation marks
 * them, the next look-up outside of a flush rebuilds them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_VIEW_CACHE_H
#define TV_VIEW_CACHE_H

#include "delta/derive.h"
#include "delta/graph.h"

typedef struct TvView
{
	Oid			relid;			/* hash key */
	bool		valid;
	MemoryContext cxt;			/* everything below */
	Oid			owner;
	char	   *name;			/* for messages */
	int			level;			/* 0: reads no maintained view */
	TvGraph    *graph;			/* state_relid and sources bound */
	TvLayout  **layouts;		/* by source index */
	char	  **delta_names;	/* tv_derive_delta_name(), by source index */
	List	   *settings;		/* of char *: name=value, fixed at creation */
	bool		row_security;	/* a table that it reads has some */
	bool		deferred;		/* maintained at commit, or when it is read */
	struct TvPlanTable *plans;	/* owned by plan_cache.c */
	List	   *plan_relids;	/* of Oid: partitions and children in plans */
	void	  **runtimes;		/* by node; owned by executor/runtime.c */
} TvView;

/* A reader of a source: one (view, source) pair. */
typedef struct TvReader
{
	TvView	   *view;
	int			source;			/* index in view->graph->sources */
} TvReader;

/* Who reads a relation, among populated views; NULL if nobody. */
typedef struct TvReaders
{
	Oid			relid;			/* hash key */
	bool		valid;
	bool		changed;		/* invalidated since it was last looked up */
	TvLayout   *layout;			/* union of what the readers need */
	bool		layout_valid;
	MemoryContext layout_cxt;
	bool		alike;			/* all readers need all columns of the layout */
	int			nreaders;
	TvReader   *readers;		/* by level, then view OID */
} TvReaders;

/*
 * The compiled view.  Raises XX001 when a state table is missing or of
 * another layout than the definition asks for (hint: REFRESH).
 */
extern TvView *tv_view_lookup(Oid relid);

/* The readers of a base table or view, or NULL. Cheap when nothing changed. */
extern TvReaders *tv_view_readers(Oid source);

/* The layout of a source's delta: the columns that any populated reader needs. */
extern TvLayout *tv_view_layout(Oid source);

/*
 * Layouts by source for a graph of which no view exists: each source has the
 * columns that the graph reads.
 */
extern TvLayout **tv_view_layouts_unbound(const TvGraph *graph);

/* Do two layouts have the same columns? */
extern bool tv_view_layout_equal(const TvLayout *a, const TvLayout *b);

/* Is relid (any relation) read by a populated view, or a view itself? */
extern bool tv_view_concerns(Oid relid);

/* Forget everything about a view, now and in other backends at commit. */
extern void tv_view_invalidate(Oid relid);

/* Roles may do more or less now: look again at views of row security. */
extern void tv_view_cache_roles_changed(void);

/* Free replaced entries; called when a transaction has ended. */
extern void tv_view_cache_end_transaction(void);

extern void tv_view_cache_init(void);

/* While this stays the same, so does what the functions above return. */
extern uint64 tv_view_cache_generation(void);

/* Free a context that may still be in use, at the end of the transaction. */
extern void tv_view_cache_discard(MemoryContext cxt);

#endif							/* TV_VIEW_CACHE_H */
