/*-------------------------------------------------------------------------
 *
 * delta/fold.h
 *	  Compute the constant parts of an expression.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FOLD_H
#define TV_FOLD_H

#include "nodes/nodes.h"

/*
 * As eval_const_expressions(), for expressions of a definition: calls immutable
 * functions, with the search_path that they have in maintenance.  To be called by
 * a compiler, which has become the view's owner.
 */
extern Node *tv_fold(Node *expr);

#endif							/* TV_FOLD_H */
