# On a streaming standby views equal their queries in each snapshot while the primary is written to; the standby is
# promoted under that load, and maintains them.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib $FindBin::Bin;
use Load;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', $Load::settings);
$primary->start;
Load::create($primary, 'postgres');

# the base backup is taken under load, too
my @load = Load::start($primary, 'postgres', transactions => 200);
Load::wait_for_progress($primary, 'postgres', 20, 1);
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nmax_standby_streaming_delay = 300ms\n");
$standby->start;

# In one snapshot: how far the stream is, and the differences of all views but those that come and go.
my $omitted = join ',', @Load::brief;
my $look = qq(
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	SELECT count(*) FROM history;
	SELECT * FROM differences('{$omitted}') LIMIT 20;
	COMMIT;
	SELECT 'done');
my $rounds = $primary->safe_psql('postgres', 'TABLE round');
my ($far, $compared, $moved, $retried, $failed) = (-1, 0, 0, 0, '');
while ($compared < 15 || $moved < 10 || $standby->safe_psql('postgres', 'TABLE round') < $rounds + 3)
{
	my ($code, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY sqlstate\n$look");

	if ($err ne '')
	{
		# what is replayed, DDL for one, may end a query of a standby; a view that was refreshed since its snapshot, too
		$retried++;
		if ($err !~ /(ERROR|FATAL):  (40001|40P01|(canceling statement|terminating connection) due to conflict with recovery)/ || $retried > 1000)
		{
			$failed = $err;
			last;
		}
		next;
	}
	my ($count, @differences) = split /\n/, $out;

	$failed = join "\n", @differences;
	last if $failed ne 'done';
	$failed = '';
	$compared++;
	$moved++ if $count > $far;
	$far = $count;
}
is($failed, '', 'in each snapshot of the standby the views equal their queries');
note("$compared snapshots, $moved with more rows than the one before, $retried to be retried");

# quiet: all of them
is(Load::stop($primary, 'postgres', @load), '', 'nothing failed on the primary');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is(Load::differences($standby, 'postgres'), '', 'views equal their queries on the standby when all is replayed');
is(Load::differences($primary, 'postgres'), '', 'and on the primary');
my $sum = q(SELECT md5(string_agg(v::text, ' ' ORDER BY v::text COLLATE "C")) FROM outer_rows v);
is($standby->safe_psql('postgres', $sum), $primary->safe_psql('postgres', $sum), 'the same rows on both');

# promoted while the primary goes on
@load = Load::start($primary, 'postgres', transactions => 200);
Load::wait_for_progress($primary, 'postgres', 100, 1);
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
is(Load::differences($standby, 'postgres'), '', 'views equal their queries on the promoted standby');
Load::write_all($standby, 'postgres');
is(Load::differences($standby, 'postgres'), '', 'and are maintained');
is(Load::stop($primary, 'postgres', @load), '', 'nothing failed on the primary');

# the load moves to it
@load = Load::start($standby, 'postgres');
Load::wait_for_progress($standby, 'postgres', 100, 2);
is(Load::stop($standby, 'postgres', @load), '', 'nothing failed on the promoted standby');
is(Load::differences($standby, 'postgres'), '', 'views are maintained under load');

$standby->stop;
$primary->stop;
foreach my $node ($primary, $standby)
{
	unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|\] XX00\d|WARNING: .*leak/, $node->name . ' is well');
}
done_testing();
