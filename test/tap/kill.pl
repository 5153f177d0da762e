# Processes are killed by SIGKILL under load: after recovery the views equal their queries, and are maintained.
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
$node->append_conf(
	'postgresql.conf', $Load::settings . q(
	restart_after_crash = on
	wal_level = minimal
	max_wal_senders = 0
));
$node->start;
Load::create($node, 'postgres');

sub check_views
{
	my ($what) = @_;

	is(Load::differences($node, 'postgres'), '', "$what: views equal their queries");
	Load::write_all($node, 'postgres');
	is(Load::differences($node, 'postgres'), '', "$what: and are maintained");
	return;
}

# Kill one server process of the load; the others end with it, and the server starts itself again.
sub kill_backend
{
	my ($name) = @_;
	my @load = Load::start($node, 'postgres');

	Load::wait_for_progress($node, 'postgres', 200, 2);
	my $history = $node->safe_psql('postgres', 'SELECT count(*) FROM history');
	my $written = -s $node->logfile;
	my $victim = $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE application_name = '$name' ORDER BY state = 'active' DESC LIMIT 1");

	is(kill('KILL', $victim), 1, "a session of $name is killed");
	$node->wait_for_log(qr/all server processes terminated; reinitializing/, $written);
	is(Load::finish(@load), '', 'nothing else failed');
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM history'), '>=', $history, 'what was committed is there');
	check_views("a session of $name was killed");
	return;
}

# Kill the postmaster and all its children: it is stopped first, so that none can be added and none restarted.
sub kill_all
{
	my ($what) = @_;
	my @load = Load::start($node, 'postgres');

	Load::wait_for_progress($node, 'postgres', 200, 2);
	my $history = $node->safe_psql('postgres', 'SELECT count(*) FROM history');
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my @children;

	kill('STOP', $postmaster) or die "no postmaster: $!";
	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;
		my $line = <$stat> // '';
		close $stat;
		push @children, $1 if $line =~ /^(\d+) .*\) \S (\d+) / && $2 == $postmaster;
	}
	cmp_ok(scalar @children, '>=', 5, "$what: the postmaster and its children are killed");
	kill('KILL', @children);
	$node->kill9;
	foreach my $pid ($postmaster, @children)
	{
		for (my $tries = 0; kill(0, $pid); $tries++)
		{
			die "process $pid does not end" if $tries > 1800;
			select undef, undef, undef, 0.1;
		}
	}
	is(Load::finish(@load), '', "$what: nothing else failed");
	$node->start;
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM history'), '>=', $history, "$what: what was committed is there");
	check_views($what);
	return;
}

is(Load::differences($node, 'postgres'), '', 'views equal their queries');
kill_backend('pgbench');
kill_backend('ddl');
kill_all('wal_level = minimal');

# what a transaction has put into new tables is synced, not logged, however little it is
$node->append_conf('postgresql.conf', "wal_skip_threshold = 0\n");
$node->reload;
kill_all('wal_skip_threshold = 0');
$node->append_conf('postgresql.conf', "wal_level = replica\n");
$node->restart;
kill_all('wal_level = replica');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal (?!9\b)|\] XX00\d|WARNING: .*leak/, 'the server is well');
done_testing();
