# A prepared transaction holds the changes of its views, over a restart, too, whatever their mode.
use strict;
use warnings FATAL => 'all';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'pg_tviews'\nmax_prepared_transactions = 10\nfsync = off\n");
$node->start;
$node->safe_psql(
	'postgres', q(
	CREATE EXTENSION pg_tviews;
	CREATE TABLE author (author int PRIMARY KEY, name text);
	CREATE TABLE book (book int PRIMARY KEY, author int, price int);
	INSERT INTO author VALUES (1, 'Ada'), (2, 'Brin');
	INSERT INTO book VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30);
	CREATE MATERIALIZED VIEW joined USING tview AS SELECT b.book, a.name, b.price FROM book b JOIN author a USING (author);
	CREATE MATERIALIZED VIEW totals USING tview AS SELECT author, count(*) AS n, sum(price) AS total FROM book GROUP BY author;
));

sub differences
{
	return $node->safe_psql('postgres', "SELECT d.* FROM tview.views v, tview.check(v.view) d");
}

sub prepare
{
	my ($name) = @_;

	$node->safe_psql(
		'postgres', qq(
		BEGIN;
		UPDATE author SET name = '$name' WHERE author = 1;
		SAVEPOINT s;
		DELETE FROM book WHERE book = 3;
		ROLLBACK TO s;
		INSERT INTO book VALUES (4, 2, 40);
		PREPARE TRANSACTION '$name'));
}

my $names = 'SELECT book, name FROM joined ORDER BY book';
my $before = $node->safe_psql('postgres', $names);

foreach my $mode ('immediate', 'deferred')
{
	$node->safe_psql('postgres', "SELECT tview.set('joined', '$mode'), tview.set('totals', '$mode')");
	foreach my $restart ('', 'fast', 'immediate')
	{
		my $how = ($restart ? "after a restart ($restart)" : 'at once') . ", $mode";

		prepare("rolled back, $mode");
		$node->restart if $restart eq 'fast';
		if ($restart eq 'immediate')
		{
			$node->stop('immediate');
			$node->start;
		}
		is($node->safe_psql('postgres', $names), $before, "not to be seen before ($how)");
		is(differences(), '', "views equal their queries while it is prepared ($how)");
		$node->safe_psql('postgres', "ROLLBACK PREPARED 'rolled back, $mode'");
		is($node->safe_psql('postgres', $names), $before, "rolled back ($how)");
		is(differences(), '', "views equal their queries ($how)");

		prepare("new $how");
		$node->restart if $restart eq 'fast';
		if ($restart eq 'immediate')
		{
			$node->stop('immediate');
			$node->start;
		}
		my ($code, $out, $err) = $node->psql('postgres', "SET lock_timeout = '100ms'; UPDATE book SET price = 41 WHERE author = 2");
		like($err, qr/lock timeout/, "a writer of the same rows waits ($how)");
		$node->safe_psql('postgres', "COMMIT PREPARED 'new $how'");
		is($node->safe_psql('postgres', $names), "1|new $how\n2|new $how\n3|Brin\n4|Brin", "committed ($how)");
		is(differences(), '', "views equal their queries ($how)");
		$node->safe_psql('postgres', "DELETE FROM book WHERE book = 4; UPDATE author SET name = 'Ada' WHERE author = 1");
		is($node->safe_psql('postgres', $names), $before, "written as before ($how)");
		is(differences(), '', "views equal their queries afterwards ($how)");
	}
}

# A key that it holds keeps a writer of the other table waiting, over a restart, too; not one of the same table.
$node->safe_psql('postgres', 'DROP MATERIALIZED VIEW totals');
my $waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'userlock' AND NOT granted";

sub start_writer
{
	return IPC::Run::start(
		[ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', $_[0] ],
		'<', \undef, '>', '/dev/null', IPC::Run::timeout(180));
}

foreach my $mode ('immediate', 'deferred')
{
	$node->safe_psql('postgres', "SELECT tview.set('joined', '$mode')");
	foreach my $end ('COMMIT', 'ROLLBACK')
	{
		foreach my $restart (0, 1)
		{
			my $how = "$end PREPARED, $mode" . ($restart ? ', after a restart' : '');

			$node->safe_psql('postgres', "BEGIN; INSERT INTO book VALUES (5, 1, 50); PREPARE TRANSACTION 'key'");
			$node->restart if $restart;
			$node->safe_psql('postgres', "SET lock_timeout = '30s'; INSERT INTO book VALUES (6, 1, 60)");
			my $writer = start_writer("UPDATE author SET name = 'Eve' WHERE author = 1");
			ok($node->poll_query_until('postgres', $waiting, '1'), "a writer of the other table waits ($how)");
			$node->safe_psql('postgres', "$end PREPARED 'key'");
			ok($writer->finish, "it goes on ($how)");
			is($node->safe_psql('postgres', 'SELECT book, name FROM joined WHERE book > 4 ORDER BY 1'),
				($end eq 'COMMIT' ? "5|Eve\n" : '') . '6|Eve', "both changes meet in the view ($how)");
			is(differences(), '', "views equal their queries ($how)");
			$node->safe_psql('postgres', "DELETE FROM book WHERE book > 4; UPDATE author SET name = 'Ada' WHERE author = 1");
		}
	}
}

# What is deferred counts against statement_timeout of the statement that ends the transaction.
$node->safe_psql(
	'postgres', q(
	CREATE TABLE slow (id int PRIMARY KEY, seconds float8);
	CREATE FUNCTION sleep(float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep($1); RETURN $1; END $$;
	CREATE MATERIALIZED VIEW slept USING tview AS SELECT id, sleep(seconds) AS s FROM slow;
	SELECT tview.set('slept', 'deferred')));
foreach my $end ('COMMIT', q(PREPARE TRANSACTION 'slow'))
{
	my ($code, $out, $err) = $node->psql('postgres',
		"SET statement_timeout = '2s'; BEGIN; INSERT INTO slow VALUES (1, 600);
$end;", on_error_stop => 1);
	like($err, qr/canceling statement due to statement timeout/, "statement_timeout holds at $end");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM slow'), '0', "nothing remains of it ($end)");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'nor is it prepared');

$node->stop;
done_testing();
