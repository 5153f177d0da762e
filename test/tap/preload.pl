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
like($err, qr/"p"/, 'and the view');
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

# nor does it do harm by refreshing
($code, $out, $err) = $node->psql('postgres', 'REFRESH MATERIALIZED VIEW v', connstr => $bare);
like($err, qr/session_preload_libraries/, 'a session without it cannot refresh: it would not wait for writers');
($code, $out, $err) = $node->psql('postgres', 'REFRESH MATERIALIZED VIEW CONCURRENTLY v', connstr => $bare);
like($err, qr/session_preload_libraries/, 'nor concurrently');
($code, $out, $err) = $node->psql('postgres', 'VACUUM FULL v', connstr => $bare);
is($err, '', 'a session without it: VACUUM FULL');
is($node->safe_psql('by_database', $differences), '', 'the view equals its query');

# DDL that a view would have to follow is refused, in whatever way the session comes to it
$node->safe_psql('by_database', q(
	CREATE TABLE tree (id int, kind int NOT NULL) PARTITION BY LIST (kind);
	CREATE TABLE leaf PARTITION OF tree FOR VALUES IN (1);
	CREATE TABLE loose (id int, kind int NOT NULL);
	INSERT INTO loose VALUES (7, 2);
	CREATE TABLE mother (id int);
	CREATE TABLE daughter () INHERITS (mother);
	CREATE TABLE stranger (id int PRIMARY KEY, gone int);
	CREATE TYPE mood AS ENUM ('fine', 'bad');
	CREATE TYPE pair AS (a int, b int);
	CREATE TABLE keyed (k int NOT NULL, note text, feeling mood, both_ pair, CONSTRAINT keyed_k UNIQUE (k));
	CREATE UNIQUE INDEX keyed_note ON keyed (note);
	CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
	CREATE VIEW between_ AS SELECT k, note FROM keyed;
	INSERT INTO tree VALUES (1, 1);
	INSERT INTO mother VALUES (1);
	INSERT INTO daughter VALUES (2);
	INSERT INTO keyed VALUES (1, 'one', 'fine', (1, 2));
	CREATE MATERIALIZED VIEW of_tree USING tview AS SELECT id, kind FROM tree;
	CREATE MATERIALIZED VIEW of_mother USING tview AS SELECT id FROM mother;
	CREATE MATERIALIZED VIEW of_keyed USING tview AS SELECT b.k, twice(b.k), b.note FROM between_ b;
	CREATE MATERIALIZED VIEW of_types USING tview AS SELECT k, feeling::text, both_ FROM keyed));
my @views = qw(v of_tree of_mother of_keyed of_types);
sub all_equal
{
	my ($name) = @_;
	is($node->safe_psql('by_database', join(';', map { "SELECT d.* FROM tview.check('$_') d" } @views)), '', "the views equal their queries: $name");
}
foreach my $ddl ('ALTER TABLE item RENAME COLUMN kind TO sort',
	'ALTER TABLE item DISABLE TRIGGER ALL',
	'ALTER TABLE item ENABLE ROW LEVEL SECURITY',
	'ALTER TABLE item SET UNLOGGED',
	'ALTER TABLE keyed DROP CONSTRAINT keyed_k',
	'DROP INDEX CONCURRENTLY keyed_note',
	'DROP INDEX keyed_note',
	'ALTER TABLE tree ATTACH PARTITION loose FOR VALUES IN (2)',
	'ALTER TABLE tree DETACH PARTITION leaf',
	'ALTER TABLE tree DETACH PARTITION leaf CONCURRENTLY',
	'CREATE TABLE leaf3 PARTITION OF tree FOR VALUES IN (3)',
	'CREATE TABLE son () INHERITS (mother)',
	'ALTER TABLE daughter NO INHERIT mother',
	'DROP TABLE leaf',
	'DROP TABLE daughter',
	'CREATE OR REPLACE VIEW between_ AS SELECT k, note FROM keyed WHERE k > 1',
	'CREATE OR REPLACE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$SELECT $1 * 3$$',
	'ALTER TYPE mood RENAME VALUE $$fine$$ TO $$good$$',
	'ALTER TYPE pair RENAME ATTRIBUTE a TO c',
	'ALTER MATERIALIZED VIEW v SET ACCESS METHOD heap',
	'ALTER SCHEMA tview RENAME TO other',
	'SET session_replication_role = replica; ALTER TABLE tree DETACH PARTITION leaf',
	'DO $$BEGIN EXECUTE $x$ALTER TABLE tree DETACH PARTITION leaf$x$; END$$',
	'CREATE SCHEMA nest CREATE VIEW w AS SELECT 1 AS a CREATE TABLE leaf4 PARTITION OF public.tree FOR VALUES IN (4)')
{
	($code, $out, $err) = $node->psql('postgres', $ddl, connstr => $bare);
	like($err, qr/session_preload_libraries|requires it|concurrently from table|access method/, "a session without it is refused: $ddl");
	all_equal($ddl);
}
is($node->safe_psql('by_database', 'SELECT count(*) FROM pg_index WHERE NOT indisvalid'), '0', 'no index was left half dropped');

# several in one message or block: nothing of a failed one is left over
($code, $out, $err) = $node->psql('postgres', 'DO $$BEGIN
	BEGIN ALTER TABLE stranger DROP COLUMN missing; EXCEPTION WHEN undefined_column THEN NULL; END;
	CREATE TABLE leaf5 PARTITION OF tree FOR VALUES IN (5); INSERT INTO leaf5 VALUES (5, 5); END$$', connstr => $bare);
is($err, '', 'a statement after one that failed is seen');
all_equal('after it');
($code, $out, $err) = $node->psql('postgres', 'DO $$BEGIN
	BEGIN ALTER TABLE tree DETACH PARTITION leaf; EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END;
	ALTER TABLE tree DETACH PARTITION leaf; END$$', connstr => $bare);
is($err, '', 'and after one that was refused');
all_equal('after that');

# DDL waits for those who make views
($code, $out, $err) = $node->psql('by_database', qq(BEGIN;
	CREATE MATERIALIZED VIEW made USING tview AS SELECT k, feeling::text FROM keyed;
	\\! psql -X -d "$bare" -c "SET lock_timeout = '10ms'" -c "ALTER TYPE mood RENAME VALUE 'fine' TO 'good'" 2>&1
	ROLLBACK));
like($out, qr/canceling statement due to lock timeout/, 'a session without it waits for a view that is being made');

# what is no business of views
foreach my $ddl ('CREATE TABLE free (id int)', 'ALTER TABLE stranger DROP COLUMN gone', 'CREATE TEMP TABLE t (id int)', 'CREATE INDEX ON item (kind)',
	'CREATE INDEX CONCURRENTLY ON item (kind)', 'COMMENT ON TABLE item IS $$things$$', 'CREATE TRIGGER plain AFTER INSERT ON item FOR EACH ROW WHEN (false) EXECUTE FUNCTION suppress_redundant_updates_trigger()',
	'DROP TABLE stranger', 'CREATE FUNCTION thrice(int) RETURNS int LANGUAGE sql AS $$SELECT $1 * 3$$', 'DROP TABLE keyed CASCADE', 'DROP SCHEMA public CASCADE; ROLLBACK')
{
	($code, $out, $err) = $node->psql('postgres', $ddl =~ /ROLLBACK/ ? "BEGIN; $ddl" : $ddl, connstr => $bare);
	unlike($err, qr/ERROR/, "a session without it: $ddl");
}
@views = grep { !/of_(keyed|types)/ } @views;
all_equal('unrelated DDL');
is($node->safe_psql('by_database', 'SELECT count(*) FROM tview.view'), '3', 'nothing is left of views dropped with their table');
$node->safe_psql('by_database', 'INSERT INTO item VALUES (61, 5); INSERT INTO tree VALUES (9, 5); DROP TABLE tree, mother CASCADE');
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
