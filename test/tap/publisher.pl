# A publication of all tables has the hidden ones of pg_tviews, too.  A subscriber that has tables of the same names (made
# by the same script, or a standby once) must not let them be written to: it maintains its own.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
foreach my $node ($publisher, $subscriber)
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nfsync = off\n");
	$node->start;
	$node->safe_psql(
		'postgres', q(
		CREATE TABLE item (id int PRIMARY KEY, kind int, amount int);
		CREATE EXTENSION pg_tviews;
		CREATE MATERIALIZED VIEW totals USING tview AS SELECT kind, avg(amount) AS mean, max(amount) AS most FROM item GROUP BY kind;
		CREATE MATERIALIZED VIEW counts USING tview AS SELECT count(*) AS n FROM item));
}
is($subscriber->safe_psql('postgres', 'SELECT state FROM tview.state'), $publisher->safe_psql('postgres', 'SELECT state FROM tview.state'),
	'hidden tables of the same names');
$publisher->safe_psql('postgres', 'INSERT INTO item SELECT i, i % 10, i FROM generate_series(1, 100) i');

my (undef, undef, $err) = $publisher->psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
like($err, qr/WARNING: .*publication "everything" includes hidden tables of pg_tviews/, 'the publisher is warned');
(undef, undef, $err) = $publisher->psql('postgres', 'CREATE PUBLICATION one FOR TABLE item');
is($err, '', 'not if tables are named');
my $connection = $publisher->connstr . ' dbname=postgres';
(undef, undef, $err) = $subscriber->psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION everything");
like($err, qr/NOTICE: .*hidden tables of pg_tviews are left out of subscriptions/, 'the subscriber is told');
is($subscriber->safe_psql('postgres', 'SELECT srrelid::regclass FROM pg_subscription_rel'), 'item', 'the table alone is subscribed to');
$subscriber->wait_for_subscription_sync($publisher, 's');

sub check
{
	my ($what) = @_;

	$publisher->wait_for_catchup('s');
	is($subscriber->safe_psql('postgres', 'SELECT d.* FROM tview.views v, tview.check(v.view) d'), '', "the views equal their queries: $what");
	is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM tview.views'), '2', "and are known: $what");
	is($subscriber->safe_psql('postgres', 'SELECT n FROM counts'), $publisher->safe_psql('postgres', 'SELECT count(*) FROM item'),
		"and have the rows: $what");
}
check('copied');
$publisher->safe_psql('postgres', 'INSERT INTO item VALUES (200, 77, 1), (201, 77, 2); UPDATE item SET amount = 7 WHERE id < 20; DELETE FROM item WHERE kind = 5');
check('a new group, an old one');
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION s REFRESH PUBLICATION');
$publisher->safe_psql('postgres', 'UPDATE item SET kind = kind + 1; INSERT INTO item VALUES (202, 88, 2)');
check('refreshed');
$publisher->safe_psql('postgres', 'DROP MATERIALIZED VIEW counts; CREATE VIEW counts AS SELECT count(*) AS n FROM item; INSERT INTO item VALUES (203, 99, 2)');
check('a view dropped by the publisher');

(undef, undef, $err) = $publisher->psql('postgres', 'CREATE MATERIALIZED VIEW more USING tview AS SELECT kind, stddev(amount) FROM item GROUP BY kind');
like($err, qr/WARNING: .*publication "everything" includes hidden tables of pg_tviews/, 'warned when a view is created');

$subscriber->stop;
$publisher->stop;
done_testing();
