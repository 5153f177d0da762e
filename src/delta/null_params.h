/*-------------------------------------------------------------------------
 *
 * delta/null_params.h
 *	  Nulls whose value the planner does not know.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_NULL_PARAMS_H
#define TV_NULL_PARAMS_H

#include "nodes/params.h"
#include "nodes/primnodes.h"

/* An external parameter in the place of a null constant: the one of its type. */
extern Param *tv_null_param(const Const *null);

/* What the parameters are; lives as long as the backend. */
extern ParamListInfo tv_null_params(void);

#endif							/* TV_NULL_PARAMS_H */
