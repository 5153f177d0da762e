#!/usr/bin/python3
"""Queries derived from TPC-H as maintained views, all at once, under refresh functions and dimension updates.

After every transaction each view is compared with its query: EXCEPT ALL both ways, as values and as text. Where a LIMIT
leaves open which of several equal rows come last, any of them are right. One check is one view after one transaction.
Then each view is kept alone, and what its maintenance reads is counted (reads.py). The last line reads "N passed,
N failed"; the exit status is 1 if any failed.

    test/tpch/run.py [--sf 0.003] [--seed 1] [--seconds 40] [--queries 1,3,15v] [--repeat N] [--without-reads]

The server is the one the PG* environment names; the database tview_tpch_test is made and dropped.
TV_DRY=1 checks the script itself with plain materialized views.
"""
import argparse
import os
import random
import sys
import time

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "tpch"))
import tpch  # noqa: E402
import tvbench  # noqa: E402

import reads  # noqa: E402

DATABASE = "tview_tpch_test"
SHOWN_FAILURES = 20


class Run:
    """One database under test; every method below is one transaction of a kind."""

    def __init__(self, cur, generator, dice):
        self.cur, self.generator, self.dice = cur, generator, dice

    def value(self, query, *args):
        self.cur.execute(query, args)
        return self.cur.fetchone()[0]

    def pair(self, query, *args):
        self.cur.execute(query, args)
        return self.cur.fetchone()

    def an_order(self):
        return self.value("SELECT o_orderkey FROM orders ORDER BY o_orderkey OFFSET %s LIMIT 1",
                          self.dice.randrange(self.generator.orders * 9 // 10))

    # --- refresh functions ------------------------------------------------------------------------------------------

    def insert_order(self):
        tpch.rf1(self.cur, self.generator)

    def delete_order(self):
        tpch.rf2(self.cur, self.an_order())

    def delete_order_by_cascade(self):
        self.cur.execute("DELETE FROM orders WHERE o_orderkey = %s", (self.an_order(),))

    def insert_and_delete(self):
        tpch.rf2(self.cur, tpch.rf1(self.cur, self.generator))

    def insert_batch(self):
        orders = [self.generator.new_order() for _ in range(40)]
        tpch.copy(self.cur, "orders", [order for order, _ in orders])
        tpch.copy(self.cur, "lineitem", [line for _, lines in orders for line in lines])

    def insert_order_in_one_statement(self):
        order, lines = self.generator.new_order()
        self.cur.execute(
            "WITH o AS (" + tpch.ORDER_INSERT + " RETURNING o_orderkey) INSERT INTO lineitem VALUES "
            + ", ".join([tpch.LINE] * len(lines)),
            list(order) + [value for line in lines for value in line])

    def delete_batch_by_cascade(self):
        first = self.an_order()
        self.cur.execute("DELETE FROM orders WHERE o_orderkey BETWEEN %s AND %s", (first, first + 160))

    # --- facts change -----------------------------------------------------------------------------------------------

    def update_lineitems(self):
        self.cur.execute("UPDATE lineitem SET l_quantity = l_quantity + 1, l_extendedprice = l_extendedprice * 1.02, "
                         "l_discount = (l_linenumber %% 11) / 100.0 WHERE l_orderkey = %s", (self.an_order(),))

    def ship_late(self):
        self.cur.execute("UPDATE lineitem SET l_shipdate = l_shipdate + 40, l_receiptdate = l_receiptdate + 40, "
                         "l_returnflag = 'N', l_linestatus = 'O' WHERE l_partkey = %s",
                         (self.dice.randint(1, self.generator.parts),))

    def move_order(self):
        self.cur.execute("UPDATE orders SET o_custkey = %s, o_orderdate = o_orderdate + 30, "
                         "o_orderpriority = '1-URGENT' WHERE o_orderkey = %s",
                         (self.dice.randint(1, self.generator.customers), self.an_order()))

    def other_part(self):
        """A lineitem to another (part, supplier) pair."""
        part = self.dice.randint(1, self.generator.parts)
        self.cur.execute("UPDATE lineitem SET l_partkey = %s, l_suppkey = %s "
                         "WHERE l_orderkey = %s AND l_linenumber = 1",
                         (part, self.generator.part_suppliers(part)[0], self.an_order()))

    def into_date_windows(self):
        """An order into the narrow windows of queries 3 and 12, in two statements over two tables."""
        key = self.value("SELECT max(o_orderkey) FROM orders JOIN customer ON c_custkey = o_custkey "
                         "JOIN lineitem ON l_orderkey = o_orderkey "
                         "WHERE c_mktsegment = 'BUILDING' AND o_orderkey < %s", self.an_order())
        self.cur.execute("UPDATE orders SET o_orderdate = '1995-03-10' WHERE o_orderkey = %s", (key,))
        self.cur.execute("UPDATE lineitem SET l_shipdate = '1995-03-20' WHERE l_orderkey = %s", (key,))
        self.cur.execute("UPDATE lineitem SET l_shipmode = 'MAIL', l_shipdate = '1994-03-01', "
                         "l_commitdate = '1994-03-08', l_receiptdate = '1994-03-10' WHERE l_orderkey = %s "
                         "AND l_linenumber = 1", (self.an_order(),))

    # --- dimensions change ------------------------------------------------------------------------------------------

    def customer(self):
        """Through the customers of some order, so that the change reaches the views."""
        self.cur.execute("UPDATE customer SET c_acctbal = c_acctbal + 100, c_name = c_name || '*', "
                         "c_nationkey = (c_nationkey + 1) %% 25, c_mktsegment = 'BUILDING' "
                         "WHERE c_custkey = (SELECT o_custkey FROM orders WHERE o_orderkey = %s)", (self.an_order(),))

    def supplier(self):
        self.cur.execute("UPDATE supplier SET s_nationkey = %s, s_acctbal = -s_acctbal WHERE s_suppkey = %s",
                         (self.dice.choice((2, 6, 7, 8, 9)), self.dice.randint(1, self.generator.suppliers)))

    def part(self):
        self.cur.execute("UPDATE part SET p_type = %s, p_name = 'green ' || left(p_name, 40), p_brand = 'Brand#12', "
                         "p_container = 'SM BOX', p_size = 1 + p_size %% 5 WHERE p_partkey = %s",
                         (self.dice.choice(("PROMO PLATED TIN", "ECONOMY ANODIZED STEEL", "SMALL PLATED COPPER")),
                          self.dice.randint(1, self.generator.parts)))

    def nation(self):
        """Two nations swap names: views that name nations lose one and gain another."""
        first, second = self.dice.sample((2, 6, 7, 8, 12, 18), 2)
        self.cur.execute("UPDATE nation n SET n_name = o.n_name FROM nation o "
                         "WHERE (n.n_nationkey, o.n_nationkey) IN ((%s, %s), (%s, %s))", (first, second, second, first))

    def region(self):
        """A nation to another region."""
        self.cur.execute("UPDATE nation SET n_regionkey = (n_regionkey + 1) %% 5 WHERE n_nationkey = %s",
                         (self.dice.randrange(25),))

    def region_names(self):
        self.cur.execute("UPDATE region r SET r_name = o.r_name FROM region o "
                         "WHERE (r.r_regionkey, o.r_regionkey) IN ((1, 2), (2, 1))")

    def partsupp(self):
        self.cur.execute("UPDATE partsupp SET ps_supplycost = ps_supplycost + 1.5, ps_availqty = ps_availqty / 2 "
                         "WHERE ps_partkey BETWEEN %s AND %s + 5", (2 * (self.dice.randint(1, self.generator.parts),)))

    def several_tables(self):
        """Both ends of a join in one transaction, then an order that meets them."""
        self.customer()
        self.supplier()
        self.insert_order()
        self.part()
        self.delete_order()

    # --- rows of dimensions come and go -----------------------------------------------------------------------------

    def new_part(self):
        """A part that queries 2 and 20 ask for, with its suppliers; query 16 gets a group."""
        key = self.value("SELECT max(p_partkey) + 1 FROM part")
        self.cur.execute("INSERT INTO part SELECT %s, 'forest green', 'Manufacturer#1', 'Brand#11', "
                         "'SMALL PLATED BRASS', 15, 'SM BOX', 900, 'new'", (key,))
        self.cur.execute("INSERT INTO partsupp SELECT %s, s_suppkey, 5000, s_suppkey %% 3 + 1, 'new' FROM supplier "
                         "ORDER BY s_suppkey LIMIT 4", (key,))
        self.cur.execute("UPDATE part SET p_size = 14 WHERE p_partkey = %s - 1", (key,))

    def delete_part(self):
        """The last part, unless it is ordered."""
        key = self.value("SELECT max(p_partkey) FROM part")
        self.cur.execute("DELETE FROM partsupp WHERE ps_partkey = %s AND NOT EXISTS (SELECT FROM lineitem "
                         "WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey)", (key,))
        self.cur.execute("DELETE FROM part WHERE p_partkey = %s AND NOT EXISTS (SELECT FROM partsupp "
                         "WHERE ps_partkey = p_partkey)", (key,))

    def new_supplier(self):
        """A supplier who complains, or not, and who sells."""
        key = self.value("SELECT max(s_suppkey) + 1 FROM supplier")
        self.cur.execute("INSERT INTO supplier SELECT %s, 'Supplier#new', 'here', %s, '13-1', 10.5, %s",
                         (key, self.dice.choice((3, 7, 20)),
                          self.dice.choice(("fine", "Customer slow Complaints"))))
        self.cur.execute("INSERT INTO partsupp SELECT p_partkey, %s, 20, 0.5, 'new' FROM part "
                         "WHERE p_partkey %% 30 = 0 AND p_partkey < 400", (key,))

    def complaints(self):
        """A supplier's comment starts to complain, another's stops."""
        self.cur.execute("UPDATE supplier SET s_comment = CASE WHEN s_comment LIKE '%%Complaints%%' THEN 'fine' "
                         "ELSE 'Customer Complaints' END WHERE s_suppkey IN (9, %s)",
                         (self.dice.randint(1, self.generator.suppliers),))

    def customers_come_and_go(self):
        """One without orders comes, those without orders in one nation go; balances move query 22's average."""
        key = self.value("SELECT max(c_custkey) + 1 FROM customer")
        self.cur.execute("INSERT INTO customer VALUES (%s, 'Customer#new', 'here', 13, '23-1', %s, 'BUILDING', 'new')",
                         (key, self.dice.randint(-900, 20000)))
        self.cur.execute("DELETE FROM customer WHERE c_nationkey = %s AND NOT EXISTS (SELECT FROM orders "
                         "WHERE o_custkey = c_custkey) AND c_custkey %% 7 = 0", (self.dice.randrange(25),))
        self.cur.execute("UPDATE customer SET c_acctbal = c_acctbal * 1.5, c_phone = '31' || substr(c_phone, 3) "
                         "WHERE c_custkey %% 50 = %s", (self.dice.randrange(50),))

    def other_nation(self):
        """A second Germany in a second Europe comes with two inhabitants, and goes without them."""
        if self.value("SELECT NOT EXISTS (SELECT FROM nation WHERE n_nationkey = 25)"):
            self.cur.execute("INSERT INTO region VALUES (5, 'EUROPE', 'second')")
            self.cur.execute("INSERT INTO nation VALUES (25, 'GERMANY', 5, 'second')")
            self.cur.execute("UPDATE supplier SET s_nationkey = 25 WHERE s_suppkey = 1")
            self.cur.execute("UPDATE customer SET c_nationkey = 25 WHERE c_custkey = 1")
        else:
            self.cur.execute("UPDATE supplier SET s_nationkey = 7 WHERE s_nationkey = 25")
            self.cur.execute("UPDATE customer SET c_nationkey = 7 WHERE c_nationkey = 25")
            self.cur.execute("DELETE FROM nation WHERE n_nationkey = 25")
            self.cur.execute("DELETE FROM region WHERE r_regionkey = 5")

    def requests(self):
        """Orders in and out of query 13's count; every status into query 21's."""
        self.cur.execute("UPDATE orders SET o_orderstatus = 'F', o_comment = CASE WHEN o_comment LIKE "
                         "'%%special%%requests%%' THEN 'none' ELSE 'special requests' END WHERE o_orderkey IN (%s, %s)",
                         (self.an_order(), self.an_order()))

    def everyone_late_but_one(self):
        """Query 21: in one order one supplier is late, then two, then another one."""
        key = self.an_order()
        self.cur.execute("UPDATE lineitem SET l_commitdate = l_receiptdate + (l_linenumber > 1)::int * 2 - 1 "
                         "WHERE l_orderkey = %s", (key,))
        self.cur.execute("UPDATE lineitem SET l_commitdate = l_receiptdate - 1 WHERE l_orderkey = %s "
                         "AND l_linenumber = 2", (key,))
        self.cur.execute("UPDATE lineitem SET l_commitdate = l_receiptdate + 1 WHERE l_orderkey = %s "
                         "AND l_linenumber = 1", (key,))

    def best_supplier(self):
        """The maximum of query 15 is passed, or missed, and left."""
        self.cur.execute("DELETE FROM lineitem WHERE l_extendedprice > 2000000")
        self.cur.execute("UPDATE lineitem SET l_shipdate = '1996-02-01', l_extendedprice = %s, l_discount = 0 "
                         "WHERE l_orderkey = %s", (self.dice.randint(3000000, 9000000), self.an_order()))

    def large_order(self):
        """Over the limit of query 18; every other one back under it."""
        self.cur.execute("UPDATE lineitem SET l_quantity = l_quantity + 300 WHERE l_orderkey = %s", (self.an_order(),))
        self.cur.execute("UPDATE lineitem SET l_quantity = l_linenumber WHERE l_quantity > 300 AND l_orderkey % 16 < 8")

    def small_quantities(self):
        """Under the average of query 17."""
        self.cur.execute("UPDATE lineitem SET l_quantity = 1 WHERE (l_orderkey, l_linenumber) IN (SELECT l_orderkey, "
                         "l_linenumber FROM lineitem JOIN part ON p_partkey = l_partkey WHERE p_brand = 'Brand#23' "
                         "AND p_container = 'MED BOX' ORDER BY l_orderkey, l_linenumber OFFSET %s LIMIT 2)",
                         (self.dice.randrange(10),))

    def forest_parts(self):
        """Query 20: a supplier of Canada has too much of a part of the forest, then less; the part's name changes."""
        part, supplier = self.pair("SELECT ps_partkey, ps_suppkey FROM partsupp JOIN supplier ON s_suppkey = ps_suppkey "
                                   "WHERE s_nationkey = 3 ORDER BY ps_partkey, ps_suppkey OFFSET %s LIMIT 1",
                                   self.dice.randrange(20))
        self.cur.execute("UPDATE part SET p_name = 'forest ' || p_name WHERE p_partkey = %s", (part,))
        self.cur.execute("UPDATE partsupp SET ps_availqty = 9000 WHERE ps_partkey = %s AND ps_suppkey = %s",
                         (part, supplier))
        self.cur.execute("UPDATE lineitem SET l_partkey = %s, l_suppkey = %s, l_shipdate = '1994-02-02', l_quantity = 50 "
                         "WHERE l_orderkey = %s", (part, supplier, self.an_order()))
        self.cur.execute("UPDATE partsupp SET ps_availqty = ps_availqty - %s WHERE ps_partkey < 40",
                         (self.dice.randrange(50),))

    def many_lineitems(self):
        """A tenth of the largest table, in one statement."""
        self.cur.execute("UPDATE lineitem SET l_quantity = l_quantity %% 50 + 1, l_tax = 0.01 "
                         "WHERE l_linenumber = %s", (self.dice.randint(4, 7),))

    # --- nothing changes --------------------------------------------------------------------------------------------

    def no_change(self):
        self.cur.execute("UPDATE lineitem SET l_quantity = l_quantity WHERE l_orderkey = %s", (self.an_order(),))
        self.cur.execute("UPDATE nation SET n_name = n_name")

    def rolled_back(self):
        self.cur.execute("SAVEPOINT s")
        self.delete_batch_by_cascade()
        self.nation()
        self.cur.execute("ROLLBACK TO s")
        self.insert_order()


KINDS = [Run.insert_order, Run.delete_order, Run.update_lineitems, Run.customer, Run.insert_batch, Run.supplier,
         Run.delete_order_by_cascade, Run.part, Run.nation, Run.insert_order_in_one_statement, Run.region,
         Run.move_order, Run.partsupp, Run.ship_late, Run.region_names, Run.delete_batch_by_cascade, Run.other_part,
         Run.into_date_windows, Run.several_tables, Run.insert_and_delete, Run.new_part, Run.new_supplier,
         Run.complaints, Run.customers_come_and_go, Run.other_nation, Run.requests, Run.everyone_late_but_one,
         Run.best_supplier, Run.large_order, Run.small_quantities, Run.forest_parts, Run.delete_part, Run.many_lineitems, Run.no_change, Run.rolled_back]


class Views:
    """The queries as maintained views, and how they fare."""

    def __init__(self, cur, sf):
        self.cur, self.sf = cur, sf
        self.queries, self.contents, self.changes = {}, {}, {}
        self.passed, self.failures = 0, []

    def create(self, label):
        query = tpch.query(label, self.sf)
        try:
            tvbench.create_view(self.cur, tpch.name(label), query)
            self.queries[label] = query
        except psycopg2.Error as problem:
            self.failures.append(f"{tpch.name(label)} is not created: {str(problem).strip().splitlines()[0]}")

    def check(self, after):
        """Every view against its query; also count how often each view's contents changed."""
        tvbench.refresh_if_dry(self.cur, map(tpch.name, self.queries))
        for label, query in self.queries.items():
            name = tpch.name(label)
            try:
                found = tpch.difference(self.cur, name, query, extension_check=False)
            except psycopg2.Error as problem:
                found = str(problem).strip().splitlines()[0]
            if found:
                self.failures.append(f"{name} after {after}: {found}")
                continue
            self.passed += 1
            self.cur.execute(f"SELECT md5(string_agg(v::text, '/' ORDER BY v::text)) FROM {name} v")
            now = self.cur.fetchone()[0]
            if label in self.contents and self.contents[label] != now:
                self.changes[label] = self.changes.get(label, 0) + 1
            self.contents[label] = now

    def finish(self, rounds):
        """Hidden state, too; and a view that nothing changed was not tested."""
        for label in self.queries if not tvbench.DRY else ():
            self.cur.execute("SELECT count(*) FROM tview.check(%s)", (tpch.name(label),))
            if self.cur.fetchone()[0]:
                self.failures.append(f"{tpch.name(label)}: tview.check reports differences")
            else:
                self.passed += 1
        for label in self.queries:
            if not self.changes.get(label) and rounds >= 2:
                self.failures.append(f"{tpch.name(label)}: no transaction changed it, so this run says nothing about it")


def one_round(cur, run, views, number):
    for kind in KINDS:
        after = f"round {number}, {kind.__name__}"
        try:
            cur.execute("BEGIN")
            kind(run)
            cur.execute("COMMIT")
        except psycopg2.Error as problem:
            cur.execute("ROLLBACK")
            views.failures.append(f"{after}: {str(problem).strip().splitlines()[0]}")
        views.check(after)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sf", type=float, default=0.003)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=40, help="begin no further round after this time")
    parser.add_argument("--repeat", type=int, default=4, help="rounds through all kinds of transaction")
    parser.add_argument("--queries", default=",".join(tpch.QUERIES))
    parser.add_argument("--without-reads", action="store_true")
    options = parser.parse_args()
    labels = options.queries.split(",")
    start = time.perf_counter()

    tvbench.create_database(DATABASE)
    conn = tvbench.connect(DATABASE)
    cur = conn.cursor()
    tvbench.install(cur)
    generator = tpch.Generator(options.sf, options.seed)
    tpch.load(cur, generator)
    views = Views(cur, options.sf)
    for label in labels:
        views.create(label)
    views.check("CREATE")
    print(f"scale factor {options.sf}, seed {options.seed}: {len(views.queries)} views over "
          f"{generator.orders:,} orders in {time.perf_counter() - start:.1f} s", flush=True)

    run, rounds = Run(cur, generator, random.Random(options.seed)), 0
    while rounds < options.repeat and (rounds == 0 or time.perf_counter() - start < options.seconds):
        rounds += 1
        one_round(cur, run, views, rounds)
    views.finish(rounds)
    conn.close()
    tvbench.drop_database(DATABASE)
    print("transactions that changed a view: "
          + ", ".join(f"{tpch.name(label)} {views.changes.get(label, 0)}" for label in views.queries))
    print(f"{rounds * len(KINDS)} transactions in {time.perf_counter() - start:.1f} s", flush=True)

    if not options.without_reads and not tvbench.DRY:
        passed, failures = reads.run(list(views.queries))
        views.passed += passed
        views.failures += failures
        print(f"reads counted at {time.perf_counter() - start:.1f} s")

    for failure in views.failures[:SHOWN_FAILURES]:
        print(f"FAILED {failure}")
    if len(views.failures) > SHOWN_FAILURES:
        print(f"... and {len(views.failures) - SHOWN_FAILURES} more")
    print(f"{views.passed} passed, {len(views.failures)} failed")
    return 1 if views.failures or not views.passed else 0


if __name__ == "__main__":
    sys.exit(main())
