/*-------------------------------------------------------------------------
 *
 * catalog/clock_word.h
 *	  Words that stand for another date or time whenever they are read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CLOCK_WORD_H
#define TV_CLOCK_WORD_H

/* The word in a text, NULL if there is none. */
extern const char *tv_clock_word_find(const char *text, int len);

/* tview.no_clock_word(text): the text, or an error if there is one. */
extern Oid	tv_clock_word_function(void);

#endif							/* TV_CLOCK_WORD_H */
