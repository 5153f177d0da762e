# Views on a subscriber follow the rows that replication copies and applies.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\n");
$subscriber->start;

my $tables = q(
	CREATE TABLE item (id int PRIMARY KEY, kind int, amount int);
	CREATE TABLE kind (kind int PRIMARY KEY, name text));
$publisher->safe_psql('postgres', $tables);
$subscriber->safe_psql('postgres', $tables);
$publisher->safe_psql(
	'postgres', q(
	INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 9) i;
	INSERT INTO item SELECT i, i % 10, i FROM generate_series(1, 1000) i;
	CREATE PUBLICATION everything FOR ALL TABLES));

# the views stand before the rows come
$subscriber->safe_psql(
	'postgres', q(
	CREATE EXTENSION pg_tviews;
	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT k.name, count(*) AS n, sum(i.amount) AS total, max(i.amount) AS most
	  FROM item i JOIN kind k USING (kind) GROUP BY k.name;
	CREATE MATERIALIZED VIEW kinds USING tview AS SELECT DISTINCT kind FROM item;
	CREATE MATERIALIZED VIEW above USING tview AS SELECT n, count(*) AS names FROM totals GROUP BY n));
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION all_of_it CONNECTION '$connection' PUBLICATION everything");
$subscriber->wait_for_subscription_sync($publisher, 'all_of_it');

sub check
{
	my $what = shift;
	$publisher->wait_for_catchup('all_of_it');
	is( $subscriber->safe_psql(
			'postgres', q(
			SELECT (SELECT count(*) FROM tview.check('totals')) + (SELECT count(*) FROM tview.check('kinds'))
			     + (SELECT count(*) FROM tview.check('above')))),
		'0', "views equal their queries after $what");
}

check('the first copy');
is($subscriber->safe_psql('postgres', 'SELECT sum(n) FROM totals'), '1000', 'the rows have come');

$publisher->safe_psql('postgres',
	"INSERT INTO item SELECT i, i % 12, i FROM generate_series(1001, 1200) i; INSERT INTO kind VALUES (10, 'ten')");
check('inserts');
$publisher->safe_psql('postgres', 'UPDATE item SET amount = amount + 1, kind = (kind + 1) % 10 WHERE id < 300');
check('updates');
$publisher->safe_psql('postgres', 'BEGIN; DELETE FROM item WHERE id % 3 = 0; UPDATE kind SET name = upper(name); COMMIT');
check('deletes and updates of two tables in one transaction');
is( $subscriber->safe_psql('postgres', 'SELECT sum(n) FROM totals'),
	$publisher->safe_psql('postgres', 'SELECT count(*) FROM item JOIN kind USING (kind)'),
	'as many rows as on the publisher');

# A user's replica trigger, which fires before ours by its name, writes to a base table and reads a view: what the
# statement that is being applied has done is not known yet.
$subscriber->safe_psql(
	'postgres', q(
	CREATE TABLE seen (what text);
	CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
	  INSERT INTO public.kind VALUES (NEW.id, 'by trigger') ON CONFLICT DO NOTHING;
	  BEGIN
	    INSERT INTO public.seen SELECT 'total ' || sum(total) FROM public.totals;
	  EXCEPTION WHEN object_not_in_prerequisite_state THEN
	    INSERT INTO public.seen VALUES (SQLSTATE);
	  END;
	  RETURN NULL;
	END $$;
	CREATE TRIGGER "  first" AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION more();
	ALTER TABLE item ENABLE REPLICA TRIGGER "  first"));
$publisher->safe_psql('postgres', 'INSERT INTO item SELECT i, i, i FROM generate_series(2001, 2010) i');
check('a trigger of the user that changes the other table');
is($subscriber->safe_psql('postgres', 'SELECT count(*), what FROM seen GROUP BY what'),
	'10|55000', 'in it a view cannot be read');
$publisher->safe_psql('postgres', 'TRUNCATE item');
check('truncate');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM totals'), '0', 'the views are empty');

$subscriber->stop;
$publisher->stop;
done_testing();
