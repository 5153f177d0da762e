/*-------------------------------------------------------------------------
 *
 * util.c
 *	  Random numbers, growing text, time.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stress.h"

/* splitmix64 */
static uint64_t
next(Rng * rng)
{
	uint64_t	z = (rng->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
rng_seed(Rng * rng, uint64_t a, uint64_t b, uint64_t c)
{
	rng->state = a;
	rng->state = next(rng) ^ b;
	rng->state = next(rng) ^ c;
	(void) next(rng);
}

int
rnd(Rng * rng, int n)
{
	return (int) (next(rng) % (uint64_t) n);
}

bool
chance(Rng * rng, int percent)
{
	return rnd(rng, 100) < percent;
}

void
text_add(Text * text, const char *format,...)
{
	va_list		args;
	int			n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (text->len + n + 1 > text->size)
	{
		text	  ->size = 2 * (text->len + n + 1);
		text	  ->data = realloc(text->data, text->size);

		if (text->data == NULL)
			abort();
	}
	va_start(args, format);
	vsnprintf(text->data + text->len, n + 1, format, args);
	va_end(args);
	text	  ->len += n;
}

void
text_free(Text * text)
{
	free(text->data);
	text	  ->data = NULL;
	text	  ->len = text->size = 0;
}

double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void
nap(double seconds)
{
	struct timespec t = {(time_t) seconds, (long) ((seconds - (time_t) seconds) * 1e9)};

	nanosleep(&t, NULL);
}
