/*-------------------------------------------------------------------------
 *
 * delta/null_params.c
 *	  Nulls whose value the planner does not know.
 *
 * They are external parameters, one for each type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "delta/null_params.h"

/* The types of the parameters; grows only. */
static Oid *null_types = NULL;
static int	allocated_null_types = 0;
static ParamListInfo null_params = NULL;

static ParamExternData *
fetch_null(ParamListInfo params, int paramid, bool speculative, ParamExternData *workspace)
{
	workspace->value = (Datum) 0;
	workspace->isnull = true;
	workspace->pflags = PARAM_FLAG_CONST;
	workspace->ptype = null_types[paramid - 1];
	return workspace;
}

ParamListInfo
tv_null_params(void)
{
	MemoryContext oldcxt;

	if (null_params == NULL)
	{
		oldcxt = MemoryContextSwitchTo(TopMemoryContext);
		null_params = makeParamList(0);
		null_params->paramFetch = fetch_null;
		MemoryContextSwitchTo(oldcxt);
	}
	return null_params;
}

Param *
tv_null_param(const Const *null)
{
	ParamListInfo params = tv_null_params();
	Param	   *param = makeNode(Param);
	int			i = 0;

	while (i < params->numParams && null_types[i] != null->consttype)
		i++;
	if (i == allocated_null_types)
	{
		int			n = Max(16, 2 * allocated_null_types);

		null_types = null_types ? repalloc(null_types, sizeof(Oid) * n) :
			MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * n);
		allocated_null_types = n;
	}
	if (i == params->numParams)
		null_types[params->numParams++] = null->consttype;
	param->paramkind = PARAM_EXTERN;
	param->paramid = i + 1;
	param->paramtype = null->consttype;
	param->paramtypmod = null->consttypmod;
	param->paramcollid = null->constcollid;
	param->location = -1;
	return param;
}
