# Views on a subscriber over tables of other shapes than the publisher's: partitions, column lists, row filters, whole rows
# as identities, large transactions that are streamed.
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
$publisher->append_conf('postgresql.conf', "logical_decoding_work_mem = 64kB\n");
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', $Load::settings . "max_logical_replication_workers = 10\nmax_worker_processes = 20\nwal_retrieve_retry_interval = 100ms\n");
$subscriber->start;

$publisher->safe_psql(
	'postgres', q(
	-- by its root, with other partitions there
	CREATE TABLE part (id int, k int, v int, note text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
	CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (100);
	CREATE TABLE part_high (note text, v int, k int NOT NULL, id int NOT NULL);
	ALTER TABLE part ATTACH PARTITION part_high FOR VALUES FROM (100) TO (200);
	-- by its partitions, one of which is a partitioned table there
	CREATE TABLE leaf (id int PRIMARY KEY, k int, v int) PARTITION BY RANGE (id);
	CREATE TABLE leaf_low PARTITION OF leaf FOR VALUES FROM (0) TO (100);
	CREATE TABLE leaf_high PARTITION OF leaf FOR VALUES FROM (100) TO (MAXVALUE);
	-- without a key
	CREATE TABLE whole (a int, b text, c int);
	ALTER TABLE whole REPLICA IDENTITY FULL;
	-- some columns, some rows
	CREATE TABLE listed (id int PRIMARY KEY, a int, hidden text);
	CREATE TABLE filtered (id int PRIMARY KEY, a int, keep bool);
	ALTER TABLE filtered REPLICA IDENTITY FULL;
	-- values out of line, which an update that leaves them does not send
	CREATE TABLE wide (id int PRIMARY KEY, long text, n int);
	ALTER TABLE wide ALTER long SET STORAGE EXTERNAL;
	INSERT INTO part SELECT i, i * 7 % 200, i, 'n' || i % 3 FROM generate_series(1, 300) i;
	INSERT INTO leaf SELECT i, i * 7 % 200, i FROM generate_series(1, 300) i;
	INSERT INTO whole SELECT i % 5, 'b', i % 3 FROM generate_series(1, 50) i;
	INSERT INTO listed SELECT i, i, 'secret' FROM generate_series(1, 100) i;
	INSERT INTO filtered SELECT i, i, i % 2 = 0 FROM generate_series(1, 100) i;
	INSERT INTO wide SELECT i, repeat(md5(i::text), 200), i FROM generate_series(1, 50) i;
	CREATE PUBLICATION by_root FOR TABLE part, whole, wide WITH (publish_via_partition_root = true);
	CREATE PUBLICATION by_leaf FOR TABLE leaf;
	CREATE PUBLICATION pieces FOR TABLE listed (id, a), filtered WHERE (keep)));

$subscriber->safe_psql(
	'postgres', qq(
	CREATE EXTENSION pg_tviews;
	$Load::proof) . q(
	CREATE TABLE part (v int, note text DEFAULT 'none', id int, k int, extra int DEFAULT 5, PRIMARY KEY (id, k))
	  PARTITION BY HASH (k);
	DO $$ BEGIN
	  FOR i IN 0 .. 3 LOOP
	    EXECUTE format('CREATE TABLE part_%s (k int NOT NULL, note text DEFAULT ''leaf'', gone int, id int NOT NULL,
	      extra int DEFAULT 5, v int)', i);
	    EXECUTE format('ALTER TABLE part_%s DROP COLUMN gone', i);
	    EXECUTE format('ALTER TABLE part ATTACH PARTITION part_%s FOR VALUES WITH (MODULUS 4, REMAINDER %s)', i, i);
	  END LOOP;
	END $$;
	CREATE TABLE leaf (id int PRIMARY KEY, k int, v int) PARTITION BY RANGE (id);
	CREATE TABLE leaf_low (v int, id int PRIMARY KEY, k int) PARTITION BY RANGE (id);
	CREATE TABLE leaf_low_a PARTITION OF leaf_low FOR VALUES FROM (0) TO (50);
	CREATE TABLE leaf_low_b PARTITION OF leaf_low FOR VALUES FROM (50) TO (100);
	ALTER TABLE leaf ATTACH PARTITION leaf_low FOR VALUES FROM (0) TO (100);
	CREATE TABLE leaf_high PARTITION OF leaf FOR VALUES FROM (100) TO (MAXVALUE);
	CREATE TABLE whole (a int, c int, b text);
	CREATE TABLE whole_heir () INHERITS (whole);
	INSERT INTO whole_heir VALUES (9, 9, 'heir');
	CREATE TABLE listed (id int PRIMARY KEY, a int, hidden text DEFAULT 'local', twice int GENERATED ALWAYS AS (a * 2) STORED);
	CREATE TABLE filtered (id int PRIMARY KEY, a int, keep bool);
	CREATE TABLE wide (id int PRIMARY KEY, long text, n int);

	CREATE MATERIALIZED VIEW notes USING tview AS
	  SELECT note, count(*) AS n, min(v) AS least, max(v) AS most, sum(extra) AS extra FROM part GROUP BY note;
	CREATE MATERIALIZED VIEW sizes USING tview AS SELECT n, sum(most) AS most FROM notes GROUP BY n;
	CREATE MATERIALIZED VIEW outer_rows USING tview AS SELECT p.id, p.k, l.v FROM part p LEFT JOIN leaf l ON l.id = p.id;
	CREATE MATERIALIZED VIEW places USING tview AS SELECT id, v, row_number() OVER (PARTITION BY k % 5 ORDER BY id) AS place FROM leaf_low;
	CREATE MATERIALIZED VIEW without USING tview AS SELECT id FROM leaf_high EXCEPT SELECT id FROM part_3;
	CREATE MATERIALIZED VIEW bag USING tview AS SELECT a, b FROM whole;
	CREATE MATERIALIZED VIEW counted USING tview AS SELECT a, b, c, count(*) AS n FROM whole GROUP BY a, b, c;
	CREATE MATERIALIZED VIEW generated USING tview AS SELECT id, hidden, twice FROM listed WHERE a > 10;
	CREATE MATERIALIZED VIEW kept USING tview AS SELECT f.id, f.a, l.twice FROM filtered f JOIN listed l USING (id);
	CREATE MATERIALIZED VIEW hashes USING tview AS SELECT id, md5(long) AS hash, n FROM wide;
	CREATE MATERIALIZED VIEW longest USING tview AS SELECT k % 5 AS k, max(long) AS long FROM wide JOIN leaf USING (id) GROUP BY 1;
	SELECT tview.set('outer_rows', 'deferred'), tview.set('longest', 'deferred')));

my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION sub CONNECTION '$connection' PUBLICATION by_root, by_leaf, pieces WITH (streaming = on)");
$subscriber->wait_for_subscription_sync($publisher, 'sub');

# What shall have arrived: the same query on both sides, which leaves out what is not published.
my %arrived = (
	part => 'SELECT id, k, v, note FROM part ORDER BY 1, 2',
	leaf => 'SELECT id, k, v FROM leaf ORDER BY 1',
	whole => 'SELECT a, b, c FROM ONLY whole ORDER BY 1, 2, 3',
	listed => 'SELECT id, a FROM listed ORDER BY 1',
	filtered => 'SELECT id, a FROM filtered WHERE keep ORDER BY 1',
	wide => 'SELECT id, md5(long), n FROM wide ORDER BY 1');

sub check
{
	my ($what, $sql) = @_;

	$publisher->safe_psql('postgres', $sql) if defined $sql;
	$publisher->wait_for_catchup('sub');
	is(Load::differences($subscriber, 'postgres'), '', "$what: views equal their queries");
	foreach my $table (sort keys %arrived)
	{
		next if $subscriber->safe_psql('postgres', $arrived{$table}) eq $publisher->safe_psql('postgres', $arrived{$table});
		fail("$what: the rows of $table have not come");
	}
	return;
}

check('first copy');
check('rows that move between partitions', q(
	INSERT INTO part SELECT i, i * 7 % 200, i, 'm' || i % 3 FROM generate_series(301, 400) i;
	UPDATE part SET k = (k + 37) % 200 WHERE id < 50;
	DELETE FROM part WHERE id BETWEEN 100 AND 120;
	UPDATE leaf SET id = id + 1000 WHERE id BETWEEN 20 AND 60));
check('several tables in one transaction', q(
	BEGIN;
	UPDATE leaf SET v = v + 1 WHERE id % 3 = 0;
	UPDATE part SET note = 'u' WHERE id % 5 = 0;
	DELETE FROM leaf WHERE id = 61;
	INSERT INTO leaf VALUES (61, 1, 1);
	UPDATE listed SET a = a + 1 WHERE id % 2 = 0;
	COMMIT));
check('whole rows as identities', q(
	UPDATE whole SET c = c + 1 WHERE a = 1;
	DELETE FROM whole WHERE a = 2;
	INSERT INTO whole VALUES (3, NULL, NULL), (3, NULL, NULL);
	UPDATE whole SET b = 'was null' WHERE b IS NULL));
check('columns and rows that are published', q(
	UPDATE listed SET hidden = 'still';
	UPDATE listed SET a = a * 2 WHERE id < 20;
	UPDATE filtered SET keep = NOT keep WHERE id % 3 = 0;
	UPDATE filtered SET a = a + 1;
	DELETE FROM filtered WHERE id % 10 = 0));
check('values that are not sent', 'UPDATE wide SET n = n + 1; UPDATE wide SET id = id + 100 WHERE id < 10');
check(
	'a large transaction that is streamed, parts of it rolled back', q(
	BEGIN;
	INSERT INTO part SELECT 10000 + i, i * 7 % 200, i, 's' || i % 3 FROM generate_series(1, 3000) i;
	SAVEPOINT a;
	UPDATE leaf SET v = v + 100;
	INSERT INTO whole SELECT i, 'rolled back', i FROM generate_series(1, 2000) i;
	ROLLBACK TO a;
	UPDATE wide SET n = n + 1, long = repeat(md5(n::text), 300);
	SAVEPOINT b;
	DELETE FROM part WHERE id % 7 = 0;
	RELEASE b;
	TRUNCATE whole;
	INSERT INTO whole VALUES (1, 's', 1);
	COMMIT));
$publisher->safe_psql('postgres', "SELECT pg_stat_force_next_flush()");
$publisher->poll_query_until('postgres', "SELECT stream_txns > 0 FROM pg_stat_replication_slots WHERE slot_name = 'sub'")
  or die 'nothing was streamed';
pass('it was streamed');
check('and one that is rolled back', q(
	BEGIN;
	INSERT INTO part SELECT 20000 + i, i * 7 % 200, i, 'r' FROM generate_series(1, 3000) i;
	UPDATE leaf SET v = 0;
	ROLLBACK;
	UPDATE leaf SET v = v + 1 WHERE id = 1));
check('TRUNCATE of a root and of partitions', q(
	TRUNCATE part;
	TRUNCATE leaf_low, listed;
	INSERT INTO part SELECT i, i * 3 % 200, i, 'again' FROM generate_series(1, 100) i;
	INSERT INTO listed VALUES (12, 12)));

# partitions of the subscriber that leave and come back
$subscriber->safe_psql(
	'postgres', q(
	BEGIN;
	ALTER TABLE leaf DETACH PARTITION leaf_high;
	UPDATE leaf_high SET k = k;
	ALTER TABLE leaf ATTACH PARTITION leaf_high FOR VALUES FROM (100) TO (MAXVALUE);
	COMMIT));
check('a partition that was detached and attached', 'UPDATE leaf SET v = v + 5');

# the table is subscribed to anew: truncated, and copied again into views that are there
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION sub SET PUBLICATION by_leaf, pieces');
$subscriber->safe_psql('postgres', 'TRUNCATE part, whole, wide; ALTER SUBSCRIPTION sub SET PUBLICATION by_root, by_leaf, pieces');
$subscriber->wait_for_subscription_sync($publisher, 'sub');
check('copied again');

# a crash of the subscriber while it applies
my $writer = Load::repeat($publisher, 'postgres', 'writer', q(
	UPDATE part SET v = v + 1, k = (k + 1) % 200;
	UPDATE leaf SET v = v + 1;
	INSERT INTO whole VALUES (1, 'w', 1);
));
my $before = $subscriber->safe_psql('postgres', 'SELECT count(*) FROM whole');
$subscriber->poll_query_until('postgres', "SELECT count(*) >= $before + 3 FROM whole") or die 'nothing is applied';
$subscriber->stop('immediate');
$subscriber->start;
$before = $subscriber->safe_psql('postgres', 'SELECT count(*) FROM whole');
$subscriber->poll_query_until('postgres', "SELECT count(*) >= $before + 3 FROM whole") or die 'nothing is applied';
is(Load::stop($publisher, 'postgres', $writer), '', 'nothing failed on the publisher');
check('a crash while transactions are applied');

$subscriber->stop;
$publisher->stop;
is(Load::faults($subscriber), '', 'the subscriber is well');
done_testing();
