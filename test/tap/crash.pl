# The server is killed in the middle of writes: after recovery the views equal their queries.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nsynchronous_commit = off\n");
$node->start;
$node->safe_psql(
	'postgres', q(
	CREATE EXTENSION pg_tviews;
	CREATE TABLE item (id int PRIMARY KEY, kind int, amount int);
	CREATE TABLE kind (kind int PRIMARY KEY, name text);
	INSERT INTO item SELECT i, i % 10, i FROM generate_series(1, 2000) i;
	INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 9) i;
	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT kind, count(*) AS n, avg(amount) AS mean, max(amount) AS most FROM item GROUP BY kind;
	CREATE MATERIALIZED VIEW sizes USING tview AS SELECT n, count(*) AS kinds FROM totals GROUP BY n;
	CREATE MATERIALIZED VIEW joined USING tview AS SELECT name, amount FROM item JOIN kind USING (kind);
	CREATE PROCEDURE write(first int) LANGUAGE plpgsql AS $$
	BEGIN
	  FOR i IN first .. first + 100000 LOOP
	    INSERT INTO item VALUES (i, i % 11, i % 1000);
	    UPDATE item SET amount = amount + 1, kind = (kind + 1) % 10 WHERE id = i - 3;
	    DELETE FROM item WHERE id = i - 50;
	    IF i % 7 = 0 THEN UPDATE kind SET name = 'kind ' || i WHERE kind = i % 10; END IF;
	    IF i % 5 = 0 THEN COMMIT; END IF;
	  END LOOP;
	END $$;
	CHECKPOINT));

foreach my $round (1 .. 3)
{
	my $before = $node->safe_psql('postgres', 'SELECT max(id) FROM item');
	my @writers;

	foreach my $writer (1 .. 2)
	{
		my $first = $round * 1000000 + $writer * 300000;

		push @writers,
		  IPC::Run::start(
			[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "CALL write($first)" ],
			'<', \undef, '>', '/dev/null', '2>', '/dev/null');
	}
	$node->poll_query_until('postgres', "SELECT max(id) > $before + 20 FROM item") or die 'nothing is written';
	sleep(0.5 + $round * 0.2);
	$node->stop('immediate');
	$_->finish foreach @writers;
	$node->start;

	cmp_ok($node->safe_psql('postgres', 'SELECT max(id) FROM item'), '>', $before, "round $round: something was committed");
	is( $node->safe_psql('postgres', 'SELECT d.* FROM tview.views v, tview.check(v.view) d LIMIT 10'),
		'',
		"round $round: views equal their queries");
	$node->safe_psql('postgres', 'UPDATE item SET amount = 0 WHERE kind = 3; INSERT INTO kind VALUES (10, $$ten$$) ON CONFLICT DO NOTHING');
	is( $node->safe_psql('postgres', 'SELECT d.* FROM tview.views v, tview.check(v.view) d LIMIT 10'),
		'',
		"round $round: and are maintained");
}

# views that were filled by their last commands
$node->safe_psql(
	'postgres', q(
	SET synchronous_commit = on;
	INSERT INTO item SELECT i, i % 10, i FROM generate_series(10000001, 10020000) i;
	CREATE MATERIALIZED VIEW filled USING tview AS SELECT id, amount FROM item;
	CREATE MATERIALIZED VIEW halves USING tview AS SELECT id / 2 AS half, avg(amount) AS mean FROM item GROUP BY 1;
	REFRESH MATERIALIZED VIEW joined;));
$node->stop('immediate');
$node->start;
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM filled'), '>=', 20000, 'rows that were filled in are there');
is( $node->safe_psql('postgres', 'SELECT d.* FROM tview.views v, tview.check(v.view) d LIMIT 10'),
	'', 'views that were just filled equal their queries');
$node->safe_psql('postgres', 'UPDATE item SET amount = amount + 1 WHERE id % 3 = 0; DELETE FROM item WHERE id % 17 = 0');
is( $node->safe_psql('postgres', 'SELECT d.* FROM tview.views v, tview.check(v.view) d LIMIT 10'),
	'', 'and are maintained');

$node->stop;
done_testing();
