#!/usr/bin/python3
"""Queries derived from TPC-H as maintained views, all at once, under refresh functions and dimension updates.

After every transaction each view is compared with its query: EXCEPT ALL both ways, as values and as text. One check is
one view after one transaction. The last line reads "N passed, N failed"; the exit status is 1 if any failed.

    test/tpch/run.py [--sf 0.003] [--seed 1] [--seconds 50] [--queries 1,3,5] [--repeat N]

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

DATABASE = "tview_tpch_test"
QUERIES = (1, 3, 5, 6, 7, 8, 9, 10, 12, 14, 19)
SHOWN_FAILURES = 20


class Run:
    """One database under test; every method below is one transaction of a kind."""

    def __init__(self, cur, generator, dice):
        self.cur, self.generator, self.dice = cur, generator, dice

    def value(self, query, *args):
        self.cur.execute(query, args)
        return self.cur.fetchone()[0]

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
         Run.into_date_windows, Run.several_tables, Run.insert_and_delete, Run.no_change, Run.rolled_back]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sf", type=float, default=0.003)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=50, help="begin no further round after this time")
    parser.add_argument("--repeat", type=int, default=4, help="rounds through all kinds of transaction")
    parser.add_argument("--queries", default=",".join(map(str, QUERIES)))
    options = parser.parse_args()
    start = time.perf_counter()

    tvbench.create_database(DATABASE)
    conn = tvbench.connect(DATABASE)
    cur = conn.cursor()
    tvbench.install(cur)
    generator = tpch.Generator(options.sf, options.seed)
    tpch.load(cur, generator)

    passed, failures = 0, []
    contents, changes = {}, {}

    def check(after):
        """Every view against its query; also count how often each view's contents changed."""
        nonlocal passed
        tvbench.refresh_if_dry(cur, views)
        for name, query in views.items():
            try:
                found = tvbench.difference(cur, name, query, extension_check=False)
            except psycopg2.Error as problem:
                found = str(problem).strip().splitlines()[0]
            if found:
                failures.append(f"{name} after {after}: {found}")
                continue
            passed += 1
            cur.execute(f"SELECT md5(string_agg(v::text, '/' ORDER BY v::text)) FROM {name} v")
            now = cur.fetchone()[0]
            if name in contents and contents[name] != now:
                changes[name] = changes.get(name, 0) + 1
            contents[name] = now

    views = {}
    for number in map(int, options.queries.split(",")):
        name, query = f"q{number:02d}", tpch.query(number, options.sf, ordered=False)
        try:
            tvbench.create_view(cur, name, query)
            views[name] = query
        except psycopg2.Error as problem:
            failures.append(f"{name} is not created: {str(problem).strip().splitlines()[0]}")
    check("CREATE")
    print(f"scale factor {options.sf}, seed {options.seed}: {len(views)} views over "
          f"{generator.orders:,} orders in {time.perf_counter() - start:.1f} s", flush=True)

    run, transactions = Run(cur, generator, random.Random(options.seed)), 0
    for _ in range(options.repeat):
        if time.perf_counter() - start > options.seconds:
            break
        for kind in KINDS:
            transactions += 1
            after = f"transaction {transactions}, {kind.__name__}"
            try:
                cur.execute("BEGIN")
                kind(run)
                cur.execute("COMMIT")
            except psycopg2.Error as problem:
                cur.execute("ROLLBACK")
                failures.append(f"{after}: {str(problem).strip().splitlines()[0]}")
            check(after)
    if not tvbench.DRY:
        for name in views:
            cur.execute("SELECT count(*) FROM tview.check(%s)", (name,))
            if cur.fetchone()[0]:
                failures.append(f"{name}: tview.check reports differences")
            else:
                passed += 1
    for name in views:
        if not changes.get(name) and transactions >= 3 * len(KINDS):
            failures.append(f"{name}: no transaction changed it, so this run says nothing about it")
    conn.close()
    tvbench.drop_database(DATABASE)

    for failure in failures[:SHOWN_FAILURES]:
        print(f"FAILED {failure}")
    if len(failures) > SHOWN_FAILURES:
        print(f"... and {len(failures) - SHOWN_FAILURES} more")
    print("transactions that changed a view: " + ", ".join(f"{name} {changes.get(name, 0)}" for name in views))
    print(f"{transactions} transactions in {time.perf_counter() - start:.1f} s")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
