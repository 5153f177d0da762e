# The library must be loaded when a statement begins: the ways to have that, and the error otherwise.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;

my $create = q(
	CREATE TABLE item (id int PRIMARY KEY, kind int);
	INSERT INTO item VALUES (0, 0);
	CREATE MATERIALIZED VIEW v USING tview AS SELECT kind, count(*) AS n FROM item GROUP BY kind;
	INSERT INTO item SELECT i, i % 3 FROM generate_series(1, 30) i);
my $differences = 'SELECT d.* FROM tview.check($$v$$) d';

# not preloaded: the session that creates the extension has it, a later one has it not
$node->safe_psql('postgres', 'CREATE EXTENSION pg_tviews; CREATE TABLE plain (id int)');
my ($code, $out, $err) = $node->psql('postgres', 'CREATE MATERIALIZED VIEW p USING tview AS SELECT count(*) FROM plain');
isnt($code, 0, 'refused without preloading');
my @errors = $err =~ /ERROR:/g;
is(scalar(@errors), 1, 'by one error');
like($err, qr/shared_preload_libraries/, 'that names shared_preload_libraries');
like($err, qr/session_preload_libraries/, 'and session_preload_libraries');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_class WHERE relname = $$p$$'), '0', 'nothing is left');

# per session, set for the database
$node->safe_psql('postgres', 'CREATE DATABASE by_database');
$node->safe_psql('postgres', q(ALTER DATABASE by_database SET session_preload_libraries = 'pg_tviews'));
$node->safe_psql('by_database', "CREATE EXTENSION pg_tviews;\n$create");
is($node->safe_psql('by_database', 'SELECT sum(n) FROM v'), '31', 'session_preload_libraries of the database');
is($node->safe_psql('by_database', $differences), '', 'the view equals its query');

# a session that has it not loads it at the first use; the views stay right
my $bare = $node->connstr('by_database');
$bare .= " options='-c session_preload_libraries='";
foreach my $write ('INSERT INTO item VALUES (31, 1)', 'DELETE FROM item WHERE id = 1', 'TRUNCATE item', 'COPY item FROM PROGRAM $$echo 99 1 | tr " " "\t"$$',
	'WITH d AS (DELETE FROM item WHERE id = 2 RETURNING *) INSERT INTO item SELECT id + 100, kind FROM d',
	'BEGIN; UPDATE item SET kind = 9 WHERE id = 3; INSERT INTO item VALUES (50, 9); COMMIT')
{
	$node->safe_psql('postgres', $write, connstr => $bare);
	is($node->safe_psql('by_database', $differences), '', "a session without it: $write");
}

# several statements in one message, the first of which loads it
($code, $out, $err) = $node->psql('postgres', 'SELECT 1; BEGIN\; INSERT INTO item VALUES (70, 1)\; SELECT * FROM v\; COMMIT', connstr => $bare);
like($err, qr/changes that cannot be applied yet.*session_preload_libraries/s, 'a session without it: a read in the message that loads it');
is($node->safe_psql('by_database', $differences), '', 'the view equals its query');

# nor does it do harm by DDL
($code, $out, $err) = $node->psql('postgres', 'REFRESH MATERIALIZED VIEW v', connstr => $bare);
like($err, qr/session_preload_libraries/, 'a session without it cannot refresh: it would not wait for writers');
($code, $out, $err) = $node->psql('postgres', 'REFRESH MATERIALIZED VIEW CONCURRENTLY v', connstr => $bare);
like($err, qr/session_preload_libraries/, 'nor concurrently');
($code, $out, $err) = $node->psql('postgres', 'VACUUM FULL v', connstr => $bare);
is($err, '', 'a session without it: VACUUM FULL');
is($node->safe_psql('by_database', $differences), '', 'the view equals its query');
$node->psql('postgres', 'ALTER TABLE item RENAME COLUMN kind TO sort; INSERT INTO item VALUES (60, 5)', connstr => $bare);
is($node->safe_psql('by_database', $differences), '', 'a session without it: ALTER TABLE');
$node->safe_psql('by_database', 'INSERT INTO item VALUES (61, 5)');
is($node->safe_psql('by_database', $differences), '', 'written afterwards');
($code, $out, $err) = $node->psql('postgres', 'DROP MATERIALIZED VIEW v', connstr => $bare);
is($err, '', 'a session without it: DROP');
is( $node->safe_psql('by_database', 'SELECT count(*) FROM tview.view UNION ALL SELECT count(*) FROM tview.state UNION ALL SELECT count(*) FROM tview.input'),
	"0\n0\n0", 'nothing is left of the view');
$node->safe_psql('by_database', 'INSERT INTO item VALUES (62, 5); DROP TABLE item CASCADE');
$node->safe_psql('by_database', $create);

# by shared_preload_libraries
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\n");
$node->restart;
$node->safe_psql('postgres', "$create");
is($node->safe_psql('postgres', $differences), '', 'shared_preload_libraries');
is($node->safe_psql('by_database', $differences), '', 'both');
$node->safe_psql('by_database', 'INSERT INTO item VALUES (1000, 4)');
is($node->safe_psql('by_database', $differences), '', 'both, written');

$node->stop;
done_testing();
