/*-------------------------------------------------------------------------
 *
 * executor/trans.h
 *	  Move the stored transition state of an aggregate forward and backward.
 *
 * The aggregate's own moving-aggregate functions are called as the server's
 * window executor calls them (src/backend/executor/nodeWindowAgg.c): strict
 * functions pass over rows with null arguments, a strict forward function
 * without initial value takes the first value as its state, an inverse that
 * returns null says "cannot".
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_TRANS_H
#define TV_TRANS_H

#include "delta/graph.h"

typedef struct TvTrans TvTrans;

/* A state in memory, on its way from old to new. */
typedef struct TvTransState
{
	Datum		value;
	bool		isnull;
	bool		fresh;			/* nothing has gone in yet */
	MemoryContext scratch;		/* of a call, if that keeps its state
								 * elsewhere; NULL: what it leaves does not
								 * matter */
} TvTransState;

/* Look up the functions of an aggregate; lives in the current context. */
extern TvTrans *tv_trans_make(const TvAcc *acc);

/* The initial state, as stored. */
extern Datum tv_trans_initial(TvTrans *trans, bool *isnull);

/* Load a stored state; count: rows that went into it (to tell a fresh one). */
extern void tv_trans_load(TvTrans *trans, TvTransState *state, Datum stored, bool isnull,
						  bool fresh, MemoryContext cxt);

/* Forward, or inverse; false if the inverse cannot. */
extern bool tv_trans_forward(TvTrans *trans, TvTransState *state, const Datum *args,
							 const bool *nulls, MemoryContext cxt);
extern bool tv_trans_inverse(TvTrans *trans, TvTransState *state, const Datum *args,
							 const bool *nulls, MemoryContext cxt);

/* The state as stored, in cxt. */
extern Datum tv_trans_store(TvTrans *trans, TvTransState *state, bool *isnull, MemoryContext cxt);

/* The aggregate's result. */
extern Datum tv_trans_final(TvTrans *trans, TvTransState *state, bool *isnull, MemoryContext cxt);

extern int	tv_trans_nargs(const TvTrans *trans);

#endif							/* TV_TRANS_H */
