/*-------------------------------------------------------------------------
 *
 * stress.c
 *	  Rounds, phases, and the comparison of all views while nobody writes.
 *
 *-------------------------------------------------------------------------
 */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define MAX_SESSIONS 64
#define DATABASE "tview_stress"
#define MAX_FAILURES 3
#define MAX_ROWS 70				/* of a table; many more are thinned out */
#define MAX_VIEW_ROWS 200		/* of a view with few rows in its tables */

static int	nsessions = 8;
static double seconds = 50;
static uint64_t seed;
static int	only_round = -1;
static bool show_refused = false;
static const char *without = "";	/* of: cancel, ddl, truncate */

static long passed = 0;
static long failed = 0;
static long accepted = 0;
static long refused = 0;
static Counters total;

static PGconn *control;

/* ---- the controlling connection ---- */

static PGresult *
query(const char *sql)
{
	PGresult   *result = PQexec(control, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
	{
		printf("%s\n%s", sql, PQerrorMessage(control));
		exit(2);
	}
	return result;
}

static void
command(const char *sql)
{
	PQclear(query(sql));
}

/* The first column of the first row, as a number; -1 and a message on error. */
static long
number(const char *sql)
{
	PGresult   *result = PQexec(control, sql);
	long		n = -1;

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		n = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0) ? atol(PQgetvalue(result, 0, 0)) : 0;
	else
		printf("%s\n%s", sql, PQerrorMessage(control));
	PQclear(result);
	return n;
}

static void
connect_control(const char *database)
{
	const char *const keywords[] = {"dbname", NULL};
	const char *const values[] = {database, NULL};

	if (control)
		PQfinish(control);
	control = PQconnectdbParams(keywords, values, 0);
	if (PQstatus(control) != CONNECTION_OK)
	{
		fprintf(stderr, "stress: %s", PQerrorMessage(control));
		exit(2);
	}
	command("SET client_min_messages = error");
}

static void
make_database(void)
{
	connect_control("postgres");
	command("DROP DATABASE IF EXISTS " DATABASE " WITH (FORCE)");
	command("CREATE DATABASE " DATABASE " TEMPLATE template0");
	connect_control(DATABASE);
	command("CREATE EXTENSION pg_tviews");
}

static void
drop_database(void)
{
	connect_control("postgres");
	command("DROP DATABASE IF EXISTS " DATABASE " WITH (FORCE)");
}

/* ---- views ---- */

/* Make one more view; false if the extension or the server refuses it. */
static bool
add_view(Schema * schema, Rng * rng)
{
	View	   *view = view_make(schema, rng);
	Text		sql = {0};
	PGresult   *result;
	bool		done;
	const char *state;

	text_add(&sql, "SELECT count(*) FROM (%s) q", view->query);
	if (number(sql.data) > MAX_VIEW_ROWS)
	{
		text_free(&sql);
		free(view->query);
		schema->nviews--;
		return false;
	}
	sql.len = 0;
	text_add(&sql, "CREATE MATERIALIZED VIEW %s USING tview AS %s", view->name, view->query);
	result = PQexec(control, sql.data);
	done = PQresultStatus(result) == PGRES_COMMAND_OK;
	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (!done && strcmp(state, "0A000") != 0)
	{
		printf("%s\n%s", sql.data, PQresultErrorMessage(result));
		failed++;
	}
	if (!done && show_refused)
		printf("refused: %s    %s\n", PQresultErrorMessage(result), view->query);
	PQclear(result);
	text_free(&sql);
	view->exists = done;
	if (done)
		accepted++;
	else
	{
		refused++;
		free(view->query);
		schema->nviews--;
	}
	return done;
}

static void
make_views(Schema * schema, Rng * rng)
{
	int			wanted = 2 + rnd(rng, 5);

	for (int i = 0; i < 8 * wanted && schema->nviews < wanted; i++)
		(void) add_view(schema, rng);

	/* the last one comes and goes, if nothing reads it */
	if (schema->nviews > 1 && chance(rng, 40))
		schema->views[schema->nviews - 1].extra = true;
}

static void
show_check(const View * view)
{
	Text		sql = {0};
	PGresult   *result;

	text_add(&sql, "SELECT relation, difference, copies, content FROM tview.check('%s') LIMIT 20", view->name);
	result = PQexec(control, sql.data);
	for (int i = 0; i < PQntuples(result); i++)
		printf("    %s %s %s %s\n", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
			   PQgetvalue(result, i, 2), PQgetvalue(result, i, 3));
	PQclear(result);
	text_free(&sql);
}

/* Compare all views with their queries; the number of those that differ. */
static int
compare_views(Schema * schema)
{
	int			different = 0;

	for (int i = 0; i < schema->nviews; i++)
	{
		View	   *view = &schema->views[i];
		Text		sql = {0};

		text_add(&sql, "SELECT (to_regclass('%s') IS NOT NULL)::int", view->name);
		view->exists = number(sql.data) == 1;
		sql.len = 0;
		if (view->exists)
		{
			long		a,
						b;

			view_difference(view, &sql);
			a = number(sql.data);
			sql.len = 0;
			text_add(&sql, "SELECT count(*) FROM tview.check('%s')", view->name);
			b = number(sql.data);
			if (a != 0 || b != 0)
			{
				printf("%s: %ld rows differ from the query, tview.check() finds %ld\n    %s\n",
					   view->name, a, b, view->query);
				different++;
				show_check(view);
			}
		}
		text_free(&sql);
	}
	return different;
}

/* Delete rows from tables that have grown. */
static void
thin_out(Schema * schema)
{
	for (int i = schema->ntables - 1; i >= 0; i--)
	{
		Text		sql = {0};
		long		n;

		text_add(&sql, "SELECT count(*) FROM %s", schema->tables[i].name);
		n = number(sql.data);
		sql.len = 0;
		text_add(&sql, "DELETE FROM %s WHERE random() < 0.7", schema->tables[i].name);
		if (n > MAX_ROWS)
			PQclear(PQexec(control, sql.data));
		text_free(&sql);
	}
}

/* ---- rounds ---- */

static void
add_counters(Counters *to, const Counters *c)
{
	to->transactions += c->transactions;
	to->statements += c->statements;
	to->comparisons += c->comparisons;
	to->deadlocks += c->deadlocks;
	to->serialization += c->serialization;
	to->constraint += c->constraint;
	to->cancelled += c->cancelled;
	to->given_up += c->given_up;
}

/* What a thread needs that cancels statements at random. */
typedef struct Canceller
{
	Session    *sessions;
	Rng			rng;
	volatile bool stop;
}			Canceller;

static void *
cancel_run(void *arg)
{
	Canceller  *c = arg;
	char		error[256];

	while (!c->stop)
	{
		nap((1 + rnd(&c->rng, 8)) / 1e3);
		(void) PQcancel(c->sessions[rnd(&c->rng, nsessions)].cancel, error, sizeof(error));
	}
	return NULL;
}

/* All sessions write for a while. */
static void
meet(Session *sessions, Rng * rng)
{
	pthread_t	threads[MAX_SESSIONS];
	pthread_t	cancel_thread;
	Canceller	canceller = {sessions};
	bool		cancels = chance(rng, 12) && !strstr(without, "cancel");

	rng_seed(&canceller.rng, rnd(rng, 1 << 30), 0, 0);
	for (int i = 0; i < nsessions; i++)
	{
		/* a signal of the phase before may come late */
		sessions[i].cancels |= cancels;
		sessions[i].ntransactions = 3 + rnd(rng, 6);
		sessions[i].until = now() + 3;
		pthread_create(&threads[i], NULL, session_run, &sessions[i]);
	}
	if (cancels)
		pthread_create(&cancel_thread, NULL, cancel_run, &canceller);
	for (int i = 0; i < nsessions; i++)
		pthread_join(threads[i], NULL);
	if (cancels)
	{
		canceller.stop = true;
		pthread_join(cancel_thread, NULL);
	}
	for (int i = 0; i < nsessions; i++)
		sessions[i].cancels = cancels;
}

static void
report(int round, const Text * ddl, const Schema * schema)
{
	failed++;
	printf("FAILED in round %llu/%d with %d sessions\n%s", (unsigned long long) seed, round, nsessions, ddl->data);
	for (int i = 0; i < schema->nviews; i++)
		printf("CREATE MATERIALIZED VIEW %s USING tview AS %s;\n", schema->views[i].name, schema->views[i].query);
	log_print();
	fflush(stdout);
}

/* The settings of all sessions of a round. */
static void
make_settings(Text * settings, Rng * rng)
{
	static const char *const bulk[] = {"1", "3", "200"};
	static const char *const keys[] = {"0", "2", "10", "256", "256"};

	static const char *const rows[] = {"0", "2", "64"};

	text_add(settings, "SET search_path = r; SET deadlock_timeout = '%dms'; SET tview.bulk_rows = %s;"
			 " SET tview.lock_escalation = %s; SET tview.small_partition = %s",
			 10 + rnd(rng, 40), bulk[rnd(rng, 3)], keys[rnd(rng, 5)], rows[rnd(rng, 3)]);
	if (chance(rng, 20))
		text_add(settings, "; SET work_mem = '64kB'");
}

static void
play_round(int round, double until)
{
	Rng			rng;
	Schema		schema;
	Session		sessions[MAX_SESSIONS];
	Text		ddl = {0};
	Text		settings = {0};
	bool		wrong = false;
	bool		with_ddl;

	rng_seed(&rng, seed, round, 0);
	command("DROP SCHEMA IF EXISTS r CASCADE");
	command("CREATE SCHEMA r");
	command("SET search_path = r");
	schema_make(&schema, &rng, &ddl);
	command(ddl.data);
	make_views(&schema, &rng);
	make_settings(&settings, &rng);
	with_ddl = chance(&rng, 30) && !strstr(without, "ddl");
	if (strstr(without, "truncate"))
		schema.truncates = false;
	memset(sessions, 0, sizeof(sessions));
	for (int i = 0; i < nsessions; i++)
	{
		sessions[i].number = i + 1;
		sessions[i].schema = &schema;
		sessions[i].ddl = with_ddl;
		rng_seed(&sessions[i].rng, seed, round, i + 1);
		session_open(&sessions[i], DATABASE, settings.data);
	}
	for (int phase = 0; phase < 8 && !wrong && now() < until && schema.nviews > 0; phase++)
	{
		log_reset();
		meet(sessions, &rng);
		for (int i = 0; i < nsessions; i++)
			if (sessions[i].failure.len > 0)
			{
				fputs(sessions[i].failure.data, stdout);
				wrong = true;
			}
		if (compare_views(&schema) > 0)
			wrong = true;
		if (wrong)
			report(round, &ddl, &schema);
		else
			passed++;
		thin_out(&schema);
	}
	for (int i = 0; i < nsessions; i++)
	{
		add_counters(&total, &sessions[i].counters);
		session_close(&sessions[i]);
	}
	command("DROP SCHEMA r CASCADE");
	schema_free(&schema);
	text_free(&ddl);
	text_free(&settings);
}

static void
usage(void)
{
	fprintf(stderr, "usage: stress [--seconds N] [--sessions N] [--seed N] [--round N] [--show-refused]"
			" [--without cancel,ddl,truncate]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'},
		{"sessions", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 'S'},
		{"round", required_argument, NULL, 'r'},
		{"show-refused", no_argument, NULL, 'R'},
		{"without", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0}
	};
	int			c;
	double		until;

	seed = (uint64_t) time(NULL) * 1000 + getpid() % 1000;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
	{
		switch (c)
		{
			case 's':
				seconds = atof(optarg);
				break;
			case 'n':
				nsessions = atoi(optarg);
				break;
			case 'S':
				seed = strtoull(optarg, NULL, 10);
				break;
			case 'r':
				only_round = atoi(optarg);
				break;
			case 'R':
				show_refused = true;
				break;
			case 'w':
				without = optarg;
				break;
			default:
				usage();
		}
	}
	if (nsessions < 1 || nsessions > MAX_SESSIONS || optind < argc)
		usage();

	printf("seed %llu, %d sessions, %g seconds\n", (unsigned long long) seed, nsessions, seconds);
	fflush(stdout);
	make_database();
	until = now() + seconds;
	for (int round = only_round < 0 ? 0 : only_round; now() < until && failed < MAX_FAILURES; round++)
	{
		play_round(round, until);
		if (only_round >= 0)
			round--;
	}
	drop_database();
	PQfinish(control);
	printf("%ld transactions, %ld statements, %ld comparisons among them; %ld deadlocks, %ld serialization failures,"
		   " %ld constraints, %ld cancelled, %ld given up; %ld views, %ld refused\n",
		   total.transactions, total.statements, total.comparisons, total.deadlocks, total.serialization,
		   total.constraint, total.cancelled, total.given_up, accepted, refused);
	printf("%ld passed, %ld failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
