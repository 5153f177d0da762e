# pg_upgrade, from the version of OLD_PG_CONFIG (default: this one), moves views with all they need: they go on
# being maintained with no further step.
use strict;
use warnings FATAL => 'all';
use Cwd;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %install;
if ($ENV{OLD_PG_CONFIG})
{
	my ($bindir) = run_command([ $ENV{OLD_PG_CONFIG}, '--bindir' ]);
	$install{install_path} = $bindir =~ s{/bin$}{}r;
}
my $old = PostgreSQL::Test::Cluster->new('old', %install);
my $new = PostgreSQL::Test::Cluster->new('new');
# Data checksums are the default from 18 on, and must be alike.
my @new_options = $new->pg_version >= 18 ? ('--no-data-checksums') : ();

sub init_node
{
	my ($node, @options) = @_;

	# the same in all versions
	$node->init(extra => [ '--no-locale', '--encoding', 'UTF8', @options ]);
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nfsync = off\njit = off\nmax_prepared_transactions = 0\n");
}
init_node($old);
init_node($new, @new_options);

$old->start;
$old->safe_psql('postgres', 'CREATE DATABASE source; CREATE ROLE keeper; CREATE ROLE reader');
$old->safe_psql(
	'source', q(
	CREATE EXTENSION pg_tviews;
	CREATE SCHEMA "Odd; schema";
	GRANT ALL ON SCHEMA public, "Odd; schema" TO keeper;
	-- OIDs of columns' numbers and of functions differ between the clusters
	CREATE TABLE item (gone int, id int PRIMARY KEY, kind int, amount numeric, at timestamptz DEFAULT '2024-01-01 12:00+00', doc jsonb, mood text COLLATE "C");
	ALTER TABLE item DROP COLUMN gone;
	CREATE INDEX ON item (amount DESC, id);
	CREATE TABLE kind (kind int PRIMARY KEY, name text NOT NULL, parent int);
	INSERT INTO item SELECT i, nullif(i % 7, 6), i / 8.0, '2024-01-01 12:00+00', jsonb_build_object('n', i), chr(65 + i % 26)
	  FROM generate_series(1, 500) i;
	INSERT INTO kind SELECT i, 'kind ' || i, nullif(i - 1, -1) FROM generate_series(0, 6) i;
	CREATE TYPE pair AS (a int, b text);
	CREATE TYPE level AS ENUM ('low', 'high');
	CREATE TABLE typed (id int PRIMARY KEY, p pair, l level, r int4range);
	INSERT INTO typed SELECT i, (i % 3, 'x')::pair, CASE i % 2 WHEN 0 THEN 'low' ELSE 'high' END::level, int4range(i, i + 5)
	  FROM generate_series(1, 40) i;
	CREATE TABLE sale (day date, amount int, kind int) PARTITION BY RANGE (day);
	CREATE TABLE sale_2024 PARTITION OF sale FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (kind);
	CREATE TABLE sale_2024_a PARTITION OF sale_2024 FOR VALUES IN (0, 1, 2);
	CREATE TABLE sale_2024_b (kind int, amount int, day date);
	ALTER TABLE sale_2024 ATTACH PARTITION sale_2024_b DEFAULT;
	CREATE TABLE sale_2025 PARTITION OF sale FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
	INSERT INTO sale SELECT date '2024-01-01' + i, i, i % 7 FROM generate_series(1, 600) i;
	CREATE TABLE forebear (id int PRIMARY KEY, v int);
	CREATE TABLE heir (w int) INHERITS (forebear);
	INSERT INTO forebear VALUES (1, 1), (2, 2);
	INSERT INTO heir VALUES (2, 20, 5), (3, 30, 6);
	CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
	CREATE FUNCTION add_up(bigint, int) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 + $2';
	CREATE FUNCTION take_off(bigint, int) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 - $2';
	CREATE AGGREGATE running_sum(int) (SFUNC = add_up, STYPE = bigint, INITCOND = '0',
	  MSFUNC = add_up, MINVFUNC = take_off, MSTYPE = bigint, MINITCOND = '0');
	GRANT SELECT, TRIGGER ON ALL TABLES IN SCHEMA public TO keeper;

	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT kind, count(*) AS n, sum(amount) AS total, avg(amount) AS mean, stddev(amount) AS dev, max(amount) AS most FROM item GROUP BY kind;
	CREATE MATERIALIZED VIEW a_sizes USING tview AS SELECT n, count(*) AS kinds FROM totals GROUP BY n;
	CREATE MATERIALIZED VIEW by_key USING tview AS
	  SELECT k.kind, k.name, count(*) AS n FROM kind k JOIN item USING (kind) GROUP BY k.kind;
	-- a plain view that depends on a primary key, which pg_dump makes empty first
	CREATE VIEW named AS SELECT k.kind, k.name, count(*) AS n FROM kind k JOIN item USING (kind) GROUP BY k.kind;
	CREATE MATERIALIZED VIEW over_named USING tview AS SELECT name, n FROM named WHERE n > 1;
	CREATE MATERIALIZED VIEW over_over_named USING tview AS SELECT sum(n) AS n FROM over_named;
	CREATE MATERIALIZED VIEW "Odd; schema"."Odd ""view" USING tview AS SELECT name, amount FROM item JOIN kind USING (kind);
	CREATE INDEX odd_amount ON "Odd; schema"."Odd ""view" (amount);
	CREATE MATERIALIZED VIEW bag USING tview AS SELECT kind, mood FROM item;
	CREATE MATERIALIZED VIEW distinct_kinds USING tview AS SELECT DISTINCT kind FROM item;
	CREATE MATERIALIZED VIEW distinct_aggs USING tview AS
	  SELECT kind, count(DISTINCT mood) AS moods, sum(DISTINCT id) AS ids, string_agg(mood, ',' ORDER BY id) AS all_moods FROM item GROUP BY kind;
	CREATE MATERIALIZED VIEW documents USING tview AS
	  SELECT k.kind, jsonb_build_object('name', k.name, 'items',
	           (SELECT jsonb_agg(jsonb_build_object('id', i.id, 'doc', i.doc) ORDER BY i.id) FROM item i WHERE i.kind = k.kind)) AS doc
	    FROM kind k;
	CREATE MATERIALIZED VIEW outer_joined USING tview AS
	  SELECT k.kind, k.name, p.name AS parent, count(i.id) AS n
	    FROM kind k LEFT JOIN kind p ON p.kind = k.parent LEFT JOIN item i ON i.kind = k.kind GROUP BY k.kind, k.name, p.name;
	CREATE MATERIALIZED VIEW top_items USING tview AS SELECT id, amount FROM item ORDER BY amount DESC, id LIMIT 10;
	CREATE MATERIALIZED VIEW top_of_kind USING tview AS SELECT DISTINCT ON (kind) kind, id, amount FROM item ORDER BY kind, amount DESC;
	CREATE MATERIALIZED VIEW ranks USING tview AS
	  SELECT id, rank() OVER w AS rank, sum(amount) OVER w AS running FROM item WINDOW w AS (PARTITION BY kind ORDER BY amount, id);
	CREATE MATERIALIZED VIEW ancestors USING tview AS
	  WITH RECURSIVE r AS (SELECT kind, parent FROM kind UNION SELECT r.kind, k.parent FROM r JOIN kind k ON k.kind = r.parent)
	  SELECT * FROM r;
	CREATE MATERIALIZED VIEW cubed USING tview AS SELECT kind, mood, count(*) AS n, sum(amount) AS total FROM item GROUP BY CUBE (kind, mood);
	CREATE MATERIALIZED VIEW except_all USING tview AS SELECT kind FROM item EXCEPT ALL SELECT kind FROM kind;
	CREATE MATERIALIZED VIEW above_average USING tview AS SELECT id, amount FROM item WHERE amount > (SELECT avg(amount) FROM item);
	CREATE MATERIALIZED VIEW unseen USING tview AS SELECT kind FROM kind k WHERE NOT EXISTS (SELECT FROM item i WHERE i.kind = k.kind);
	CREATE MATERIALIZED VIEW types USING tview AS SELECT (p).a, l, range_agg(r) AS r, count(*) AS n, running_sum(doubled(id)) AS s FROM typed GROUP BY (p).a, l;
	CREATE MATERIALIZED VIEW rows_whole USING tview AS SELECT t, l FROM typed t;
	CREATE MATERIALIZED VIEW sales USING tview AS SELECT kind, count(*) AS n, sum(amount) AS total FROM sale GROUP BY kind;
	CREATE MATERIALIZED VIEW sales_a USING tview AS SELECT day, amount FROM sale_2024_a;
	CREATE MATERIALIZED VIEW family USING tview AS SELECT tableoid AS t, id, v FROM forebear;
	CREATE MATERIALIZED VIEW family_grouped USING tview AS SELECT v % 2 AS odd, count(*) AS n, sum(v) AS total FROM forebear GROUP BY 1;
	SELECT tview.create('late', 'SELECT kind, count(*) AS n, avg(amount) AS mean FROM item GROUP BY kind', '{"mode": "deferred"}');
	CREATE MATERIALIZED VIEW hollow USING tview AS SELECT id FROM item WITH NO DATA;
	SET TimeZone = 'Asia/Kolkata';
	SET DateStyle = 'German, DMY';
	CREATE MATERIALIZED VIEW texts USING tview AS SELECT id, to_json(at)::text AS at, at::text AS shown FROM item;
	ALTER MATERIALIZED VIEW totals OWNER TO keeper;
	GRANT SELECT ON totals TO reader;

	-- What the server keeps of an interval's sum differs between 16 and 17.
	CREATE TABLE span (kind int, t interval);
	INSERT INTO span SELECT i % 3, i * interval '1 hour' FROM generate_series(1, 20) i;
	CREATE MATERIALIZED VIEW spans USING tview AS SELECT kind, sum(t) AS total, avg(t) AS mean FROM span GROUP BY kind;

	-- No more maintained: its table has become what no maintained view reads.
	CREATE TABLE loose (id int);
	CREATE MATERIALIZED VIEW given_up USING tview AS SELECT id FROM loose;
	SET client_min_messages = error;
	ALTER TABLE loose SET UNLOGGED;

	-- State that has seen changes.
	UPDATE item SET kind = 3 WHERE id % 10 = 0;
	DELETE FROM item WHERE id % 11 = 0;
	DELETE FROM span WHERE t < interval '3 hours';
	UPDATE sale SET day = day + 100 WHERE amount % 50 = 0;
));

# What there is of views: nothing of it may change.
my $state = q(
	SELECT c.oid, c.oid::regclass, pg_get_userbyid(c.relowner), has_table_privilege('reader', c.oid, 'SELECT'), c.relispopulated, c.reloptions,
	       (SELECT string_agg(pg_get_indexdef(indexrelid), E'\n' ORDER BY pg_get_indexdef(indexrelid) COLLATE "C")
	          FROM pg_index WHERE indrelid = c.oid),
	       v.level, v.mode, v.strategy, v.bases::text,
	       (SELECT string_agg(label, ' ') FROM pg_seclabels WHERE objtype = 'materialized view' AND objoid = c.oid)
	  FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN tview.views v ON v.view = c.oid
	 WHERE c.relname <> 'spans' ORDER BY c.oid;
	SELECT s.view, s.node, s.state, s.state::regclass, s.signature,
	       (SELECT string_agg(pg_get_indexdef(indexrelid), E'\n' ORDER BY pg_get_indexdef(indexrelid) COLLATE "C")
	          FROM pg_index WHERE indrelid = s.state)
	  FROM tview.state s ORDER BY s.view, s.node;
	SELECT objid::regclass FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND classid = 'pg_class'::regclass AND deptype = 'e'
	 ORDER BY objid::regclass::text COLLATE "C";
	SELECT p.oid::regprocedure, d.deptype FROM pg_proc p LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	       AND d.refclassid = 'pg_extension'::regclass
	 WHERE pronamespace = 'tview'::regnamespace AND proname NOT LIKE 'state_interval_avg_accum' ORDER BY p.oid::regprocedure::text COLLATE "C");
my $triggers = q(
	SELECT tgrelid::regclass, tgtype, tgenabled, count(*) FROM pg_trigger
	 WHERE tgfoid = 'tview.capture'::regproc AND tgisinternal AND tgrelid <> 'loose'::regclass
	 GROUP BY 1, 2, 3 ORDER BY tgrelid::regclass::text COLLATE "C", 2);
my $views = join ' ', qw(totals a_sizes by_key over_named over_over_named), '"Odd; schema"."Odd ""view"',
  qw(bag distinct_kinds distinct_aggs documents outer_joined top_items top_of_kind ranks ancestors cubed except_all
  above_average unseen types rows_whole sales sales_a family family_grouped late texts spans);
my $contents = q(
	SELECT format('SELECT %L; SELECT v::text FROM %s v ORDER BY v::text COLLATE "C"', view, view) FROM tview.views WHERE populated
	 ORDER BY view::text COLLATE "C" \gexec);
my $differences = q(SELECT v.view, d.* FROM tview.views v, tview.check(v.view) d WHERE v.populated);

# regclass values are shown as they are stored, functions by what they are
my $state_before = $old->safe_psql('source', $state);
my $triggers_before = $old->safe_psql('source', $triggers);
my $contents_before = $old->safe_psql('source', $contents);
is($old->safe_psql('source', 'SELECT string_agg(view::text, $$ $$ ORDER BY view) FROM tview.views WHERE populated'), $views,
	'all views are populated');
is($old->safe_psql('source', $differences), '', 'and equal their queries');
$old->stop;

sub upgrade
{
	my ($node) = @_;
	my $bindir = $old->config_data('--bindir');
	my $here = getcwd();

	# it leaves a script in the current folder
	chdir $node->basedir or die;
	my ($out, $err) = run_command([
			$node->installed_command('pg_upgrade'), '--no-sync', '-d', $old->data_dir, '-D', $node->data_dir, '-b', $bindir,
			'-B', $node->config_data('--bindir'), '-s', $node->host, '-p', $old->port, '-P', $node->port ]);
	chdir $here or die;
	return $out;
}

# The new cluster need not preload the library for the upgrade: what is made before the views loads it.
my $bare = PostgreSQL::Test::Cluster->new('bare');
init_node($bare, @new_options);
$bare->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
like(upgrade($bare), qr/Upgrade Complete/, 'upgraded without preloading the library');
$bare->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'pg_tviews'");
$bare->start;
is($bare->safe_psql('source', $triggers), $triggers_before, 'the same triggers');
$bare->stop;

my $out = upgrade($new);
like($out, qr/Upgrade Complete/, 'upgraded') or BAIL_OUT($out);
$new->start;

is($new->safe_psql('source', $state), $state_before, 'the same definitions, owners, options, state, indexes and members');
is($new->safe_psql('source', $triggers), $triggers_before, 'the same triggers');
is($new->safe_psql('source', $contents), $contents_before, 'the same contents');

# Of the sum of intervals the new server keeps something else: an error tells, and nothing is stale.
my $interval_changed = $old->pg_version < 17 && $new->pg_version >= 17;
if ($interval_changed)
{
	is( $new->safe_psql('source', q(
			SELECT DISTINCT v.view::regclass
			  FROM tview.view v LEFT JOIN tview.state s USING (view) JOIN pg_attribute a ON a.attrelid IN (v.view, s.state)
			 WHERE a.atttypid IN ('interval'::regtype, 'interval[]'::regtype))), 'spans', 'the views concerned are found');

	my ($code, $stdout, $stderr) = $new->psql('source', q(INSERT INTO span VALUES (1, '5 minutes')), extra_params => [ '-v', 'VERBOSITY=verbose' ]);

	like($stderr, qr/XX001.*"spans".*REFRESH/s, 'state of another format is not used');
	is($new->safe_psql('source', 'SELECT count(*) FROM span WHERE t = $$5 minutes$$'), '0', 'the statement has failed');
	$new->safe_psql('source', 'REFRESH MATERIALIZED VIEW spans');
}
is($new->safe_psql('source', $differences), '', 'views and their state equal their queries');

my @statements = (
	q(INSERT INTO item SELECT i, i % 7, i / 8.0, now(), '{}', chr(65 + i % 26) FROM generate_series(1001, 1030) i),
	q(UPDATE item SET kind = kind + 1, amount = amount * 2 WHERE id % 9 = 0),
	q(DELETE FROM item WHERE id IN (SELECT id FROM top_items LIMIT 3)),
	q(UPDATE kind SET name = upper(name), parent = 0 WHERE kind IN (2, 5)),
	q(INSERT INTO kind VALUES (9, 'nine', 5); INSERT INTO item VALUES (2000, 9, 1)),
	q(UPDATE typed SET p = (7, 'y')::pair, l = 'low' WHERE id % 5 = 0; DELETE FROM typed WHERE id = 1),
	q(INSERT INTO sale VALUES ('2024-03-01', 7, 1), ('2025-03-01', 8, 2); INSERT INTO sale_2024_b VALUES (5, 9, '2024-04-01')),
	q(INSERT INTO sale_2024_a VALUES ('2024-03-02', 70, 2); UPDATE sale SET kind = 6 WHERE kind = 1 AND amount < 100),
	q(ALTER TABLE sale DETACH PARTITION sale_2025; INSERT INTO sale_2025 VALUES ('2025-03-03', 1, 1)),
	q(CREATE TABLE sale_2026 PARTITION OF sale FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); INSERT INTO sale_2026 VALUES ('2026-03-03', 1, 1)),
	q(UPDATE forebear SET v = v + 1; INSERT INTO heir VALUES (9, 9, 9); DELETE FROM forebear WHERE id = 2),
	q(INSERT INTO span VALUES (2, '1 month'); DELETE FROM span WHERE kind = 0),
	q(BEGIN; DELETE FROM item WHERE id < 20; INSERT INTO item VALUES (5, 5, 5); SAVEPOINT s; TRUNCATE item; ROLLBACK TO s; COMMIT),
	q(COPY item (id, kind, amount) FROM PROGRAM 'echo 3000,4,1.5' WITH (FORMAT csv)),
	q(REFRESH MATERIALIZED VIEW hollow; DELETE FROM item WHERE id % 50 = 0));

foreach my $statement (@statements)
{
	$new->safe_psql('source', $statement);
	is($new->safe_psql('source', $differences), '', "maintained with no further step: $statement");
}
is($new->safe_psql('source', 'SELECT at, shown FROM texts WHERE id = 21'),
	'"2024-01-01T17:30:00+05:30"|01.01.2024 17:30:00 IST', 'rendered by the options of the view');
is($new->safe_psql('source', 'SELECT string_agg(view::text, $$ $$ ORDER BY view::text) FROM tview.views WHERE NOT populated'), 'given_up',
	'what was given up stays so');
$new->safe_psql('source', 'SET client_min_messages = error; ALTER TABLE loose SET LOGGED; REFRESH MATERIALIZED VIEW given_up; INSERT INTO loose VALUES (1)');
is($new->safe_psql('source', $differences), '', 'until it is possible again');
$new->safe_psql('source', 'CREATE MATERIALIZED VIEW another USING tview AS SELECT kind, count(*) AS n FROM item GROUP BY kind; UPDATE item SET kind = 1 WHERE id = 3000');
is($new->safe_psql('source', $differences), '', 'a new view');

# What was made for one view's aggregate goes with the extension, too.
$new->safe_psql('source', q(
	SET client_min_messages = error;
	SELECT format('DROP MATERIALIZED VIEW IF EXISTS %s CASCADE', view) FROM tview.views \gexec
	DROP EXTENSION pg_tviews));
is($new->safe_psql('source', q(SELECT count(*) FROM pg_proc WHERE pronamespace = 'tview'::regnamespace)), '0', 'the extension is dropped without a rest');

$new->stop;
done_testing();
