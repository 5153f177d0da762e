# A subscriber that applies the transactions of a loaded publisher while sessions of its own write, look and do DDL: views
# equal their queries in each snapshot.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib $FindBin::Bin;
use Load;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', "deadlock_timeout = 20ms\n");
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', $Load::settings . "wal_retrieve_retry_interval = 100ms\n");
$subscriber->start;

# rows up to 1000 are the publisher's, those above belong to the sessions of the subscriber
my $tables = q(
	CREATE TABLE item (id int, kind int, amount int, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
	CREATE TABLE item_even PARTITION OF item FOR VALUES IN (0, 2, 4, 6, 8);
	CREATE TABLE item_odd PARTITION OF item FOR VALUES IN (1, 3, 5, 7, 9);
	CREATE TABLE kind (kind int PRIMARY KEY, name text);
	CREATE TABLE tick (tick bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at int);
);
$publisher->safe_psql(
	'postgres', $tables . q(
	INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 9) i;
	INSERT INTO item SELECT i, i % 10, i FROM generate_series(1, 1000) i;
	CREATE PUBLICATION pub FOR TABLE item, kind, tick WITH (publish_via_partition_root = true)));
$subscriber->safe_psql(
	'postgres', "CREATE EXTENSION pg_tviews; $Load::proof $tables" . q(
	CREATE TABLE own (own bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind int);
	CREATE TABLE audit (id int, amount int);
	INSERT INTO item SELECT 1000 + i, i % 10, i FROM generate_series(1, 200) i;
	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT k.name, count(*) AS n, sum(i.amount) AS total, max(i.amount) AS most FROM item i JOIN kind k USING (kind) GROUP BY k.name;
	CREATE MATERIALIZED VIEW sizes USING tview AS SELECT n, count(*) AS kinds FROM totals GROUP BY n;
	CREATE MATERIALIZED VIEW named USING tview AS SELECT i.id, i.kind, k.name, i.amount FROM kind k LEFT JOIN item i USING (kind);
	CREATE MATERIALIZED VIEW latest USING tview AS SELECT kind, (SELECT max(own) FROM own WHERE own.kind = k.kind) AS own FROM kind k;
	CREATE MATERIALIZED VIEW audited USING tview AS SELECT id % 10 AS digit, count(*) AS n, sum(amount) AS amount FROM audit GROUP BY 1;
	CREATE MATERIALIZED VIEW ticks USING tview AS SELECT at % 7 AS day, count(*) AS n FROM tick GROUP BY 1;
	SELECT tview.set('named', 'deferred'), tview.set('ticks', 'deferred');
	-- a user's trigger, which writes to a base table
	CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
	  INSERT INTO public.audit VALUES (NEW.id, NEW.amount);
	  RETURN NULL;
	END $$;
	CREATE TRIGGER keep AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION keep()));

my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION sub CONNECTION '$connection' PUBLICATION pub WITH (streaming = on)");
my @writers = Load::bench($publisher, 'postgres', 2, q(
\set id random(1, 1000)
\set kind random(0, 9)
\set at random(0, 100)
BEGIN;
UPDATE item SET amount = amount + 1, kind = :kind WHERE id = :id;
DELETE FROM item WHERE id = 1001 - :id;
INSERT INTO item VALUES (1001 - :id, :kind, :at) ON CONFLICT DO NOTHING;
UPDATE kind SET name = 'kind ' || (:id % 12) WHERE kind = :kind;
INSERT INTO tick (at) VALUES (:at);
COMMIT;
));
$subscriber->wait_for_subscription_sync($publisher, 'sub');

# Sessions of the subscriber: they write to the same tables, whose triggers are switched on and off.
my @own = (
	Load::bench($subscriber, 'postgres', 2, q(
\set id random(1001, 1200)
\set kind random(0, 9)
BEGIN;
UPDATE item SET amount = amount + 1, kind = :kind WHERE id = :id;
INSERT INTO own (kind) VALUES (:kind);
SELECT count(*) FROM named WHERE kind = :kind;
COMMIT;
)),
	Load::repeat($subscriber, 'postgres', 'ddl', q(
ALTER TABLE item DISABLE TRIGGER ALL;
UPDATE item SET amount = amount + 1 WHERE id = 1001;
ALTER TABLE item ENABLE ALWAYS TRIGGER keep;
UPDATE item SET amount = amount + 1 WHERE id = 1002;
ALTER TABLE item_odd DISABLE TRIGGER USER;
ALTER TABLE item ENABLE TRIGGER ALL;
REFRESH MATERIALIZED VIEW totals;
BEGIN;
DROP MATERIALIZED VIEW IF EXISTS brief;
CREATE MATERIALIZED VIEW brief USING tview AS SELECT kind, min(amount) AS least FROM item GROUP BY kind;
COMMIT;
SET session_replication_role = replica;
UPDATE item SET amount = amount + 1 WHERE id BETWEEN 1003 AND 1010;
RESET session_replication_role;
SELECT tview.set('totals', 'deferred');
INSERT INTO own (kind) VALUES (3);
SELECT tview.set('totals', 'immediate');
)));

# progress of both, and the differences, in one snapshot
my ($tick, $moved, $compared, $retried, $failed) = (-1, 0, 0, 0, '');
while ($compared < 10 || $moved < 6)
{
	my ($code, $out, $err) = $subscriber->psql(
		'postgres', q(
		\set VERBOSITY sqlstate
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		SELECT count(*) FROM tick;
		SELECT * FROM differences('{brief}') LIMIT 20;
		COMMIT;
		SELECT 'done'));

	if ($err ne '')
	{
		# a view that was refreshed since the snapshot
		$retried++;
		$failed = $err if $err !~ /ERROR:  (40001|40P01)/ || $retried > 1000;
		last if $failed ne '';
		next;
	}
	my ($count, @differences) = split /\n/, $out;

	$failed = join "\n", @differences;
	last if $failed ne 'done';
	$failed = '';
	$compared++;
	$moved++ if $count > $tick;
	$tick = $count;
}
is($failed, '', 'in each snapshot the views equal their queries');
note("$compared snapshots, $moved with more rows than the one before, $retried to be retried");

is(Load::stop($publisher, 'postgres', @writers), '', 'nothing failed on the publisher');
is(Load::stop($subscriber, 'postgres', @own), '', 'nothing failed in the sessions of the subscriber');
$publisher->wait_for_catchup('sub');
is(Load::differences($subscriber, 'postgres'), '', 'views equal their queries when all is applied');
my $rows = 'SELECT id, kind, amount FROM item WHERE id <= 1000 ORDER BY 1, 2';
is($subscriber->safe_psql('postgres', $rows), $publisher->safe_psql('postgres', $rows), 'the rows of the publisher are there');

# what DISABLE TRIGGER ALL leaves, as documented
my ($code, $out, $err) = $subscriber->psql('postgres', 'ALTER TABLE item DISABLE TRIGGER ALL; ALTER TABLE kind DISABLE TRIGGER ALL');
like($err, qr/NOTICE:  the triggers on "item" that maintain views stay enabled/, 'the triggers of the extension stay enabled');
my $audited = $subscriber->safe_psql('postgres', 'SELECT count(*) FROM audit');
$publisher->safe_psql('postgres', "UPDATE item SET amount = 7; UPDATE kind SET name = 'disabled ' || kind");
$publisher->wait_for_catchup('sub');
is(Load::differences($subscriber, 'postgres'), '', 'views are maintained with all triggers disabled');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM audit'), $audited, "the user's trigger is not fired");
$subscriber->safe_psql('postgres', 'ALTER TABLE item ENABLE ALWAYS TRIGGER keep');
$publisher->safe_psql('postgres', 'UPDATE item SET amount = 8 WHERE id < 100');
$publisher->wait_for_catchup('sub');
is(Load::differences($subscriber, 'postgres'), '', "and with the user's trigger, which writes to a base table, enabled always");
cmp_ok($subscriber->safe_psql('postgres', 'SELECT count(*) FROM audit'), '>', $audited, 'it is fired');

$subscriber->stop;
$publisher->stop;
is(Load::faults($subscriber), '', 'the subscriber is well');
done_testing();
