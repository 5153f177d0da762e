# Dumps that are taken while others write and do DDL: views of the restored database equal their queries, and are maintained.
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
my $dir = $node->basedir;

$node->safe_psql('postgres', 'CREATE DATABASE source');
Load::create($node, 'source');
# pg_dump fails when a view is dropped while it runs: the server says so of any view
my @load = Load::start($node, 'source', ddl => '', transactions => 50);

sub run_ok
{
	my ($name, @command) = @_;
	my ($out, $err) = run_command([@command]);

	is($err, '', $name);
	return;
}

# pg_dump locks all tables at once, and may be the victim of a deadlock: then it is taken again.
sub dump_load
{
	my ($name, @options) = @_;
	my $written = $node->safe_psql('source', 'SELECT count(*) FROM history');
	my ($out, $err);

	Load::wait_for_progress($node, 'source', 50, 1);
	for my $try (1 .. 20)
	{
		note("$name: taken again after $err") if $try > 1;
		($out, $err) = run_command([ 'pg_dump', @options, '-f', "$dir/$name", $node->connstr('source') ]);
		last if $err !~ /deadlock detected/;
	}
	is($err, '', "$name: pg_dump under load");
	Load::wait_for_progress($node, 'source', 50, 0);
	return $written;
}

my %written = (
	'plain.sql' => dump_load('plain.sql'),
	'custom.dump' => dump_load('custom.dump', '-Fc'),
	'directory' => dump_load('directory', '-Fd', '-j2'));
is(Load::stop($node, 'source', @load), '', 'nothing failed in the load');
is(Load::differences($node, 'source'), '', 'views of the source equal their queries');

# $written rows were committed before the dump began.
sub check_restored
{
	my ($database, $written) = @_;

	cmp_ok($node->safe_psql($database, 'SELECT count(*) FROM history'), '>=', $written, "$database: rows are there");
	is($node->safe_psql($database, 'SELECT count(*) FROM tview.views'), $node->safe_psql('source', 'SELECT count(*) FROM tview.views'),
		"$database: all views are there");
	is(Load::differences($node, $database), '', "$database: views equal their queries");
	Load::write_all($node, $database);
	is(Load::differences($node, $database), '', "$database: and are maintained");
	is($node->safe_psql($database, q(SELECT string_agg(view::text, ' ' ORDER BY view::text) FROM tview.views WHERE mode = 'deferred')),
		'moves outer_rows', "$database: modes came along");
	return;
}

$node->safe_psql('postgres', "CREATE DATABASE $_") foreach 'plain', 'custom', 'parallel', 'directory';
run_ok('psql', 'psql', '-XAtq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", $node->connstr('plain'));
check_restored('plain', $written{'plain.sql'});
run_ok('pg_restore', 'pg_restore', '-1', '-d', $node->connstr('custom'), "$dir/custom.dump");
check_restored('custom', $written{'custom.dump'});
run_ok('pg_restore -j 2', 'pg_restore', '-j2', '-d', $node->connstr('parallel'), "$dir/custom.dump");
check_restored('parallel', $written{'custom.dump'});
run_ok('pg_restore -j 2, directory', 'pg_restore', '-j2', '-d', $node->connstr('directory'), "$dir/directory");
check_restored('directory', $written{'directory'});

# the restored database under the same load
@load = Load::start($node, 'parallel');
Load::wait_for_progress($node, 'parallel', 200, 2);
is(Load::stop($node, 'parallel', @load), '', 'nothing failed in the restored database');
is(Load::differences($node, 'parallel'), '', 'its views are maintained under load');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|\] XX00\d|WARNING: .*leak/, 'the server is well');
done_testing();
