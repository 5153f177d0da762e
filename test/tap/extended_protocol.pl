# Statements that come by the extended query protocol, with parameters, and prepared before there was a view.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nfsync = off\nlog_min_messages = notice\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_tviews;
	CREATE TABLE item (id int PRIMARY KEY, kind int, price int);
	CREATE TABLE kind (id int PRIMARY KEY, name text)));

sub all_equal
{
	my ($name) = @_;
	is($node->safe_psql('postgres', q(
		SELECT v.view, d.* FROM tview.views v, tview.check(v.view) d)), '', "the views equal their queries: $name");
}

my $number = 0;
sub pgbench
{
	my ($mode, $name, $script, @options) = @_;
	my $file = $node->basedir . '/script' . $number++ . '.sql';
	append_to_file($file, $script);
	my $result = run_log([ 'pgbench', '-n', '-M', $mode, '-f', $file, @options, $node->connstr('postgres') ]);
	ok($result, "$name, $mode");
}

# creation, refresh and drop; the statements have no parameters, as the server demands
foreach my $mode (qw(extended prepared))
{
	pgbench($mode, 'views are created', "CREATE MATERIALIZED VIEW groups_$mode USING tview AS
		SELECT kind, count(*) AS n, sum(price) AS total FROM item GROUP BY kind;
		CREATE MATERIALIZED VIEW IF NOT EXISTS named_$mode USING tview AS SELECT i.id, k.name FROM item i JOIN kind k ON k.id = i.kind;
		SET default_table_access_method = tview;
		CREATE MATERIALIZED VIEW later_$mode AS SELECT max(price) FROM item WITH NO DATA;
		REFRESH MATERIALIZED VIEW later_$mode;
		CREATE MATERIALIZED VIEW dropped_$mode AS SELECT id FROM item;
		DROP MATERIALIZED VIEW dropped_$mode;
		SELECT tview.set('named_$mode', 'deferred');\n", '-t', '1');
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM tview.views WHERE populated'), '6', 'six views');

# changes with parameters: statement by statement, in a transaction block with a read, and many times, so that the plans get generic
my $dml = q(
\set id random(1, 200)
\set kind random(1, 5)
\set price random(1, 1000)
INSERT INTO item VALUES (:id, :kind, :price) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind;
UPDATE item SET price = price + :price WHERE id = :id;
INSERT INTO kind VALUES (:kind, 'kind ' || :price) ON CONFLICT (id) DO UPDATE SET name = excluded.name;
DELETE FROM item WHERE id = :id + 1;
BEGIN;
UPDATE item SET price = :price WHERE kind = :kind AND id < :id;
SELECT count(*) FROM named_extended WHERE id = :id;
SELECT total FROM groups_prepared WHERE kind = :kind;
DELETE FROM kind WHERE id = :kind + 1;
END;
WITH gone AS (DELETE FROM item WHERE id = :id - 1 RETURNING *) INSERT INTO item SELECT id + 1000, kind, price + :price FROM gone ON CONFLICT DO NOTHING;
);
foreach my $mode (qw(extended prepared))
{
	pgbench($mode, 'changes with parameters', $dml, '-t', '40');
	all_equal("changed, $mode");
}
isnt($node->safe_psql('postgres', 'SELECT count(*) FROM item'), '0', 'something was changed');

# a read in a block sees what the block has changed
my $read = q(
BEGIN;
\set id 5000 + :client_id
INSERT INTO item VALUES (:id, 77, 1);
SELECT 1 / (n - n + 1) AS one, count(*) AS found FROM groups_prepared WHERE kind = 77 GROUP BY 1 \gset
SELECT 1 / :found AS seen;
INSERT INTO kind VALUES (77, 'new') ON CONFLICT DO NOTHING;
SELECT count(*) AS named FROM named_prepared WHERE id = :id \gset
SELECT 1 / :named AS seen;
END;
);
foreach my $mode (qw(extended prepared))
{
	pgbench($mode, 'changes are read in their transaction', $read, '-t', '1');
	$node->safe_psql('postgres', 'DELETE FROM item WHERE kind = 77; DELETE FROM kind WHERE id = 77');
	all_equal("read, $mode");
}

# Plans of a session that were cached before there was a view.  The session makes the view itself, or another one does.
my $before = q(
INSERT INTO fresh VALUES (:n + 1, :n);
UPDATE fresh SET v = v + :n WHERE id <= :n;
DELETE FROM fresh WHERE id = :n - 3;
\set n :n + 1
);
my $cached = "\\set n 1\n" . $before x 8 . "CREATE MATERIALIZED VIEW of_fresh USING tview AS SELECT v % 3 AS r, count(*), sum(v) FROM fresh GROUP BY 1;\n" . $before x 8;
foreach my $mode (qw(extended prepared))
{
	$node->safe_psql('postgres', 'CREATE TABLE fresh (id int PRIMARY KEY, v int)');
	pgbench($mode, 'a view over tables of cached plans', $cached, '-t', '1');
	is($node->safe_psql('postgres', 'SELECT sum(count) FROM of_fresh'), $node->safe_psql('postgres', 'SELECT count(*) FROM fresh'), 'rows before and after it');
	all_equal("cached, $mode");
	$node->safe_psql('postgres', 'DROP TABLE fresh CASCADE');
}

$node->safe_psql('postgres', 'CREATE TABLE fresh (id int PRIMARY KEY, v int)');
my $in = q(
	PREPARE add (int, int) AS INSERT INTO fresh VALUES ($1, $2);
	PREPARE raise (int) AS UPDATE fresh SET v = v + $1;
	SET plan_cache_mode = force_generic_plan;
	EXECUTE add (1, 10);
	EXECUTE raise (1);
	\! psql -X -q -d "CONNECTION" -c "CREATE MATERIALIZED VIEW of_fresh USING tview AS SELECT id, sum(v) FROM fresh GROUP BY id"
	EXECUTE add (2, 20);
	EXECUTE raise (1);
);
my $connection = $node->connstr('postgres');
$in =~ s/CONNECTION/$connection/;
$node->safe_psql('postgres', $in);
is($node->safe_psql('postgres', 'SELECT * FROM of_fresh ORDER BY id'), "1|12\n2|21", 'plans cached before another session made the view');
all_equal('cached, another session');

$node->stop;
done_testing();
