/*-------------------------------------------------------------------------
 *
 * delta/clock_cast.c
 *	  Casts of text to dates and times.
 *
 * Nearly all texts stand for the same date or time for ever; 'now', 'today',
 * 'tomorrow' and 'yesterday' do not.  In our queries every text is looked at
 * before it is cast, so that one with such a word is an error at the statement
 * that writes it, or at the one that fills the view.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/clock_word.h"
#include "delta/compile_internal.h"

static bool wrap_walker(Node *node, void *context);

bool
tv_clock_type(Oid type)
{
	switch (type)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			return false;
	}
}

/* The type of the values that a text of this type is a list of, or is itself. */
static Oid
value_type(Oid type)
{
	Oid			inner;

	check_stack_depth();
	type = getBaseType(type);
	if (type_is_range(type))
		inner = get_range_subtype(type);
	else if (type_is_multirange(type))
		inner = get_multirange_range(type);
	else
		inner = get_element_type(type);
	return OidIsValid(inner) ? value_type(inner) : type;
}

void
tv_clock_casts_wrap(TvCompiler *c, Node *tree)
{
	(void) wrap_walker(tree, c);
}

static bool
wrap_walker(Node *node, void *context)
{
	TvCompiler *c = context;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, wrap_walker, context, 0);
	if (IsA(node, CoerceViaIO))
	{
		CoerceViaIO *cast = (CoerceViaIO *) node;
		Node	   *text = (Node *) cast->arg;

		/* of a constant it is known already */
		if (tv_clock_type(value_type(cast->resulttype)) && !IsA(text, Const))
		{
			text = coerce_to_target_type(NULL, text, exprType(text), TEXTOID, -1,
										 COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);

			cast->arg = (Expr *) makeFuncExpr(tv_clock_word_function(), TEXTOID, list_make1(text),
											  DEFAULT_COLLATION_OID, DEFAULT_COLLATION_OID,
											  COERCE_EXPLICIT_CALL);
			c->checks_words = true;
		}
	}
	return expression_tree_walker(node, wrap_walker, context);
}

/*
 * Does a cast read nothing but texts without such words?  *word: the one in its
 * constant.
 */
bool
tv_clock_cast_is_checked(const CoerceViaIO *cast, const char **word)
{
	*word = NULL;
	if (IsA(cast->arg, FuncExpr))
		return ((FuncExpr *) cast->arg)->funcid == tv_clock_word_function();
	if (IsA(cast->arg, Const))
	{
		const Const *constant = (const Const *) cast->arg;
		Oid			output;
		bool		is_varlena;
		char	   *text;

		if (constant->constisnull)
			return true;
		getTypeOutputInfo(constant->consttype, &output, &is_varlena);
		text = OidOutputFunctionCall(output, constant->constvalue);

		*word = tv_clock_word_find(text, strlen(text));
		return *word == NULL;
	}
	return false;
}
