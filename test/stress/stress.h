/*-------------------------------------------------------------------------
 *
 * stress.h
 *	  Concurrency test: random transactions of many sessions over random views.
 *
 * A round is a random schema with random views.  It consists of phases: all
 * sessions write and read at the same time, then all are idle and every view is
 * compared with its query, hidden state included.  Sessions also compare views
 * with their queries while the others write, in one statement under one
 * snapshot, for the two are equal in every snapshot.
 *
 * What the sessions send is decided by the seed alone, how they meet is not.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

/* ---- random numbers and text: util.c ---- */

typedef struct Rng
{
	uint64_t	state;
}			Rng;

typedef struct Text
{
	char	   *data;			/* ends with a zero byte; NULL if empty */
	int			len;
	int			size;
}			Text;

extern void rng_seed(Rng * rng, uint64_t a, uint64_t b, uint64_t c);
extern int	rnd(Rng * rng, int n);	/* 0 .. n - 1 */
extern bool chance(Rng * rng, int percent);
extern void text_add(Text * text, const char *format,...) __attribute__((format(printf, 2, 3)));
extern void text_free(Text * text);
extern double now(void);
extern void nap(double seconds);

/* ---- tables and views: schema.c, views.c ---- */

#define MAX_TABLES 4
#define MAX_VIEWS 12
#define MAX_COLUMNS 8
#define MAX_LEAVES 3

/* The columns of every table, in an order that a leaf need not have. */
#define COLUMNS "(id, a, b, g, x, y, t)"

/* What can be done with a column. */
typedef enum Kind
{
	KIND_KEY,					/* an integer of few values: joins, groups */
	KIND_IMAGE,					/* the same as numeric of changing scale:
								 * joins only */
	KIND_VALUE,					/* an integer */
	KIND_MONEY,					/* numeric(8,2) */
	KIND_TEXT,
	KIND_OTHER					/* only to be shown */
}			Kind;

typedef struct Column
{
	char		name[24];
	Kind		kind;
}			Column;

typedef struct Table
{
	char		name[24];
	bool		has_key;		/* id is the primary key */
	int			parent;			/* column a references that table's id; -1 */
	int			domain;			/* number of different values of a and b */
	bool		moves_by_id;	/* the partition of a row depends on its id */
	int			nleaves;		/* its partitions, or those that inherit */
	char		leaves[MAX_LEAVES][24];
}			Table;

typedef struct View
{
	char		name[24];
	char	   *query;
	int			ncolumns;
	Column		columns[MAX_COLUMNS];
	int			leaves;			/* tables in it */
	int			level;			/* reads a view of level - 1 */
	bool		extra;			/* may be dropped while sessions write */
	bool		exists;
}			View;

typedef struct Schema
{
	int			ntables;
	Table		tables[MAX_TABLES];
	int			nviews;
	View		views[MAX_VIEWS];
	bool		truncates;		/* TRUNCATE is among the statements */
}			Schema;

extern const Column table_columns[];
extern const int ntable_columns;

extern void schema_make(Schema * schema, Rng * rng, Text * ddl);
extern void schema_free(Schema * schema);

/* The table, or now and then (percent) one of its leaves. */
extern const char *table_or_leaf(const Table * table, Rng * rng, int percent);

/* A random query over the tables and the views present; appends an entry. */
extern View * view_make(Schema * schema, Rng * rng);

/* The number of rows in which a view and its query differ, as a query. */
extern void view_difference(const View * view, Text * sql);

/* ---- statements: statements.c ---- */

typedef enum StmtKind
{
	STMT_WRITE,
	STMT_COPY,
	STMT_COMPARE,				/* gives the number of differences */
	STMT_DDL,					/* on views */
	STMT_SAVEPOINT,
	STMT_ROLLBACK_TO,
	STMT_RELEASE
}			StmtKind;

typedef struct Stmt
{
	StmtKind	kind;
	Text		sql;
	Text		copy;			/* rows of COPY */
	double		pause;			/* seconds to wait after it */
}			Stmt;

/* n: session number, so that fresh keys do not collide. */
extern void stmt_write(Stmt * stmt, const Schema * schema, Rng * rng, int n);
extern void stmt_compare(Stmt * stmt, const Schema * schema, Rng * rng);
extern void stmt_ddl(Stmt * stmt, const Schema * schema, Rng * rng);

/* ---- sessions: session.c ---- */

typedef struct Counters
{
	long		transactions;	/* committed */
	long		statements;
	long		comparisons;
	long		deadlocks;		/* 40P01 */
	long		serialization;	/* 40001 */
	long		constraint;		/* 23xxx */
	long		cancelled;
	long		given_up;		/* transactions not done after all retries */
} Counters;

typedef struct Session
{
	int			number;
	PGconn	   *conn;
	PGcancel   *cancel;
	const char *database;		/* what it is connected to, and how */
	const char *settings;
	Rng			rng;
	const		Schema *schema;
	bool		ddl;			/* this one may refresh, create and drop views */
	int			ntransactions;	/* in this phase */
	double		until;			/* when the phase should end */
	bool		cancels;		/* in this phase statements may be cancelled */
	Counters	counters;
	Text		failure;		/* what must not happen */
} Session;

extern void session_open(Session *session, const char *database, const char *settings);
extern void session_close(Session *session);

/* The body of a thread: the transactions of a phase. */
extern void *session_run(void *session);

/* What was sent in this phase, in the order of completion. */
extern void log_print(void);
extern void log_reset(void);

#endif							/* STRESS_H */
