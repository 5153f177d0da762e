# Statements on roles in another database, by sessions that do not have the library: no hook and no event trigger tells.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE kept');
$node->safe_psql('postgres', q(ALTER DATABASE kept SET session_preload_libraries = 'pg_tviews'));
$node->safe_psql(
	'kept', q(
	CREATE EXTENSION pg_tviews;
	CREATE ROLE keeper BYPASSRLS;
	CREATE ROLE owner;
	CREATE SCHEMA shop AUTHORIZATION keeper;
	CREATE TABLE shop.person (id int, who text);
	CREATE TABLE shop.open (id int);
	GRANT ALL ON shop.person, shop.open TO keeper;
	INSERT INTO shop.person VALUES (1, 'ann'), (2, 'bob');
	ALTER TABLE shop.person ENABLE ROW LEVEL SECURITY;
	CREATE POLICY only_ann ON shop.person USING (who = 'ann');
	ALTER TABLE shop.person OWNER TO owner;
	SET ROLE keeper;
	CREATE MATERIALIZED VIEW shop.people USING tview AS SELECT who, count(*) AS n FROM shop.person GROUP BY who;
	CREATE MATERIALIZED VIEW shop.numbers USING tview AS SELECT n FROM shop.people;
	CREATE MATERIALIZED VIEW shop.opened USING tview AS SELECT count(*) AS n FROM shop.open));

# The errors of a session that has used the views before, and of a new one, after a statement in another database
sub both
{
	my ($statement, $query) = @_;
	my $used = "SELECT sum(n) FROM shop.people; SELECT sum(n) FROM shop.numbers; INSERT INTO shop.person VALUES (3, 'cid');\n";
	my (undef, undef, $old) = $node->psql('kept', qq($used\\! psql -XAtqc "$statement" postgres\n$query));
	my (undef, undef, $new) = $node->psql('kept', $query);
	return ($old, $new);
}

foreach my $query ('SELECT * FROM shop.people', 'SELECT * FROM shop.numbers', "INSERT INTO shop.person VALUES (4, 'dan')",
	'SELECT count(*) FROM shop.open, shop.numbers', 'PREPARE p AS SELECT n FROM shop.people; EXECUTE p')
{
	my @errors = both('ALTER ROLE keeper NOBYPASSRLS', $query);

	like($errors[0], qr/people" can no longer be maintained: table "person" with row security/, "a session in progress: $query");
	like($errors[1], qr/people" can no longer be maintained: table "person" with row security/, "a new session: $query");
	$node->safe_psql('postgres', 'ALTER ROLE keeper BYPASSRLS');
	is($node->safe_psql('kept', 'SELECT (SELECT count(*) FROM shop.person) - sum(n) FROM shop.people'), '0', 'it is read again');
}
my $writes = "INSERT INTO shop.person VALUES (5, 'eve'); INSERT INTO shop.open VALUES (1); SELECT n FROM shop.opened";
is((both('ALTER ROLE keeper CONNECTION LIMIT 7', $writes))[0], '', 'another property of the role');

# membership in the role that owns the table
$node->safe_psql('kept', 'GRANT owner TO keeper');
$node->safe_psql('postgres', 'ALTER ROLE keeper NOBYPASSRLS');
is((both('SELECT 1', $writes))[0], '', 'the owner of a table is not subject to its row security');
my @errors = both('REVOKE owner FROM keeper', 'SELECT * FROM shop.people');
like($errors[0], qr/row security in force/, 'a session in progress: REVOKE');
like($errors[1], qr/row security in force/, 'a new session: REVOKE');
is($node->safe_psql('kept', 'SELECT n FROM shop.opened'), '4', 'another view of the same owner is read');
$node->safe_psql('postgres', 'GRANT owner TO keeper');
is($node->safe_psql('kept', 'SELECT d.* FROM tview.views v, tview.check(v.view) d'), '', 'nothing was missed meanwhile');

# from 18 on a view can be copied without a query
if ($node->pg_version >= 18)
{
	my (undef, undef, $error) = $node->psql('kept',
		"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;\n\\! psql -XAtqc 'REFRESH MATERIALIZED VIEW shop.opened' kept\nCOPY shop.opened TO STDOUT");
	like($error, qr/could not serialize access/, 'an older snapshot and COPY');
	@errors = both('REVOKE owner FROM keeper', 'COPY shop.people TO STDOUT');
	like($errors[0], qr/row security in force/, 'row security and COPY');
}

$node->stop;
done_testing();
