#!/usr/bin/python3
"""Queries derived from Nexmark as maintained views, all at once, under a stream of events and under corrections.

After every transaction each view is compared with its query: EXCEPT ALL both ways, as values and as text. One check is
one view after one transaction. The last line reads "N passed, N failed"; the exit status is 1 if any failed.

    test/nexmark/run.py [--events 3000] [--seed 1] [--seconds 25] [--queries 1,3,5] [--repeat N]

The server is the one the PG* environment names; the database tview_nexmark_test is made and dropped.
TV_DRY=1 checks the script itself with plain materialized views.
"""
import argparse
import os
import random
import sys
import time

import psycopg2

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
sys.path[:0] = [BENCH, os.path.join(BENCH, "nexmark")]
import nexmark  # noqa: E402
import tvbench  # noqa: E402

DATABASE = "tview_nexmark_test"
SHOWN_FAILURES = 20


class Run:
    """One database under test; every method below is one transaction of a kind."""

    def __init__(self, cur, generator, dice):
        self.cur, self.generator, self.dice = cur, generator, dice

    def an_auction(self):
        return self.dice.randint(1, self.generator.auctions)

    def a_person(self):
        return self.dice.randint(1, self.generator.persons)

    # --- the stream -------------------------------------------------------------------------------------------------

    def events(self):
        nexmark.insert(self.cur, self.generator.batch())

    def single_events(self):
        for _ in range(12):
            table, row = self.generator.event()
            nexmark.insert(self.cur, {table: [row]})

    def copied_events(self):
        for table, rows in self.generator.batch(400).items():
            nexmark.copy(self.cur, table, rows)

    def events_and_back(self):
        rows = self.generator.batch()
        nexmark.insert(self.cur, rows)
        nexmark.delete(self.cur, rows)

    def several_in_one_statement(self):
        """An auction, its seller and its first bid come together."""
        self.cur.execute(
            "WITH p AS (INSERT INTO person VALUES (%s, 'New Seller', 'n@example.org', 'Boise', 'ID', '2024-05-01 07:00', "
            "'x') RETURNING id), a AS (INSERT INTO auction SELECT %s, 'cc', 'd', 1, 2, '2024-05-01 07:00:01', "
            "'2024-05-01 08:00', id, 10, 'x' FROM p RETURNING id) INSERT INTO bid SELECT id, 1, 700, 'apple', "
            "'https://www.example.org/a/b/c', '2024-05-01 07:00:02.5', 'cc' FROM a",
            (1000000 + self.generator.made, 1000000 + self.generator.made))
        self.generator.event()

    # --- corrections ------------------------------------------------------------------------------------------------

    def prices(self):
        self.cur.execute("UPDATE bid SET price = price * 2 + 1 WHERE auction = %s", (self.an_auction(),))

    def best_bid_withdrawn(self):
        self.cur.execute("DELETE FROM bid WHERE (auction, price) IN (SELECT auction, max(price) FROM bid "
                         "WHERE auction IN (%s, %s) GROUP BY auction)", (self.an_auction(), self.an_auction()))

    def bids_of_a_bidder(self):
        self.cur.execute("DELETE FROM bid WHERE bidder = %s AND auction %% 3 = 0", (self.a_person(),))

    def bids_move(self):
        """To another auction, by another bidder, at another time; times stay unique."""
        auction = self.an_auction()
        self.cur.execute("UPDATE bid SET auction = %s WHERE auction = %s", (self.an_auction(), auction))
        self.cur.execute("UPDATE bid SET bidder = %s WHERE bidder = %s", (self.a_person(), self.a_person()))
        self.cur.execute("UPDATE bid SET date_time = date_time + interval '31 seconds' WHERE auction = %s",
                         (self.an_auction(),))

    def channels(self):
        self.cur.execute("UPDATE bid SET channel = 'GOOGLE', url = replace(url, 'item', 'lot'), extra = extra || 'c' "
                         "WHERE bidder = %s", (self.a_person(),))

    def equal_prices(self):
        """Ties at the top of a bucket, an auction, a bidder's list."""
        self.cur.execute("UPDATE bid SET price = 5000000 WHERE auction = %s", (self.an_auction(),))

    def auctions(self):
        self.cur.execute("UPDATE auction SET category = 10 + (category - 9) %% 5, expires = expires - interval '20 seconds', "
                         "item = item || 'x' WHERE id = %s OR seller = %s", (self.an_auction(), self.a_person()))

    def auctions_gone(self):
        self.cur.execute("DELETE FROM auction WHERE id IN (%s, %s)", (self.an_auction(), self.an_auction()))

    def other_seller(self):
        self.cur.execute("UPDATE auction SET seller = %s WHERE seller = %s", (self.a_person(), self.a_person()))

    def persons(self):
        self.cur.execute("UPDATE person SET state = CASE state WHEN 'CA' THEN 'WA' ELSE 'CA' END, city = city || '.', "
                         "date_time = date_time + interval '10 seconds' WHERE id IN (%s, %s)",
                         (self.a_person(), self.a_person()))
        self.cur.execute("DELETE FROM person WHERE id = %s", (self.a_person(),))

    def side_table(self):
        key = self.dice.randrange(100)
        self.cur.execute("INSERT INTO side VALUES (%s, 'more') ON CONFLICT (key) DO UPDATE SET value = side.value || '+'",
                         (key,))
        self.cur.execute("DELETE FROM side WHERE key = %s", (key // 2,))

    def duplicates(self):
        """Two equal bids: rows of views without a key."""
        self.cur.execute("INSERT INTO bid SELECT 3, 3, 10, 'apple', 'https://www.example.org/x/y', "
                         "'2024-05-01 07:01:00.75', 'c' FROM generate_series(1, 2)")
        self.cur.execute("DELETE FROM bid WHERE auction = 3 AND date_time = '2024-05-01 07:01:00.75'")

    def tenth(self):
        self.cur.execute("UPDATE bid SET price = price + 1 WHERE auction %% 10 = %s", (self.dice.randrange(10),))

    # --- nothing changes --------------------------------------------------------------------------------------------

    def no_change(self):
        self.cur.execute("UPDATE bid SET price = price, channel = channel WHERE bidder = %s", (self.a_person(),))

    def rolled_back(self):
        self.cur.execute("SAVEPOINT s")
        self.tenth()
        self.auctions_gone()
        self.cur.execute("TRUNCATE bid")
        self.cur.execute("ROLLBACK TO s")
        self.events()


KINDS = [Run.events, Run.single_events, Run.prices, Run.best_bid_withdrawn, Run.copied_events, Run.auctions,
         Run.bids_of_a_bidder, Run.bids_move, Run.several_in_one_statement, Run.channels, Run.equal_prices,
         Run.auctions_gone, Run.persons, Run.other_seller, Run.side_table, Run.duplicates, Run.events_and_back,
         Run.tenth, Run.no_change, Run.rolled_back]


class Views:
    """The queries as maintained views, and how they fare."""

    def __init__(self, cur):
        self.cur = cur
        self.queries, self.contents, self.changes = {}, {}, {}
        self.passed, self.failures = 0, []

    def create(self, label):
        query = nexmark.query(label)
        try:
            tvbench.create_view(self.cur, nexmark.name(label), query)
            self.queries[label] = query
        except psycopg2.Error as problem:
            self.failures.append(f"{nexmark.name(label)} is not created: {str(problem).strip().splitlines()[0]}")

    def check(self, after):
        """Every view against its query; also count how often each view's contents changed."""
        tvbench.refresh_if_dry(self.cur, map(nexmark.name, self.queries))
        for label, query in self.queries.items():
            name = nexmark.name(label)
            try:
                found = tvbench.difference(self.cur, name, query, extension_check=False)
            except psycopg2.Error as problem:
                found = str(problem).strip().splitlines()[0]
            if found:
                self.failures.append(f"{name} after {after}: {found}")
                continue
            self.passed += 1
            self.cur.execute(f"SELECT sum(hashtextextended(v::text, 0)) FROM {name} v")
            now = self.cur.fetchone()[0]
            if label in self.contents and self.contents[label] != now:
                self.changes[label] = self.changes.get(label, 0) + 1
            self.contents[label] = now

    def finish(self):
        """Hidden state, too; and a view that nothing changed was not tested."""
        for label in self.queries:
            if not tvbench.DRY:
                self.cur.execute("SELECT count(*) FROM tview.check(%s)", (nexmark.name(label),))
                if self.cur.fetchone()[0]:
                    self.failures.append(f"{nexmark.name(label)}: tview.check reports differences")
                else:
                    self.passed += 1
            if not self.changes.get(label):
                self.failures.append(f"{nexmark.name(label)}: no transaction changed it, so this run says nothing "
                                     "about it")


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
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=25, help="begin no further round after this time")
    parser.add_argument("--repeat", type=int, default=3, help="rounds through all kinds of transaction")
    parser.add_argument("--queries", default=",".join(nexmark.QUERIES))
    options = parser.parse_args()
    start = time.perf_counter()

    tvbench.create_database(DATABASE)
    conn = tvbench.connect(DATABASE)
    cur = conn.cursor()
    tvbench.install(cur)
    generator = nexmark.Generator(options.events, options.seed)
    nexmark.load(cur, generator)
    views = Views(cur)
    for label in options.queries.split(","):
        views.create(label)
    views.check("CREATE")
    print(f"seed {options.seed}: {len(views.queries)} views over {options.events:,} events in "
          f"{time.perf_counter() - start:.1f} s", flush=True)

    run, rounds = Run(cur, generator, random.Random(options.seed)), 0
    while rounds < options.repeat and (rounds == 0 or time.perf_counter() - start < options.seconds):
        rounds += 1
        one_round(cur, run, views, rounds)
    views.finish()
    conn.close()
    tvbench.drop_database(DATABASE)

    print("transactions that changed a view: "
          + ", ".join(f"{nexmark.name(label)} {views.changes.get(label, 0)}" for label in views.queries))
    print(f"{rounds * len(KINDS)} transactions in {time.perf_counter() - start:.1f} s")
    for failure in views.failures[:SHOWN_FAILURES]:
        print(f"FAILED {failure}")
    if len(views.failures) > SHOWN_FAILURES:
        print(f"... and {len(views.failures) - SHOWN_FAILURES} more")
    print(f"{views.passed} passed, {len(views.failures)} failed")
    return 1 if views.failures or not views.passed else 0


if __name__ == "__main__":
    sys.exit(main())
