# A flush takes little memory, however many rows and groups it changes.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 250_000;
my $bound = 60;    # MB; 100 and more if all that is touched were kept in memory

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
fsync = off
shared_preload_libraries = 'pg_tviews'
shared_buffers = 16MB
max_wal_size = 2GB
jit = off
));
$node->start;
$node->safe_psql('postgres', qq(
	CREATE EXTENSION pg_tviews;
	CREATE TABLE m (id int PRIMARY KEY, g int, x int, pad text);
	INSERT INTO m SELECT i, i % 1000, i, repeat('x', 20) || i FROM generate_series(1, $rows) i;
	ANALYZE m));

my %views = (
	rows => 'SELECT id, g, x, pad, 1 AS y, 2 AS z FROM m',
	'rows without key' => 'SELECT g, x, pad FROM m',
	groups => 'SELECT id, count(*) AS n, sum(x) AS s, max(x) AS m FROM m GROUP BY id',
	'groups in a hidden table' => 'SELECT id, sum(x) AS s FROM m GROUP BY id HAVING count(*) < 2',
	lists => 'SELECT id / 2 AS half, array_agg(x ORDER BY x) AS xs, string_agg(pad, $$,$$ ORDER BY x) AS pads FROM m GROUP BY id / 2',
	'different rows' => 'SELECT DISTINCT x, pad FROM m',
	arguments => 'SELECT count(*) AS n, sum(x::numeric) AS s, variance(x::numeric) AS v FROM m',
	windows => 'SELECT id, x, rank() OVER (PARTITION BY id / 10 ORDER BY x) AS r FROM m',
);

# The most that the backend has had, in MB.
my $peak = q{SELECT substring(pg_read_file('/proc/self/status', 0, 8192) FROM 'VmHWM:\s*(\d+)')::int / 1024};

foreach my $name (sort keys %views)
{
	$node->safe_psql('postgres', "CREATE MATERIALIZED VIEW v USING tview AS $views{$name}");
	$node->safe_psql('postgres', q(SELECT tview.set('v', 'deferred')));
	my $out = $node->safe_psql('postgres', qq(
		SET work_mem = '64kB';
		SET hash_mem_multiplier = 1;
		SELECT count(*) FROM m;
		UPDATE m SET x = x + 1 WHERE id < 100;
		$peak;
		BEGIN;
		UPDATE m SET x = x + 2;
		COMMIT;
		$peak));
	my (undef, $before, $after) = split /\n/, $out;
	cmp_ok($after - $before, '<', $bound, "$name: $before MB, then $after MB");
	is($node->safe_psql('postgres', q(SELECT d FROM tview.check('v') d LIMIT 3)), '', "$name: the view equals its query");
	$node->safe_psql('postgres', 'DROP MATERIALIZED VIEW v');
}
$node->stop;
done_testing();
