# Write skew by way of views, where the server has little room for what SERIALIZABLE transactions read and write.
# One session reads a view and writes into note; while it is open, another one reads note and changes what the view
# shows.  Both cannot commit.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $views = 40;    # of which the server notes the first 31 one by one

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# 14 backends, and so 160 transactions to be remembered
$node->append_conf(
	'postgresql.conf', qq(
	fsync = off
	max_connections = 10
	max_prepared_transactions = 2
	autovacuum_max_workers = 1
	max_worker_processes = 2
	max_wal_senders = 0
	max_pred_locks_per_transaction = 64
));
$node->start;
$node->safe_psql(
	'postgres', qq(
	CREATE EXTENSION pg_tviews;
	CREATE TABLE note (id int);
	CREATE TABLE filler (id int);
	CREATE TABLE item (id int PRIMARY KEY, amount int);
	INSERT INTO item SELECT g, g FROM generate_series(1, 100) g;
	CREATE MATERIALIZED VIEW total USING tview AS SELECT sum(amount) AS total FROM item;
	CREATE FUNCTION total() RETURNS numeric STABLE PARALLEL SAFE LANGUAGE plpgsql AS \$\$ BEGIN RETURN (SELECT total FROM total); END \$\$;
	DO \$\$ BEGIN
		FOR i IN 1..$views LOOP
			EXECUTE format('CREATE MATERIALIZED VIEW v%s USING tview AS SELECT id, amount + %s AS amount FROM item', i, i);
		END LOOP;
	END \$\$;
));

my $psql = 'psql -XqAt -d ' . quotemeta($node->connstr('postgres'));
my $begin = 'BEGIN ISOLATION LEVEL SERIALIZABLE;';
my $change = "$begin SELECT count(*) FROM note; UPDATE item SET amount = amount + 1 WHERE id = 1;";
my $other = qq(\\! $psql -c "$change COMMIT" >/dev/null 2>&1\n);
my $file = PostgreSQL::Test::Utils::tempdir() . '/filler.sql';
append_to_file($file, "$begin INSERT INTO filler VALUES (1); COMMIT;\n" x 400);
my $many = qq(\\! $psql -f $file\n);

# Steps of one session, in which those of others are.  The other one's transaction is the first to commit.
sub fails
{
	my ($steps, $name) = @_;
	my $before = $node->safe_psql('postgres', 'SELECT amount FROM item WHERE id = 1');
	my ($code, $out, $err) = $node->psql('postgres', $steps, on_error_stop => 0);

	like($err, qr/could not serialize access due to read\/write dependencies/, $name);
	is($node->safe_psql('postgres', 'SELECT amount FROM item WHERE id = 1'), $before + 1, "the other one committed ($name)");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM note'), 0, "the first one did not ($name)");
	is($node->safe_psql('postgres', 'SELECT d.* FROM tview.views v, tview.check(v.view) d'), '', "views equal their queries ($name)");
}

my $read = "SELECT total FROM total;\n";
my $all = join(' ', map { "SELECT count(*) FROM v$_;" } 1 .. $views) . "\n";
my $insert = "INSERT INTO note VALUES (1);\n";
my $note = "${insert}COMMIT;\n";

fails("$begin SELECT 1;\n$other$read$note", 'written, then read');
fails("$begin\n$read$other$note", 'read, then written');

# of a transaction that the server has forgotten but for what it wrote, it does not know what it has read
fails("$begin SELECT 1;\n$other$insert$many${read}COMMIT;\n", 'written, then read, by far more transactions than the server remembers');

fails("$begin SELECT 1;\n$other$all$note", 'written, then read, of many views');
fails("$begin\n$all$other$note", 'read, then written, of many views');

# a parallel worker reads the view
my $setting = $node->safe_psql('postgres',
	"SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
my $parallel = "SET $setting = on; SELECT count(total()) FROM generate_series(1, 10);\n";
fails("$begin SELECT 1;\n$other$parallel$note", 'written, then read by a parallel worker');
fails("$begin\n$parallel$other$note", 'read by a parallel worker, then written');

# recovery brings back what a prepared transaction has written
$node->safe_psql('postgres', "$change PREPARE TRANSACTION 'other'");
$node->stop('immediate');
$node->start;
fails("$begin SELECT 1;\n${read}\\! $psql -c \"COMMIT PREPARED 'other'\"\n$note", 'prepared before a crash, then read');

# it is not the view that is written, or nothing is read
my ($code, $out, $err) = $node->psql('postgres', "$begin SELECT count(*) FROM filler;\n$other$note");
is("$code $err", '0 ', 'no view is read');
($code, $out, $err) = $node->psql('postgres', "$begin\n$read\\! $psql -c \"$begin SELECT count(*) FROM note; INSERT INTO filler VALUES (1); COMMIT\" >/dev/null\n$note");
is("$code $err", '0 ', 'no view is written');

$node->stop;
done_testing();
