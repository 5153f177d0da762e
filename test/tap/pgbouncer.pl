# Sessions shared by a pooler, which gives each transaction any of a few server connections.
use strict;
use warnings FATAL => 'all';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tviews'\nfsync = off\nmax_prepared_transactions = 10\n");
$node->start;
$node->safe_psql(
	'postgres', q(
	CREATE EXTENSION pg_tviews;
	CREATE TABLE branch (branch int PRIMARY KEY, name text);
	CREATE TABLE account (account int PRIMARY KEY, branch int, balance int);
	CREATE TABLE history (account int, delta int);
	INSERT INTO branch SELECT i, 'b' || i FROM generate_series(1, 5) i;
	INSERT INTO account SELECT i, 1 + i % 5, 0 FROM generate_series(1, 200) i;
	CREATE MATERIALIZED VIEW totals USING tview AS
	  SELECT branch, count(*) AS n, sum(balance) AS total, max(balance) AS top FROM account GROUP BY branch;
	CREATE MATERIALIZED VIEW named USING tview AS
	  SELECT a.account, b.name, 100 / (a.balance + 1000000) AS q FROM account a JOIN branch b USING (branch);
	CREATE MATERIALIZED VIEW moves USING tview AS SELECT count(*) AS n, sum(delta) AS total FROM history;
	SELECT tview.set('totals', 'deferred'), tview.set('moves', 'deferred');
	CREATE FUNCTION differences() RETURNS int8 LANGUAGE plpgsql AS $$
	DECLARE
		n int8;
	BEGIN
		SELECT count(*) INTO n FROM (
			(TABLE totals EXCEPT ALL SELECT branch, count(*), sum(balance), max(balance) FROM account GROUP BY branch)
			UNION ALL
			(SELECT branch, count(*), sum(balance), max(balance) FROM account GROUP BY branch EXCEPT ALL TABLE totals)) x;
		IF n > 0 THEN
			RAISE EXCEPTION '% rows of the view differ', n;
		END IF;
		RETURN n;
	END $$;
));

sub differences
{
	return $node->safe_psql('postgres', 'SELECT d.* FROM tview.views v, tview.check(v.view) d');
}

#
# The pooler: two ways into the same database
#
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $user = getpwuid($<);
my $server = "host=" . $node->host . " port=" . $node->port . " dbname=postgres";
append_to_file("$dir/users", "\"$user\" \"\"\n");
append_to_file(
	"$dir/ini", qq(
[databases]
transactions = $server pool_mode=transaction pool_size=3
sessions = $server pool_mode=session pool_size=1
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users
server_reset_query = DISCARD ALL
ignore_startup_parameters = extra_float_digits
));
my ($version) = `pgbouncer --version` =~ /PgBouncer (\d+\.\d+)/;
my $log = '';
append_to_file("$dir/ini", "max_prepared_statements = 100\n") if $version >= 1.21;
my $pooler = IPC::Run::start([ 'pgbouncer', "$dir/ini" ], '>&', \$log);

END
{
	$pooler->kill_kill if $pooler;
}

# psql by way of the pooler: status, output, errors.  It is given a file, for writing to one that cannot
# connect, and so ends without having read, would end the test.
sub pooled
{
	my ($database, $sql) = @_;
	my ($out, $err) = ('', '');

	unlink "$dir/sql";
	append_to_file("$dir/sql", $sql);
	IPC::Run::run(
		[ 'psql', '-XqAt', '-h', $dir, '-p', $port, '-v', 'ON_ERROR_STOP=0', '-d', $database, '-f', "$dir/sql" ],
		'<', \undef, '>', \$out, '2>', \$err);
	chomp $out;
	return ($? >> 8, $out, $err);
}

my $up = 0;
for (1 .. 100)
{
	my ($code) = pooled('transactions', 'SELECT 1');

	$up = $code == 0;
	last if $up;
	usleep(100_000);
}
ok($up, "pgbouncer $version answers") or BAIL_OUT($log);

#
# Many clients, few connections, transactions that read what they wrote
#
append_to_file(
	"$dir/transfer.sql", q(
\set a random(1, 200)
\set b random(1, 200)
\set d random(-50, 50)
\set first least(:a, :b)
\set second greatest(:a, :b)
BEGIN;
UPDATE account SET balance = balance - :d WHERE account = :first;
INSERT INTO history VALUES (:a, 0 - :d), (:b, :d);
SELECT differences();
SAVEPOINT s;
UPDATE account SET balance = balance + 1000 WHERE account = :second;
SELECT total FROM totals WHERE branch = 1;
ROLLBACK TO s;
UPDATE account SET balance = balance + :d WHERE account = :second;
COMMIT;
SELECT differences();
));
append_to_file(
	"$dir/single.sql", q(
\set a random(1, 200)
UPDATE account SET balance = balance + 1 WHERE account = :a;
SELECT differences();
));
# A thread of pgbench waits while it prepares a statement, which needs a connection that another client of
# that thread may hold: so each client has its own.
foreach my $protocol ('simple', 'extended', $version >= 1.21 ? 'prepared' : ())
{
	my ($out, $err) = ('', '');

	IPC::Run::run(
		[
			'pgbench', '-n', '-c', 8, '-j', 8, '-t', 30, '-M', $protocol, '--max-tries', 1000, '-h', $dir, '-p', $port,
			'-f', "$dir/transfer.sql\@2", '-f', "$dir/single.sql\@1", 'transactions'
		],
		'>', \$out, '2>', \$err);
	is($? >> 8, 0, "pgbench, protocol $protocol") or diag($err);
	like($out, qr{number of transactions actually processed: 240/240}, 'ran all transactions');
	is(differences(), '', 'views equal their queries');
}
is($node->safe_psql('postgres', 'SELECT total FROM moves'), '0', 'nothing is lost');

# prepared by SQL, and used within one transaction
my ($code, $out, $err) = pooled(
	'transactions', q(
	BEGIN;
	PREPARE add(int, int) AS UPDATE account SET balance = balance + $2 WHERE account = $1;
	PREPARE look AS SELECT sum(total) FROM totals;
	EXECUTE look;
	EXECUTE add(1, 10);
	EXECUTE look;
	EXECUTE add(2, -10);
	EXECUTE look;
	DEALLOCATE ALL;
	COMMIT;
));
my @sums = split /\n/, $out;
is_deeply([ $sums[1] - $sums[0], $sums[2] - $sums[0] ], [ 10, 0 ], 'prepared statements in a transaction see its writes') or diag($err);
is(differences(), '', 'views equal their queries');

# what is created by one connection is maintained by those that were there before
($code, $out, $err) = pooled(
	'transactions', q(
	CREATE MATERIALIZED VIEW late USING tview AS SELECT balance % 10 AS digit, count(*) AS n FROM account GROUP BY balance % 10;
	SELECT tview.set('late', 'deferred');
));
is($err, '', 'a view is created by way of the pooler');
foreach my $client (1 .. 6)
{
	pooled('transactions', "BEGIN; UPDATE account SET balance = balance + $client WHERE account = $client; COMMIT");
}
is(differences(), '', 'and is maintained by all connections');

# a transaction whose COMMIT fails leaves its connection fit for the next one
foreach my $client (1 .. 4)
{
	($code, $out, $err) = pooled(
		'transactions', q(
		SELECT tview.set('named', 'deferred');
		BEGIN;
		UPDATE account SET balance = -1000000 WHERE account = 3;
		COMMIT;
		SELECT balance <> -1000000 FROM account WHERE account = 3;
		UPDATE account SET balance = balance + 1 WHERE account = 3;
		SELECT differences();
		SELECT tview.set('named', 'immediate');
		BEGIN;
		UPDATE account SET balance = -1000000 WHERE account = 3;
		COMMIT;
		SELECT balance <> -1000000 FROM account WHERE account = 3;
	));
	like($err, qr/division by zero.*division by zero/s, 'maintenance fails, deferred and immediate');
	is(join(' ', grep { $_ ne '' } split /\n/, $out), 't 0 t', 'and takes the transaction back');
}
is(differences(), '', 'views equal their queries');

# a client that goes away in mid-transaction
foreach my $read ('', 'SELECT differences();')
{
	my ($in, $said) = ("BEGIN; UPDATE account SET balance = balance + 77; $read SELECT 'written';\n", '');
	my $client = IPC::Run::start([ 'psql', '-XqAt', '-h', $dir, '-p', $port, '-d', 'transactions' ], '<', \$in, '>', \$said,
		IPC::Run::timeout(60));

	$client->pump until $said =~ /written/;
	$client->kill_kill;
	ok( $node->poll_query_until(
			'postgres', q(SELECT count(*) = 0 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%')),
		'a client is gone, its transaction too');
	is(differences(), '', 'views equal their queries');
}
is($node->safe_psql('postgres', 'SELECT total FROM moves'), '0', 'nothing is lost');

#
# One connection handed from client to client, with DISCARD ALL in between
#
my ($first) = (pooled('sessions', 'SELECT pg_backend_pid()'))[1];
foreach my $client (1 .. 5)
{
	($code, $out, $err) = pooled(
		'sessions', qq(
		SELECT pg_backend_pid();
		SET tview.bulk_rows = 1;
		SET TimeZone = 'Asia/Tokyo';
		PREPARE add AS UPDATE account SET balance = balance + $client WHERE branch = $client;
		EXECUTE add;
		BEGIN;
		EXECUTE add;
		SELECT differences();
		DISCARD PLANS;
		EXECUTE add;
		COMMIT));
	is($err, '', "client $client");
	is($out, "$first\n0", 'has the same connection');
	is(differences(), '', 'views equal their queries');
}
is((pooled('sessions', 'SHOW tview.bulk_rows'))[1], '200', 'settings are reset in between');

$pooler->kill_kill;
$pooler = undef;
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|WARNING: .*leak/, 'the server is well');
done_testing();
