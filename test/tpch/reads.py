"""No view of the set runs its whole query during maintenance: what each transaction reads is counted.

Each view is kept alone, in a database with enough rows that a whole table stands out. The counters are the server's own
for the current transaction: rows that sequential scans returned, and entries that index scans returned, of every table,
of the view, and of its hidden state, before COMMIT against before BEGIN. A transaction changes one order or one row of
another table, which has the same number of related rows at every scale; so it may read some of each relation, and no
more than a tenth of one that has more than a thousand rows.
"""
import psycopg2

import tpch
import tvbench

DATABASE = "tview_tpch_reads"
SF = 0.01
LARGE = 1000
SHARE = 0.1

COUNTERS = """
    SELECT c.oid::regclass::text, c.reltuples,
           pg_stat_get_xact_tuples_returned(c.oid)
             + coalesce((SELECT sum(pg_stat_get_xact_tuples_returned(i.indexrelid)) FROM pg_index i
                          WHERE i.indrelid = c.oid), 0)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('public', 'tview')"""


def insert_and_delete_order(cur, generator):
    tpch.rf2(cur, tpch.rf1(cur, generator))


def update_order(cur, generator):
    cur.execute("UPDATE orders SET o_orderdate = o_orderdate + 1, o_totalprice = o_totalprice + 1, "
                "o_comment = 'special requests' WHERE o_orderkey = 33")


def update_lineitem(cur, generator):
    cur.execute("UPDATE lineitem SET l_quantity = l_quantity + 1, l_extendedprice = l_extendedprice + 1, "
                "l_shipdate = l_shipdate + 1, l_receiptdate = l_receiptdate + 9 "
                "WHERE l_orderkey = 65 AND l_linenumber = 1")


def update_partsupp(cur, generator):
    cur.execute("UPDATE partsupp SET ps_availqty = ps_availqty + 1, ps_supplycost = ps_supplycost / 2 "
                "WHERE (ps_partkey, ps_suppkey) IN (SELECT ps_partkey, ps_suppkey FROM partsupp "
                "WHERE ps_partkey = 30 LIMIT 1)")


def update_part(cur, generator):
    cur.execute("UPDATE part SET p_size = 15, p_type = 'PROMO PLATED BRASS', p_name = 'forest green', "
                "p_brand = 'Brand#23', p_container = 'MED BOX' WHERE p_partkey = 77")


def update_customer(cur, generator):
    cur.execute("UPDATE customer SET c_acctbal = c_acctbal + 1, c_mktsegment = 'BUILDING', c_nationkey = 8 "
                "WHERE c_custkey = 77")


# The view of query 22 shows who is above an average that this changes; for a large change there are many of them.
KINDS = (insert_and_delete_order, update_order, update_lineitem, update_partsupp, update_part, update_customer)


def counters(cur):
    cur.execute(COUNTERS)
    return {name: (rows, int(read)) for name, rows, read in cur.fetchall()}


def count(cur, generator, kind):
    """What one transaction reads: by relation, (its rows, rows read)."""
    cur.execute("BEGIN")
    before = counters(cur)
    kind(cur, generator)
    after = counters(cur)
    cur.execute("ROLLBACK")
    return {name: (rows, read - before[name][1]) for name, (rows, read) in after.items()}


def run(labels, verbose=False):
    """Number of passed checks (one is a view under a kind of transaction), and failures."""
    passed, failures = 0, []
    tvbench.create_database(DATABASE)
    conn = tvbench.connect(DATABASE)
    cur = conn.cursor()
    tvbench.install(cur)
    generator = tpch.Generator(SF)
    tpch.load(cur, generator)
    plain = {kind: count(cur, generator, kind) for kind in KINDS}
    for label in labels:
        name = tpch.name(label)
        tvbench.create_view(cur, name, tpch.query(label, SF))
        cur.execute("ANALYZE")
        for kind in KINDS:
            try:
                # Plans are made in the first one.
                count(cur, generator, kind)
                found = count(cur, generator, kind)
            except psycopg2.Error as problem:
                cur.execute("ROLLBACK")
                failures.append(f"{name}, {kind.__name__}: {str(problem).strip().splitlines()[0]}")
                continue
            extra = {relation: (int(rows), read - plain[kind].get(relation, (0, 0))[1])
                     for relation, (rows, read) in found.items()}
            much = [f"{read:,} of the {rows:,} rows of {relation}" for relation, (rows, read) in extra.items()
                    if rows > LARGE and read > SHARE * rows]
            if verbose:
                print(f"{name} {kind.__name__}: "
                      + ", ".join(f"{relation} {read}" for relation, (rows, read) in extra.items() if read > 0))
            if much:
                failures.append(f"{name}, {kind.__name__}: reads {', '.join(much)}")
            else:
                passed += 1
        cur.execute(f"DROP MATERIALIZED VIEW {name}")
    conn.close()
    tvbench.drop_database(DATABASE)
    return passed, failures
