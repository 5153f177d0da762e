# ALTER EXTENSION ... UPDATE, from each older version there is a script of, leads to the objects that CREATE EXTENSION
# makes, and views made before go on being maintained.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nfsync = off\n");
$node->start;

# Everything that belongs to an extension, with its definition, rights and comment.  OIDs do not count, nor does the
# hidden state of views.
my $objects = q(
	WITH member AS (
	  SELECT d.classid, d.objid, i.type, i.identity
	    FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e',
	         pg_identify_object(d.classid, d.objid, 0) i
	   WHERE e.extname = 'EXTENSION'
	     AND NOT (d.classid = 'pg_class'::regclass AND d.objid IN (SELECT state FROM tview.state))),
	relation AS (SELECT m.identity, c.* FROM member m JOIN pg_class c ON c.oid = m.objid WHERE m.classid = 'pg_class'::regclass)
	SELECT line FROM (
	  SELECT format('%s %s: %s', type, identity, obj_description(objid, classid::regclass::name)) AS line FROM member
	  UNION ALL
	  SELECT format('%s %s %s', m.identity, p.proacl,
	                CASE WHEN p.prokind = 'a' THEN (SELECT format('%s %s %s %s %s %s %s %s %s', aggkind, aggtransfn, aggfinalfn, aggfinalextra,
	                                                             aggtranstype::regtype, agginitval, aggcombinefn, aggsortop::regoperator, p.proparallel)
	                                                  FROM pg_aggregate WHERE aggfnoid = p.oid)
	                     ELSE pg_get_functiondef(p.oid) END)
	    FROM member m JOIN pg_proc p ON p.oid = m.objid WHERE m.classid = 'pg_proc'::regclass
	  UNION ALL
	  SELECT format('%s %s %s %s %s %s %s', r.identity, r.relkind, r.relpersistence, r.relacl, r.reloptions,
	                (SELECT amname FROM pg_am WHERE oid = r.relam), CASE WHEN r.relkind = 'v' THEN pg_get_viewdef(r.oid) END)
	    FROM relation r
	  UNION ALL
	  SELECT format('%s.%s %s %s %s %s %s %s %s', r.identity, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
	                a.attcollation::regcollation, a.attacl, pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))
	    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
	  UNION ALL
	  SELECT format('%s %s %s', r.identity, conname, pg_get_constraintdef(k.oid)) FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
	  UNION ALL
	  SELECT format('%s %s', r.identity, pg_get_indexdef(indexrelid)) FROM relation r JOIN pg_index ON indrelid = r.oid
	  UNION ALL
	  SELECT format('%s %s', r.identity, pg_get_triggerdef(t.oid)) FROM relation r JOIN pg_trigger t ON tgrelid = r.oid
	  UNION ALL
	  SELECT format('%s %s %s', amname, amtype, amhandler) FROM pg_am JOIN member ON objid = oid AND classid = 'pg_am'::regclass
	  UNION ALL
	  SELECT format('%s %s %s %s %s %s', lanname, lanpltrusted, lanplcallfoid::regproc, laninline::regproc, lanvalidator::regproc, lanacl)
	    FROM pg_language JOIN member ON objid = oid AND classid = 'pg_language'::regclass
	  UNION ALL
	  SELECT format('schema %s %s %s', nspname, nspacl, obj_description(n.oid, 'pg_namespace'))
	    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'EXTENSION'
	  UNION ALL
	  SELECT format('version %s, relocatable %s, dumped %s %s', extversion, extrelocatable, extconfig::regclass[], extcondition)
	    FROM pg_extension WHERE extname = 'EXTENSION') l
	 ORDER BY line COLLATE "C");

sub objects_of
{
	my ($database, $extension) = @_;

	return $node->safe_psql($database, $objects =~ s/EXTENSION/$extension/gr);
}

sub differences_in
{
	return $node->safe_psql($_[0], 'SELECT v.view, d.* FROM tview.views v, tview.check(v.view) d WHERE v.populated');
}

my $current = $node->safe_psql('postgres', q(SELECT default_version FROM pg_available_extensions WHERE name = 'pg_tviews'));
my %fresh;
foreach my $extension ('pg_tviews', 'pg_tviews_pgtap')
{
	$node->safe_psql('postgres', "CREATE EXTENSION $extension CASCADE", extra_params => [ '-v', 'ON_ERROR_STOP=1', '-c', 'SET client_min_messages = error' ])
	  if $node->safe_psql('postgres', "SELECT count(*) FROM pg_extension WHERE extname = '$extension'") eq '0';
	$fresh{$extension} = objects_of('postgres', $extension);
	is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = '$extension'"), $current,
		"$extension: one version for both");
	# a script without a way to the current version would strand whoever has it
	is( $node->safe_psql('postgres', "SELECT source FROM pg_extension_update_paths('$extension') WHERE target = '$current' AND path IS NULL"),
		'', "$extension: every version can be updated to $current");
}
like($fresh{pg_tviews}, qr/tview_capture/, 'the comparison sees functions');
like($fresh{pg_tviews}, qr/tview\.input_view_idx|input_view_idx ON tview\.input/, 'and indexes');
like($fresh{pg_tviews}, qr/tview\.view\.level 3 integer t/, 'and columns');

# What differs is seen.
$node->safe_psql('postgres', 'CREATE DATABASE different');
$node->safe_psql('different', 'CREATE EXTENSION pg_tviews');
is(objects_of('different', 'pg_tviews'), $fresh{pg_tviews}, 'two databases have the same objects');
foreach my $change ('ALTER FUNCTION tview.mode(regclass) VOLATILE', 'GRANT INSERT ON tview.view TO PUBLIC', 'DROP INDEX tview.input_view_idx',
	q(COMMENT ON VIEW tview.views IS 'other'), 'ALTER EXTENSION pg_tviews DROP FUNCTION tview.strategy(regclass)')
{
	my $before = objects_of('different', 'pg_tviews');

	$node->safe_psql('different', $change);
	isnt(objects_of('different', 'pg_tviews'), $before, "a difference is seen: $change");
}

# From each version that a script creates.
my @older = split /\n/, $node->safe_psql('postgres', qq(
	SELECT version FROM pg_available_extension_versions WHERE name = 'pg_tviews' AND version <> '$current' ORDER BY 1));
foreach my $version (@older)
{
	my $database = "from_$version" =~ tr/./_/r;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, qq(CREATE EXTENSION pg_tviews VERSION '$version'));
	$node->safe_psql(
		$database, q(
		CREATE TABLE item (id int PRIMARY KEY, kind int, amount numeric);
		CREATE TABLE kind (kind int PRIMARY KEY, name text);
		INSERT INTO item SELECT i, i % 5, i / 8.0 FROM generate_series(1, 200) i;
		INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 4) i;
		CREATE MATERIALIZED VIEW totals USING tview AS
		  SELECT kind, count(*) AS n, avg(amount) AS mean, count(DISTINCT amount) AS amounts FROM item GROUP BY kind;
		CREATE MATERIALIZED VIEW sizes USING tview AS SELECT n, count(*) AS kinds FROM totals GROUP BY n;
		CREATE MATERIALIZED VIEW named USING tview AS SELECT name, amount FROM item JOIN kind USING (kind);
		CREATE MATERIALIZED VIEW top USING tview AS SELECT DISTINCT ON (kind) kind, id FROM item ORDER BY kind, amount DESC;
		SELECT tview.create('late', 'SELECT kind, sum(amount) AS total FROM item GROUP BY kind', '{"mode": "deferred"}')));
	my $populated = 'SELECT view, mode, populated FROM tview.views ORDER BY view::text';
	my $before = $node->safe_psql($database, $populated);

	$node->safe_psql($database, 'ALTER EXTENSION pg_tviews UPDATE');
	is(objects_of($database, 'pg_tviews'), $fresh{pg_tviews}, "from $version: the same objects as new ones");
	is($node->safe_psql($database, $populated), $before, "from $version: views stay as they are");
	is(differences_in($database), '', "from $version: and equal their queries");
	$node->safe_psql(
		$database, q(
		UPDATE item SET kind = 1 WHERE id % 10 = 0;
		DELETE FROM item WHERE id % 7 = 0;
		UPDATE kind SET name = upper(name)));
	is(differences_in($database), '', "from $version: they go on being maintained");
}

# Views and the update in one session; there is nothing to do for the current version.
$node->safe_psql('postgres', q(
	SET client_min_messages = error;
	CREATE TABLE item (id int PRIMARY KEY, kind int);
	CREATE MATERIALIZED VIEW v USING tview AS SELECT kind, count(*) AS n, avg(id) AS mean FROM item GROUP BY kind;
	ALTER EXTENSION pg_tviews UPDATE;
	ALTER EXTENSION pg_tviews_pgtap UPDATE;
	INSERT INTO item SELECT i, i % 3 FROM generate_series(1, 30) i));
is(objects_of('postgres', $_), $fresh{$_}, "$_: an update to the current version changes nothing") foreach sort keys %fresh;
is(differences_in('postgres'), '', 'views go on being maintained');

$node->stop;
done_testing();
