/*-------------------------------------------------------------------------
 *
 * session.c
 *	  One of the sessions that write at the same time.
 *
 *-------------------------------------------------------------------------
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define MAX_STMTS 12
#define MAX_TRIES 12

/* ---- the log of a phase ---- */

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static Text log_text;

static void
log_add(int session, const char *sql, const char *state)
{
	pthread_mutex_lock(&log_mutex);
	text_add(&log_text, "/* session %d%s%s */ %s;\n", session, state[0] ? ": " : "", state, sql);
	pthread_mutex_unlock(&log_mutex);
}

void
log_print(void)
{
	fputs(log_text.data ? log_text.data : "", stdout);
}

void
log_reset(void)
{
	if (log_text.data)
		log_text.data[0] = '\0';
	log_text.len = 0;
}

/* ---- connection ---- */

static void
must(Session *s, const char *sql)
{
	PGresult   *result = PQexec(s->conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
	{
		fprintf(stderr, "stress: %s: %s", sql, PQerrorMessage(s->conn));
		exit(2);
	}
	PQclear(result);
}

void
session_open(Session *s, const char *database, const char *settings)
{
	const char *const keywords[] = {"dbname", "application_name", NULL};
	char		name[32];
	const char *const values[] = {database, name, NULL};

	snprintf(name, sizeof(name), "stress %d", s->number);
	s->conn = PQconnectdbParams(keywords, values, 0);
	if (PQstatus(s->conn) != CONNECTION_OK)
	{
		fprintf(stderr, "stress: %s", PQerrorMessage(s->conn));
		exit(2);
	}
	must(s, "SET client_min_messages = error; SET statement_timeout = '60s'");
	must(s, settings);
	s->database = database;
	s->settings = settings;
	s->cancel = PQgetCancel(s->conn);
}

static void
disconnect(Session *s)
{
	PQfreeCancel(s->cancel);
	PQfinish(s->conn);
}

/* A backend that knows nothing yet.  Not while another thread may cancel. */
static void
reconnect(Session *s)
{
	disconnect(s);
	session_open(s, s->database, s->settings);
	log_add(s->number, "RECONNECT", "");
}

void
session_close(Session *s)
{
	disconnect(s);
	text_free(&s->failure);
}

/* ---- statements ---- */

static bool
expected(const Session *s, const Stmt * stmt, const char *state)
{
	if (strncmp(state, "23", 2) == 0 || strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0)
		return true;
	if (strcmp(state, "57014") == 0)
		return s->cancels;
	/* what several rows do to one, and what triggers may not change */
	if (strcmp(state, "21000") == 0 || strcmp(state, "27000") == 0)
		return true;
	/* constraints deferred, and queries that cannot be maintained */
	if (stmt->kind == STMT_WRITE && strncmp(stmt->sql.data, "TRUNCATE", 8) == 0)
		return strcmp(state, "55006") == 0 || strcmp(state, "0A000") == 0;
	if (stmt->kind == STMT_DDL)
		return strcmp(state, "0A000") == 0 || strcmp(state, "55006") == 0 || strcmp(state, "42P07") == 0 ||
			strcmp(state, "42P01") == 0;
	return false;
}

static void
fail(Session *s, const Stmt * stmt, const char *state, const char *text)
{
	if (s->failure.len == 0)
		text_add(&s->failure, "session %d: %s %s\n%s\n", s->number, state, text, stmt->sql.data);
}

static void
count_error(Session *s, const char *state)
{
	if (strcmp(state, "40P01") == 0)
		s->counters.deadlocks++;
	else if (strcmp(state, "40001") == 0)
		s->counters.serialization++;
	else if (strcmp(state, "57014") == 0)
		s->counters.cancelled++;
	else if (strncmp(state, "23", 2) == 0)
		s->counters.constraint++;
}

/* Send the rows of a COPY; returns its result. */
static PGresult *
send_copy(Session *s, const Stmt * stmt, PGresult *result)
{
	PGresult   *last = NULL;

	PQclear(result);
	PQputCopyData(s->conn, stmt->copy.data, stmt->copy.len);
	PQputCopyEnd(s->conn, NULL);
	while ((result = PQgetResult(s->conn)) != NULL)
	{
		if (last)
			PQclear(last);
		last = result;
	}
	return last;
}

/* A view was found to be wrong: show the rows, as far as they can be seen again. */
static void
show_difference(Session *s, const Stmt * stmt)
{
	const char *from = strstr(stmt->sql.data, " SELECT count(*) FROM ((");
	Text		sql = {0};
	PGresult   *result;

	text_add(&sql, "%.*s SELECT 'missing', t FROM (SELECT q::text t FROM q EXCEPT ALL SELECT v::text FROM v) d"
			 " UNION ALL SELECT 'too many', t FROM (SELECT v::text t FROM v EXCEPT ALL SELECT q::text FROM q) d",
			 (int) (from - stmt->sql.data), stmt->sql.data);
	result = PQexec(s->conn, sql.data);
	for (int i = 0; i < PQntuples(result) && i < 20; i++)
		text_add(&s->failure, "%s: %s\n", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
	PQclear(result);
	text_free(&sql);
}

/* Run a statement.  state: SQLSTATE, empty if it worked. */
static void
run(Session *s, const Stmt * stmt, char *state)
{
	PGresult   *result = PQexec(s->conn, stmt->sql.data);
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COPY_IN)
	{
		result = send_copy(s, stmt, result);
		status = PQresultStatus(result);
	}
	state[0] = '\0';
	s->counters.statements++;
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
	{
		if (stmt->kind == STMT_COMPARE)
		{
			s->counters.comparisons++;
			if (strcmp(PQgetvalue(result, 0, 0), "0") != 0)
			{
				snprintf(state, 6, "WRONG");
				fail(s, stmt, "a view differs from its query:", PQgetvalue(result, 0, 0));
				show_difference(s, stmt);
			}
		}
	}
	else
	{
		const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

		snprintf(state, 6, "%s", code ? code : "08000");
		count_error(s, state);
		if (!expected(s, stmt, state))
			fail(s, stmt, state, PQresultErrorMessage(result));
	}
	PQclear(result);
	log_add(s->number, stmt->sql.data, state);
}

static void
run_text(Session *s, const char *sql, char *state)
{
	Stmt		stmt = {STMT_WRITE};

	text_add(&stmt.sql, "%s", sql);
	run(s, &stmt, state);
	text_free(&stmt.sql);
}

/* ---- transactions ---- */

/* Leave the transaction, even if a cancel comes in the middle of it. */
static void
leave_transaction(Session *s)
{
	char		ignored[8];

	do
		run_text(s, "ROLLBACK", ignored);
	while (PQtransactionStatus(s->conn) == PQTRANS_INERROR || PQtransactionStatus(s->conn) == PQTRANS_INTRANS);
}

/*
 * old_snapshot: the transaction keeps its snapshot, which sees a table that was
 * truncated since as empty, as the server documents, but not the view.
 */
static void
make_stmt(Session *s, Stmt * stmt, int *depth, bool old_snapshot)
{
	int			r = rnd(&s->rng, 100);

	memset(stmt, 0, sizeof(Stmt));
	if (r < 8)
	{
		stmt->kind = STMT_SAVEPOINT;
		text_add(&stmt->sql, "SAVEPOINT s");
		(*depth)++;
	}
	else if (r < 14 && *depth > 0)
	{
		stmt->kind = STMT_ROLLBACK_TO;
		text_add(&stmt->sql, "ROLLBACK TO s");
	}
	else if (r < 17 && *depth > 0)
	{
		stmt->kind = STMT_RELEASE;
		text_add(&stmt->sql, "RELEASE s");
		(*depth)--;
	}
	else if (r < 30 && !(old_snapshot && s->schema->truncates))
		stmt_compare(stmt, s->schema, &s->rng);
	else if (r < 33 && s->ddl)
		stmt_ddl(stmt, s->schema, &s->rng);
	else
		stmt_write(stmt, s->schema, &s->rng, s->number);
	if (chance(&s->rng, 35))
		stmt->pause = rnd(&s->rng, 3000) / 1e6;
}

static bool
retriable(const char *state)
{
	return strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
}

/* One try; true if it need not be tried again. */
static bool
try_transaction(Session *s, const char *begin, const Stmt * stmts, int n, bool commit)
{
	char		state[8];
	bool		saved = false;

	run_text(s, begin, state);
	if (state[0] != '\0')
		return false;
	for (int i = 0; i < n && s->failure.len == 0; i++)
	{
		run(s, &stmts[i], state);
		if (stmts[i].pause > 0)
			nap(stmts[i].pause);
		if (state[0] == '\0')
		{
			saved |= stmts[i].kind == STMT_SAVEPOINT;
			if (stmts[i].kind == STMT_RELEASE)
				saved = false;
			continue;
		}
		if (retriable(state))
		{
			leave_transaction(s);
			return false;
		}

		/*
		 * an error of the statement's own: go on after the savepoint, or give
		 * up
		 */
		if (!saved)
		{
			leave_transaction(s);
			return true;
		}
		run_text(s, "ROLLBACK TO s", state);
		if (state[0] != '\0')
		{
			leave_transaction(s);
			return true;
		}
	}
	run_text(s, commit ? "COMMIT" : "ROLLBACK", state);
	if (PQtransactionStatus(s->conn) != PQTRANS_IDLE)
		leave_transaction(s);
	if (retriable(state))
		return false;
	if (state[0] == '\0' && commit)
		s->counters.transactions++;
	return true;
}

static void
transaction(Session *s)
{
	static const char *const begins[] = {
		"BEGIN", "BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ",
		"BEGIN ISOLATION LEVEL SERIALIZABLE"
	};
	const char *begin = begins[rnd(&s->rng, 5)];
	Stmt		stmts[MAX_STMTS];
	int			depth = 0;
	int			n = 1 + rnd(&s->rng, chance(&s->rng, 80) ? 4 : MAX_STMTS);
	bool		commit = chance(&s->rng, 88);
	bool		done = false;

	for (int i = 0; i < n; i++)
		make_stmt(s, &stmts[i], &depth, strlen(begin) > 5);
	for (int try = 0; try < MAX_TRIES && !done && s->failure.len == 0 && (try == 0 || now() < s->until); try++)
	{
		if (try > 0)
			nap(rnd(&s->rng, 2000 * try) / 1e6);
		done = try_transaction(s, begin, stmts, n, commit);
	}
	if (!done)
		s->counters.given_up++;
	for (int i = 0; i < n; i++)
	{
		text_free(&stmts[i].sql);
		text_free(&stmts[i].copy);
	}
}

void *
session_run(void *arg)
{
	Session    *s = arg;

	for (int i = 0; i < s->ntransactions && s->failure.len == 0 && now() < s->until; i++)
	{
		if (chance(&s->rng, 6) && !s->cancels)
			reconnect(s);
		if (chance(&s->rng, 25))
		{
			Stmt		stmt = {0};
			char		state[8];

			stmt_write(&stmt, s->schema, &s->rng, s->number);
			run(s, &stmt, state);
			text_free(&stmt.sql);
			text_free(&stmt.copy);
		}
		else
			transaction(s);
	}
	return NULL;
}
