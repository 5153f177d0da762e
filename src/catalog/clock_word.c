/*-------------------------------------------------------------------------
 *
 * catalog/clock_word.c
 *	  Words that stand for another date or time whenever they are read.
 *
 * The server reads 'today' and its like as dates and times, alone or among
 * other parts of one.  What a maintained view shows of such a text would be
 * wrong the next day.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "catalog/clock_word.h"
#include "catalog/tv_catalog.h"
#include "tv_compat.h"

PG_FUNCTION_INFO_V1(tview_no_clock_word);

/* Those that datetime.c computes from the time of the transaction. */
static const char *const clock_words[] = {"now", "today", "tomorrow", "yesterday"};

static bool is_letter(char c);

/*
 * A word counts where no other letter is beside it, whatever the case.  Quotes
 * and backslashes are what arrays and ranges have around and within values.
 */
const char *
tv_clock_word_find(const char *text, int len)
{
	char		run[16];
	int			n = 0;

	for (int i = 0; i <= len; i++)
	{
		if (i < len && (text[i] == '"' || text[i] == '\\'))
			continue;
		if (i < len && is_letter(text[i]))
		{
			/* a longer one is none of them */
			if (n < lengthof(run) - 1)
				run[n++] = pg_tolower((unsigned char) text[i]);
			continue;
		}
		run[n] = '\0';
		n = 0;
		for (int w = 0; w < lengthof(clock_words); w++)
			if (strcmp(run, clock_words[w]) == 0)
				return clock_words[w];
	}
	return NULL;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * tview.no_clock_word(text) returns text
 */
Datum
tview_no_clock_word(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	const char *word = tv_clock_word_find(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));

	if (word)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				 errmsg("\"%s\" cannot be read as a date or time in a maintained view", word),
				 errdetail("It stands for another value whenever it is read, so the view could not equal its query."),
				 errhint("Store the date or time that is meant.")));
	PG_RETURN_TEXT_P(value);
}

Oid
tv_clock_word_function(void)
{
	Oid			argtype = TEXTOID;

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("no_clock_word"),
						   PointerGetDatum(buildoidvector(&argtype, 1)),
						   ObjectIdGetDatum(tv_catalog_schema()));
}
