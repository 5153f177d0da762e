# Clients that change an account and then its branch, in one transaction, under a view that joins both, as TPC-B does:
# a few deadlocks until that is learned, none afterwards.
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

# each shape in a database of its own, of which the server counts deadlocks and learns anew
sub check_shape
{
	my ($name, $view) = @_;
	my $script = $node->basedir . "/$name.pgbench";

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql(
		$name, qq(
		CREATE EXTENSION pg_tviews;
		$Load::proof
		CREATE TABLE branch (branch int PRIMARY KEY, balance bigint DEFAULT 0);
		CREATE TABLE account (account int PRIMARY KEY, branch int, balance bigint DEFAULT 0);
		INSERT INTO branch SELECT generate_series(1, 8);
		INSERT INTO account SELECT i, (i - 1) / 100 + 1 FROM generate_series(1, 800) i;
		CREATE INDEX ON account (branch);
		ANALYZE;
		CREATE MATERIALIZED VIEW balances USING tview AS $view));
	append_to_file(
		$script, q(
\set account random(1, 800)
\set branch (:account - 1) / 100 + 1
\set delta random(-5, 5)
BEGIN;
UPDATE account SET balance = balance + :delta WHERE account = :account;
UPDATE branch SET balance = balance + :delta WHERE branch = :branch;
END;
));
	my ($out, $err) =
	  run_command([ 'pgbench', '-n', '-c', 8, '-j', 2, '-t', 400, '--max-tries', 100, '-f', $script, $node->connstr($name) ]);

	is($err, '', "$name: no client failed");
	like($out, qr{number of transactions actually processed: 3200/3200}, "$name: all transactions ran");
	like($out, qr{number of failed transactions: 0 }, "$name: no transaction failed for good");
	is(Load::differences($node, $name), '', "$name: the view equals its query");
	is( $node->safe_psql($name, 'SELECT count(*) FROM branch b WHERE balance <> (SELECT sum(balance) FROM account a WHERE a.branch = b.branch)'),
		'0', "$name: the books are balanced");
	# a session reports what it has counted when it ends
	$node->poll_query_until($name, q(SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()))
	  or die 'sessions do not end';
	my $deadlocks = $node->safe_psql($name, 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
	note("$name: $deadlocks deadlocks");
	cmp_ok($deadlocks, '<=', 16, "$name: few deadlocks");
	return;
}

check_shape('row_by_row',
	'SELECT a.account, a.balance, b.branch, b.balance AS of_branch FROM account a JOIN branch b USING (branch)');
check_shape('summed',
	'SELECT b.branch, b.balance, sum(a.balance) AS of_accounts, count(*) AS n
	   FROM account a JOIN branch b USING (branch) GROUP BY b.branch, b.balance');

$node->stop;
done_testing();
