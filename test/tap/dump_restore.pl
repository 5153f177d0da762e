# A dump, restored in any way, goes on being maintained with no further step; its options come along.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nfsync = off\n");
$node->start;
my $dir = $node->basedir;

$node->safe_psql('postgres', 'CREATE DATABASE source; CREATE ROLE keeper; CREATE ROLE reader');
$node->safe_psql(
	'source', q(
	CREATE EXTENSION pg_tviews;
	CREATE SCHEMA "Odd; schema";
	GRANT ALL ON SCHEMA public, "Odd; schema" TO keeper;
	CREATE TABLE item (id int PRIMARY KEY, kind int, amount int, at timestamptz DEFAULT '2024-01-01 12:00+00');
	CREATE TABLE kind (kind int PRIMARY KEY, name text);
	INSERT INTO item SELECT i, i % 5, i FROM generate_series(1, 1000) i;
	INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 4) i;
	GRANT ALL ON item, kind TO keeper;
	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT kind, count(*) AS n, sum(amount) AS total, avg(amount) AS mean, max(amount) AS most FROM item GROUP BY kind;
	-- read by name after the view that it reads: the order of the dump is by dependency
	CREATE MATERIALIZED VIEW a_sizes USING tview AS SELECT n, count(*) AS kinds FROM totals GROUP BY n;
	-- depends on a primary key: pg_dump moves it behind the constraints
	CREATE MATERIALIZED VIEW by_key USING tview AS
	  SELECT k.kind, k.name, count(*) AS n FROM kind k JOIN item USING (kind) GROUP BY k.kind;
	CREATE MATERIALIZED VIEW "Odd; schema"."Odd ""view" USING tview AS SELECT name, amount FROM item JOIN kind USING (kind);
	CREATE INDEX odd_amount ON "Odd; schema"."Odd ""view" (amount);
	CREATE MATERIALIZED VIEW distinct_kinds USING tview AS SELECT DISTINCT kind FROM item;
	CREATE MATERIALIZED VIEW hollow USING tview AS SELECT id FROM item WITH NO DATA;
	CREATE VIEW over_it AS SELECT * FROM totals WHERE n > 1;
	SET TimeZone = 'Asia/Kolkata';
	SET DateStyle = 'German, DMY';
	CREATE MATERIALIZED VIEW texts USING tview AS SELECT id, to_json(at)::text AS at, at::text AS shown FROM item;
	ALTER MATERIALIZED VIEW totals OWNER TO keeper;
	GRANT SELECT ON totals TO reader;
));

my $views = q("Odd; schema"."Odd ""view", a_sizes, by_key, distinct_kinds, texts, totals);
my $state = q(
	SELECT c.oid::regclass, pg_get_viewdef(c.oid), c.relacl::text, pg_get_userbyid(c.relowner), c.relispopulated,
	       (SELECT string_agg(pg_get_indexdef(indexrelid), E'\n' ORDER BY pg_get_indexdef(indexrelid) COLLATE "C")
	          FROM pg_index WHERE indrelid = c.oid),
	       (SELECT string_agg(b::text, ' ' ORDER BY b::text COLLATE "C") FROM tview.views v, unnest(bases) b WHERE v.view = c.oid),
	       (SELECT string_agg(mode || strategy, ' ') FROM tview.views v WHERE v.view = c.oid),
	       (SELECT string_agg(label, ' ') FROM pg_seclabels WHERE objtype = 'materialized view' AND objoid = c.oid)
	  FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'tview' AND c.relkind = 'm'
	 ORDER BY c.oid::regclass::text COLLATE "C");
my $contents = join ";\n", map { "TABLE $_ ORDER BY 1, 2" }
  ('"Odd; schema"."Odd ""view"', 'a_sizes', 'by_key', 'texts', 'totals'), 'over_it';
my $differences = q(
	SELECT v.view, d.* FROM tview.views v, tview.check(v.view) d WHERE v.populated);

my $state_before = $node->safe_psql('source', $state);
my $contents_before = $node->safe_psql('source', $contents);
like($state_before, qr/Asia\/Kolkata/, 'a view keeps its settings');
like($contents_before, qr/2024-01-01T17:30:00\+05:30/, 'and is rendered by them');

sub check_restored
{
	my ($database) = @_;

	is($node->safe_psql($database, $state), $state_before, "$database: the same definitions, owners, rights, indexes, options");
	is($node->safe_psql($database, $contents), $contents_before, "$database: the same contents");
	is($node->safe_psql($database, $differences), '', "$database: views equal their queries");
	$node->safe_psql(
		$database, q(
		SET TimeZone = 'America/New_York';
		INSERT INTO item VALUES (1001, 3, 5000), (1002, 77, 1);
		UPDATE kind SET name = 'renamed' WHERE kind = 3;
		DELETE FROM item WHERE id IN (4, 1000);
		UPDATE item SET at = '2024-06-01 00:00+00' WHERE id = 1));
	is($node->safe_psql($database, $differences), '', "$database: maintained with no further step");
	is($node->safe_psql($database, 'SELECT n, most FROM totals WHERE kind = 3'), '201|5000', "$database: a change arrives");
	is($node->safe_psql($database, 'SELECT at, shown FROM texts WHERE id = 1'),
		'"2024-06-01T05:30:00+05:30"|01.06.2024 05:30:00 IST', "$database: rendered by the options of the view");
	is($node->safe_psql($database, "SELECT count(*) FROM tview.state s WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = s.state)"),
		'0', "$database: no reference to what is not there");
	$node->safe_psql($database, 'REFRESH MATERIALIZED VIEW hollow; DELETE FROM item WHERE id = 2');
	is($node->safe_psql($database, $differences), '', "$database: the unpopulated view can be refreshed");
	$node->safe_psql($database, 'DROP TABLE item CASCADE');
	is($node->safe_psql($database, 'SELECT count(*) FROM tview.state'), '0', "$database: dropped without a rest");
}

sub run_ok
{
	my ($name, @command) = @_;
	my ($out, $err) = run_command([@command]);

	is($err, '', $name);
}

# SQL, by psql
run_ok('pg_dump plain', 'pg_dump', '-f', "$dir/plain.sql", $node->connstr('source'));
unlike(slurp_file("$dir/plain.sql"), qr/state_\d+/, 'hidden state is left out of the dump');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
run_ok('psql', 'psql', '-XAtq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", $node->connstr('plain'));
check_restored('plain');

# custom, in one transaction
run_ok('pg_dump custom', 'pg_dump', '-Fc', '-f', "$dir/custom.dump", $node->connstr('source'));
$node->safe_psql('postgres', 'CREATE DATABASE custom');
run_ok('pg_restore', 'pg_restore', '-1', '-d', $node->connstr('custom'), "$dir/custom.dump");
check_restored('custom');

# directory, in parallel
run_ok('pg_dump directory', 'pg_dump', '-Fd', '-j2', '-f', "$dir/directory", $node->connstr('source'));
$node->safe_psql('postgres', 'CREATE DATABASE directory');
run_ok('pg_restore in parallel', 'pg_restore', '-j2', '-d', $node->connstr('directory'), "$dir/directory");
check_restored('directory');

# the schema first, then the data, with triggers disabled: views are populated by the schema's REFRESH or later
$node->safe_psql('postgres', 'CREATE DATABASE pieces');
run_ok('pg_restore schema', 'pg_restore', '-s', '-d', $node->connstr('pieces'), "$dir/custom.dump");
run_ok('pg_restore data', 'pg_restore', '-a', '--disable-triggers', '-d', $node->connstr('pieces'), "$dir/custom.dump");
check_restored('pieces');

# over what is there
$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE source');
run_ok('pg_restore --clean', 'pg_restore', '-c', '--if-exists', '-d', $node->connstr('again'), "$dir/custom.dump");
check_restored('again');

# a copied database has the same OIDs
$node->safe_psql('postgres', 'CREATE DATABASE copied TEMPLATE source');
check_restored('copied');

$node->stop;
done_testing();
