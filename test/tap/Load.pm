# A load: tables under views of many kinds, sessions that write to them, one that does DDL, and the proof.
#
# The proof is differences(), a function of the database: for each view, what its rows and those of its query
# have not in common, both ways and as text, and what tview.check() says.  It needs one snapshot, so where
# others write it is called in a REPEATABLE READ transaction.
package Load;

use strict;
use warnings FATAL => 'all';
use IPC::Run;
use PostgreSQL::Test::Utils;

my @running;

# The function alone, for databases with tables of their own.  It takes the names of views that shall be left out.
our $proof = q(
	CREATE FUNCTION differences(omitted text[] DEFAULT '{}', OUT view text, OUT what text)
	RETURNS SETOF record LANGUAGE plpgsql AS $$
	DECLARE
		definition text;
		filled bool;
	BEGIN
		FOR view, filled, definition IN
			SELECT v.view::regclass::text, v.populated, rtrim(pg_get_viewdef(v.view), ';')
			  FROM tview.views v JOIN pg_class c ON c.oid = v.view
			 WHERE c.relname <> ALL (omitted) ORDER BY v.level, v.view
		LOOP
			IF NOT filled THEN
				what := 'unpopulated';
				RETURN NEXT;
				CONTINUE;
			END IF;
			RETURN QUERY EXECUTE format('
				SELECT %1$L, ''extra '' || x
				  FROM (SELECT this_row::text FROM %2$s this_row EXCEPT ALL SELECT this_row::text FROM (%3$s) this_row) d (x)
				UNION ALL
				SELECT %1$L, ''missing '' || x
				  FROM (SELECT this_row::text FROM (%3$s) this_row EXCEPT ALL SELECT this_row::text FROM %2$s this_row) d (x)
				UNION ALL
				SELECT %1$L, ''check '' || c::text FROM tview.check(%1$L) c
				LIMIT 5', view, view, definition);
		END LOOP;
	END $$;
);

my $tables = q(
	CREATE TABLE branch (branch int PRIMARY KEY, name text);
	CREATE TABLE account (account int PRIMARY KEY, branch int, balance numeric);
	CREATE TABLE history (history bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int, delta int);
	CREATE TABLE round (round int);
	-- partitions whose columns are in another order, and one of partitions
	CREATE TABLE part (id int, k int, v int, note text) PARTITION BY RANGE (k);
	CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (100);
	CREATE TABLE part_high (note text, gone int, v int, k int NOT NULL, id int);
	ALTER TABLE part_high DROP COLUMN gone;
	ALTER TABLE part ATTACH PARTITION part_high FOR VALUES FROM (100) TO (200);
	CREATE TABLE part_far (k int, note text, id int, v int) PARTITION BY LIST (k);
	CREATE TABLE part_far_rest PARTITION OF part_far DEFAULT;
	ALTER TABLE part ATTACH PARTITION part_far FOR VALUES FROM (200) TO (300);
	-- what a round of DDL was cut off from
	CREATE PROCEDURE attach() LANGUAGE plpgsql AS $$
	BEGIN
		IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'part_far'::regclass) THEN
			ALTER TABLE part ATTACH PARTITION part_far FOR VALUES FROM (200) TO (300);
		END IF;
	END $$;
	-- keeps nothing locked meanwhile
	CREATE PROCEDURE wait_for_writers(transactions int) LANGUAGE plpgsql AS $$
	DECLARE
		enough bigint := (SELECT last_value FROM history_history_seq) + transactions;
	BEGIN
		WHILE (SELECT last_value FROM history_history_seq) < enough LOOP
			COMMIT;
			PERFORM pg_sleep(0.01);
		END LOOP;
	END $$;
	CREATE INDEX ON part (id);
	CREATE INDEX ON account (branch);
	INSERT INTO branch SELECT i, 'branch ' || i FROM generate_series(0, 19) i;
	INSERT INTO account SELECT i, i % 20, i FROM generate_series(1, 1000) i;
	INSERT INTO part SELECT i, i * 7 % 300, i, 'n' || i % 3 FROM generate_series(1, 300) i;
	INSERT INTO round VALUES (0);
	ANALYZE;
);

my $views = q(
	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT b.name, count(*) AS n, sum(a.balance) AS total, min(a.balance) AS least
	    FROM account a JOIN branch b USING (branch) GROUP BY b.name;
	CREATE MATERIALIZED VIEW sizes USING tview AS SELECT n, count(*) AS branches FROM totals GROUP BY n;
	CREATE MATERIALIZED VIEW balances USING tview AS SELECT account, balance FROM account;
	CREATE INDEX balances_balance ON balances (balance);
	CREATE INDEX totals_n ON totals USING hash (n);
	CREATE MATERIALIZED VIEW most USING tview AS
	  SELECT branch, name, (SELECT max(v) FROM part WHERE part.k = branch.branch) AS most FROM branch;
	CREATE MATERIALIZED VIEW notes USING tview AS SELECT DISTINCT note FROM part;
	CREATE MATERIALIZED VIEW parts USING tview AS SELECT k, count(*) AS n, avg(v) AS mean FROM part GROUP BY k;
	CREATE MATERIALIZED VIEW places USING tview AS
	  SELECT id, v, row_number() OVER (PARTITION BY k ORDER BY v, id) AS place FROM part;
	CREATE MATERIALIZED VIEW outer_rows USING tview AS
	  SELECT p.id, p.k, a.balance FROM part p LEFT JOIN account a ON a.account = p.id;
	CREATE MATERIALIZED VIEW moves USING tview AS SELECT account % 10 AS digit, count(*) AS n, sum(delta) AS delta
	  FROM history GROUP BY 1;
	SELECT tview.set('outer_rows', 'deferred'), tview.set('moves', 'deferred');
);

# Two transactions of pgbench.  k stays where there always is a partition.
my @transactions = (
	q(
\set a random(1, 1000)
\set b random(0, 19)
\set i random(1, 300)
\set k random(0, 199)
BEGIN;
UPDATE account SET balance = balance + 1, branch = :b WHERE account = :a;
UPDATE part SET k = :k, v = v + 1 WHERE id = :i;
INSERT INTO history (account, delta) VALUES (:a, :k);
COMMIT;
), q(
\set a random(1, 1000)
\set b random(0, 19)
\set i random(1, 300)
\set k random(0, 199)
BEGIN;
INSERT INTO part VALUES (:i, :k, :b, 'n' || :b);
DELETE FROM part WHERE id = :i + 1 AND k < 200;
SAVEPOINT s;
UPDATE branch SET name = 'renamed ' || :a WHERE branch = :b;
ROLLBACK TO s;
SELECT count(*) FROM outer_rows WHERE id = :i;
UPDATE branch SET name = 'branch ' || (:a % 30) WHERE branch = :b;
INSERT INTO history (account, delta) VALUES (:a, -:k);
COMMIT;
));

# One round of DDL.  It may be cut off anywhere, so it attaches only what it finds detached.
my $ddl = q(
CALL attach();
BEGIN;
ALTER TABLE part DETACH PARTITION part_high;
UPDATE part_high SET v = v + 1 WHERE k % 5 = 0;
ALTER TABLE part ATTACH PARTITION part_high FOR VALUES FROM (100) TO (200);
COMMIT;
ALTER TABLE part DETACH PARTITION part_far;
INSERT INTO part_far SELECT i, 'far', i, 0 FROM generate_series(200, 209) i;
CALL attach();
DELETE FROM part WHERE note = 'far';
REFRESH MATERIALIZED VIEW totals;
REFRESH MATERIALIZED VIEW CONCURRENTLY most;
SELECT tview.set('moves', 'immediate');
VACUUM FULL balances;
SELECT tview.set('moves', 'deferred');
CLUSTER balances USING balances_balance;
TRUNCATE part_far;
BEGIN;
CALL attach();
INSERT INTO part SELECT i, 200 + i % 100, i, 'n' || i % 3 FROM generate_series(1, 50) i;
COMMIT;
CHECKPOINT;
UPDATE round SET round = round + 1;
);

# Views that are dropped and created anew, and their names.
our $drops = q(
BEGIN;
DROP MATERIALIZED VIEW IF EXISTS brief;
CREATE MATERIALIZED VIEW brief USING tview AS SELECT branch, count(*) AS n, max(balance) AS best FROM account GROUP BY branch;
UPDATE account SET balance = balance + 1 WHERE account = 5;
COMMIT;
BEGIN;
DROP TABLE IF EXISTS fresh CASCADE;
CREATE TABLE fresh (x int);
INSERT INTO fresh SELECT generate_series(1, 1000);
CREATE MATERIALIZED VIEW fresh_view USING tview AS SELECT x % 7 AS y, count(*) AS n FROM fresh GROUP BY 1;
TRUNCATE fresh;
INSERT INTO fresh SELECT generate_series(1, 2000);
COMMIT;
INSERT INTO fresh VALUES (4);
DELETE FROM fresh WHERE x = 11;
);
our @brief = ('brief', 'fresh_view');

# Transactions that meet in several tables deadlock now and then, as they do without views: that shall not take time.
our $settings = q(
	shared_preload_libraries = 'pg_tviews'
	deadlock_timeout = '20ms'
	log_line_prefix = '%m [%p] %e '
);

# create($node, $database): tables, views and the proof
sub create
{
	my ($node, $database) = @_;

	$node->safe_psql($database, "CREATE EXTENSION pg_tviews; $proof $tables $views");
	return;
}

# Start a program; what it says on standard error is kept in a file, for it may be killed.
sub run
{
	my ($node, $name, @command) = @_;
	my $err = $node->basedir . "/$name.err";

	unlink $err;

	local $ENV{PGAPPNAME} = $name;
	my $handle = IPC::Run::start([@command], '<', \undef, '>', '/dev/null', '2>', $err);

	push @running, $handle;
	return { name => $name, handle => $handle, err => $err };
}

# Run statements again and again: one psql, which ends with its connection.
sub repeat
{
	my ($node, $database, $name, $sql) = @_;
	my $file = $node->basedir . "/$name.sql";

	unlink $file;
	append_to_file($file, "\\set VERBOSITY sqlstate\n" . $sql x 2000);
	return run($node, $name, 'psql', '-XAtq', '-d', $node->connstr($database), '-f', $file);
}

# Run transactions of pgbench in some clients, which retry what is to be retried.
sub bench
{
	my ($node, $database, $clients, @scripts) = @_;
	my @files;

	foreach my $script (@scripts)
	{
		my $file = $node->basedir . '/pgbench' . @files . '.sql';

		unlink $file;
		append_to_file($file, $script);
		push @files, '-f', $file;
	}
	return run($node, 'pgbench', 'pgbench', '-n', '-c', $clients, '-T', 600, '--max-tries', 1000, @files, $node->connstr($database));
}

# start($node, $database, ...): all of them; between two rounds of DDL some other DDL and so many transactions
sub start
{
	my ($node, $database, %between) = @_;
	my $other = $between{ddl} // $drops;

	$other .= "CALL wait_for_writers($between{transactions});\n" if $between{transactions};
	return (bench($node, $database, 4, @transactions), repeat($node, $database, 'ddl', $ddl . $other));
}

# Wait until that many more transactions and rounds of DDL are committed.
sub wait_for_progress
{
	my ($node, $database, $transactions, $rounds) = @_;
	my ($history, $round) = split /\|/, $node->safe_psql($database, 'SELECT count(*), (TABLE round) FROM history');

	$node->poll_query_until($database,
		"SELECT count(*) >= $history + $transactions AND (TABLE round) >= $round + $rounds FROM history")
	  or die 'nothing is written';
	return;
}

# Wait for sessions whose server has ended.
sub finish
{
	my (@sessions) = @_;

	$_->{handle}->finish foreach @sessions;
	forget(@sessions);
	return errors(@sessions);
}

# End all sessions, and wait until the server has ended their transactions.
sub stop
{
	my ($node, $database, @sessions) = @_;

	end($node, $database, "pid <> pg_backend_pid()", @sessions);
	return errors(@sessions);
}

# The same for these alone; others go on.
sub stop_some
{
	my ($node, $database, @sessions) = @_;
	my $names = join ', ', map { "'$_->{name}'" } @sessions;

	end($node, $database, "application_name IN ($names)", @sessions);
	return errors(@sessions);
}

sub end
{
	my ($node, $database, $which, @sessions) = @_;

	$_->{handle}->kill_kill foreach @sessions;
	forget(@sessions);
	$which = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND $which";
	$node->safe_psql($database, "SELECT pg_terminate_backend(pid) $which");
	$node->poll_query_until($database, "SELECT count(*) = 0 $which") or die 'sessions do not end';
	return;
}

sub forget
{
	my %gone = map { $_->{handle} => 1 } @_;

	@running = grep { !$gone{$_} } @running;
	return;
}

# What sessions said that is neither to be retried nor the end of their server.
sub errors
{
	my (@sessions) = @_;
	my $errors = '';

	foreach my $session (@sessions)
	{
		foreach my $line (split /\n/, slurp_file($session->{err}))
		{
			next if $line !~ /ERROR|FATAL|PANIC/;
			# psql shows the code, of what follows an error in a transaction, too; pgbench shows what it does not retry
			next if $line =~ /(ERROR|FATAL):  (40001|40P01|25P02|57P0[123])|terminating connection|shutting down|starting up|recovery mode/;
			$errors .= "$session->{name}: $line\n";
		}
	}
	return $errors;
}

# The differences of all views, in one snapshot.
sub differences
{
	my ($node, $database) = @_;

	return $node->safe_psql($database, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM differences() LIMIT 20; COMMIT');
}

# What a server must not say, as it stands in its log; stop it first.
sub faults
{
	my ($node) = @_;
	my @lines = grep { /PANIC|TRAP|terminated by signal|\] XX00\d|WARNING: .*leak/ } split /\n/, slurp_file($node->logfile);

	# PostgreSQL 15.18 forgets to close a partition to which a subscriber applies a change if it has any row trigger at
	# all, of plpgsql too; 15.20 does not
	my $version = `postgres --version`;
	@lines = grep { !/\] 01000 WARNING:  relcache reference leak: relation "(item|part|leaf)_/ } @lines
	  if $version =~ /\b15\.(\d+)/ && $1 < 20;
	return join "\n", @lines;
}

# Write to every table.
sub write_all
{
	my ($node, $database) = @_;

	$node->safe_psql(
		$database, q(
		BEGIN;
		UPDATE account SET balance = balance + 1, branch = (branch + 1) % 20 WHERE account % 7 = 0;
		UPDATE branch SET name = name || '.' WHERE branch % 3 = 0;
		COMMIT;
		UPDATE part SET k = (k + 100) % 200 WHERE id % 3 = 0;
		INSERT INTO part VALUES (301, 5, 7, 'last');
		DELETE FROM part WHERE id % 11 = 0;
		INSERT INTO history (account, delta) VALUES (1, 1), (2, 2);
		DELETE FROM history WHERE account % 9 = 0));
	return;
}

END
{
	my $status = $?;

	$_->kill_kill foreach @running;
	$? = $status;
}

1;
