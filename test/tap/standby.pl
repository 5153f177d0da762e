# A streaming standby shows the rows of the primary's views, and maintains them once it is promoted.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nfsync = off\n");
$primary->start;
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

$primary->safe_psql(
	'postgres', q(
	CREATE EXTENSION pg_tviews;
	CREATE TABLE item (id int PRIMARY KEY, kind int, amount int);
	CREATE TABLE kind (kind int PRIMARY KEY, name text);
	INSERT INTO item SELECT i, i % 10, i FROM generate_series(1, 1000) i;
	INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 9) i;
	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT kind, count(*) AS n, avg(amount) AS mean, max(amount) AS most FROM item GROUP BY kind;
	CREATE MATERIALIZED VIEW joined USING tview AS SELECT id, name, amount FROM item JOIN kind USING (kind)));

my $contents = 'TABLE totals ORDER BY kind; TABLE joined ORDER BY id';

sub check_same
{
	my ($what) = @_;

	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	is($standby->safe_psql('postgres', $contents), $primary->safe_psql('postgres', $contents), "the same rows: $what");
	is($standby->safe_psql('postgres', "SELECT d.* FROM tview.check('totals') d UNION ALL SELECT * FROM tview.check('joined')"),
		'', "the standby's views equal their queries: $what");
}

check_same('created');
$primary->safe_psql(
	'postgres', q(
	UPDATE item SET kind = 3, amount = 5000 WHERE id = 17;
	DELETE FROM item WHERE kind = 4;
	UPDATE kind SET name = upper(name) WHERE kind < 3;
	INSERT INTO item VALUES (2000, 9, NULL)));
check_same('written');
$primary->safe_psql('postgres', 'TRUNCATE item; INSERT INTO item VALUES (1, 1, 1), (2, 2, 2), (3, 2, 5)');
check_same('truncated');
$primary->safe_psql('postgres', 'REFRESH MATERIALIZED VIEW totals');
check_same('refreshed');
is($standby->safe_psql('postgres', 'SELECT view, populated FROM tview.views ORDER BY 1'), "totals|t\njoined|t", 'tview.views');
isnt($standby->safe_psql('postgres', "SELECT count(*) FROM tview.explain('totals')"), '0', 'tview.explain()');

# reads within one transaction of the standby see one state of table and view
is( $standby->safe_psql('postgres', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT sum(n) FROM totals; SELECT count(*) FROM item; COMMIT'),
	"3\n3", 'a transaction on the standby');

$standby->promote;
$standby->safe_psql('postgres', q(INSERT INTO item VALUES (4, 2, 7); UPDATE kind SET name = 'promoted' WHERE kind = 2));
is($standby->safe_psql('postgres', 'SELECT n, most FROM totals WHERE kind = 2'), '3|7', 'the promoted standby maintains the views');
is($standby->safe_psql('postgres', "SELECT count(*) FROM joined WHERE name = 'promoted'"), '3', 'those of joins, too');
is($standby->safe_psql('postgres', "SELECT d.* FROM tview.check('totals') d UNION ALL SELECT * FROM tview.check('joined')"),
	'', 'they equal their queries');

$standby->stop;
$primary->stop;
done_testing();
