# Someone else's DDL, all the time: what a session knows of the catalogs it may have to look up anew whenever it takes a
# lock.  Nothing fails by that, at any isolation level, and the views equal their queries.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib $FindBin::Bin;
use Load;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', $Load::settings);
$node->start;
Load::create($node, 'postgres');
$node->safe_psql(
	'postgres', q(
	CREATE PUBLICATION storm FOR ALL TABLES WITH (publish = 'insert');
	CREATE TABLE counted (id int PRIMARY KEY, k int, n int);
	INSERT INTO counted SELECT i, i % 10, 0 FROM generate_series(1, 1000) i;
	CREATE MATERIALIZED VIEW count_groups USING tview AS SELECT k, sum(n) AS n, max(id) AS top FROM counted GROUP BY k;
	CREATE MATERIALIZED VIEW count_later USING tview AS SELECT k, count(*) AS n FROM counted WHERE n % 2 = 0 GROUP BY k;
	SELECT tview.set('count_later', 'deferred')));

# other sessions forget schemas, then all relations and functions
my $schemas = $node->basedir . '/schemas.sql';
append_to_file($schemas, "CREATE SCHEMA storm_:client_id;\nDROP SCHEMA storm_:client_id;\n");
my @storm = (
	Load::run($node, 'storm', 'pgbench', '-n', '-c', 3, '-T', 600, '-f', $schemas, $node->connstr('postgres')),
	Load::repeat($node, 'postgres', 'more_storm', q(
ALTER PUBLICATION storm SET (publish = 'insert');
CREATE FUNCTION public.storm() RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION public.storm();
) x 50));

foreach my $level ('serializable', 'repeatable read', 'read committed')
{
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET default_transaction_isolation = '$level'");
	my $before = $node->safe_psql('postgres', 'SELECT sum(n) FROM counted');
	# one writer: it never has to be retried
	my $writer = Load::bench($node, 'postgres', 1, q(
\set i random(1, 1000)
BEGIN;
UPDATE counted SET n = n + 1 WHERE id = :i;
COMMIT;
));
	$node->poll_query_until('postgres', "SELECT sum(n) > $before + 300 FROM counted") or die 'nothing is written';
	is(Load::stop_some($node, 'postgres', $writer), '', "$level: a writer");

	my @load = Load::start($node, 'postgres');
	Load::wait_for_progress($node, 'postgres', 100, 1);
	is(Load::stop_some($node, 'postgres', @load), '', "$level: writers under DDL of their own");
	is(Load::differences($node, 'postgres'), '', "$level: views equal their queries");
}
is(Load::stop($node, 'postgres', @storm), '', 'the other DDL');

$node->stop;
is(Load::faults($node), '', 'the server is well');
done_testing();
