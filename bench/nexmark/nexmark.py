#!/usr/bin/python3
"""A schema, a seeded data generator and 23 queries derived from Nexmark, a suite of queries over an online auction.

Derived from, and not comparable with, Nexmark: its queries are over streams, these are over tables; where it has windows
of a stream, these have buckets of time, or window functions. Of fifty events one is a new person, three are new
auctions, and the others are bids. Half of the bids go to a few auctions of the moment. No two bids have one time.

    nexmark.py load [--events 20000] [--seed 1]     fill the current database (PG* environment)
    nexmark.py rows                                 run the queries and count what they return
"""
import argparse
import datetime
import io
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import tvbench  # noqa: E402

QUERIES = tuple(map(str, range(23)))
TABLES = ("person", "auction", "bid", "side")

FIRST = datetime.datetime(2024, 5, 1, 7, 0, 0)
PER_SECOND = 20
STATES = ("AZ", "CA", "ID", "OR", "WA", "WY")
CITIES = ("Phoenix", "Palo Alto", "San Mateo", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne")
NAMES = ("Ada", "Brin", "Cole", "Dora", "Egon", "Fay", "Gus", "Hal", "Ina", "Jo")
CHANNELS = ("apple", "Google", "facebook", "Baidu") + tuple(f"channel-{i}" for i in range(8))


class Generator:
    """Events in order of time; beyond the first ones, for as long as they are asked for."""

    def __init__(self, events, seed=1):
        self.events = events
        self.dice = random.Random(f"nexmark {events} {seed}")
        self.persons = self.auctions = self.made = 0

    def when(self):
        """Its microseconds are the event's own, so no two events have one time, however late one comes."""
        seconds = self.made // PER_SECOND
        return FIRST + datetime.timedelta(seconds=seconds, microseconds=self.made % 1000000)

    def word(self, longest):
        return "".join(self.dice.choices("abcdefghijklm nop", k=self.dice.randint(3, longest))).strip() or "c"

    def person(self):
        dice = self.dice
        self.persons += 1
        name = dice.choice(NAMES) + " " + dice.choice(NAMES)
        return (self.persons, name, f"{name.replace(' ', '.')}@example.org", dice.choice(CITIES), dice.choice(STATES),
                self.when().isoformat(" "), self.word(20))

    def auction(self):
        dice = self.dice
        self.auctions += 1
        when, price = self.when(), self.price()
        return (self.auctions, self.word(10), self.word(40), price, price + self.price(), when.isoformat(" "),
                (when + datetime.timedelta(seconds=dice.randint(5, 600))).isoformat(" "), self.recent(self.persons, 20),
                dice.randint(10, 14), self.word(20))

    def bid(self):
        dice = self.dice
        when = self.when()
        if dice.random() < 0.1:
            when -= datetime.timedelta(seconds=dice.randint(1, 60))
        channel = dice.choice(CHANNELS)
        url = f"https://www.example.org/{self.word(6)}/{self.word(6)}/item.htm?query=1"
        if channel.startswith("channel") and dice.random() < 0.8:
            url += "&channel_id=" + channel[8:]
        return (self.recent(self.auctions, 30), self.recent(self.persons, 40), self.price(), channel, url,
                when.isoformat(" "), self.word(30))

    def price(self):
        return int(10 ** (self.dice.random() * 6 + 1))

    def recent(self, last, window):
        """One of the last ones, every other time one of a few of those."""
        first = max(1, last - window)
        chosen = self.dice.randint(first, max(last, 1))
        return max(1, chosen // 8 * 8) if self.dice.random() < 0.5 else chosen

    def event(self):
        """The next event: (table, row)."""
        kind = self.made % 50
        self.made += 1
        if kind == 0:
            return "person", self.person()
        return ("auction", self.auction()) if kind <= 3 else ("bid", self.bid())

    def batch(self, count=50):
        """The next events, by table."""
        rows = {"person": [], "auction": [], "bid": []}
        for _ in range(count):
            table, row = self.event()
            rows[table].append(row)
        return rows


def copy(cur, table, rows):
    cur.copy_expert(f"COPY {table} FROM STDIN", io.StringIO("".join("\t".join(map(str, row)) + "\n" for row in rows)))


def run_script(cur, name):
    with open(os.path.join(HERE, name)) as script:
        cur.execute(script.read())


def load(cur, generator):
    run_script(cur, "schema.sql")
    left = generator.events
    while left > 0:
        for table, rows in generator.batch(min(left, 50000)).items():
            copy(cur, table, rows)
        left -= 50000
    copy(cur, "side", [(i, f"value {i}") for i in range(50)])
    run_script(cur, "indexes.sql")
    cur.execute("VACUUM ANALYZE")


def name(label):
    return "q" + label.rjust(2, "0")


def query(label):
    with open(os.path.join(HERE, "queries", name(label) + ".sql")) as text:
        return text.read().rstrip()


def insert(cur, rows):
    """A batch, one statement for each table."""
    for table, its_rows in rows.items():
        if its_rows:
            row = "(" + ", ".join(["%s"] * len(its_rows[0])) + ")"
            cur.execute(f"INSERT INTO {table} VALUES " + ", ".join([row] * len(its_rows)),
                        [value for one in its_rows for value in one])


def delete(cur, rows):
    """The same batch again."""
    cur.execute("DELETE FROM bid WHERE (auction, date_time) IN (SELECT * FROM unnest(%s, %s::timestamp[]))",
                ([row[0] for row in rows["bid"]], [row[5] for row in rows["bid"]]))
    for table in ("auction", "person"):
        if rows[table]:
            cur.execute(f"DELETE FROM {table} WHERE id = ANY (%s)", ([row[0] for row in rows[table]],))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("load", "rows"))
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    conn = tvbench.connect(os.environ.get("PGDATABASE", "postgres"))
    cur = conn.cursor()
    start = time.perf_counter()
    if options.action == "load":
        load(cur, Generator(options.events, options.seed))
        print(f"loaded {options.events:,} events in {time.perf_counter() - start:.1f} s")
    else:
        for label in QUERIES:
            took = tvbench.timed(cur, query(label))
            rows = cur.fetchall()
            print(f"q{label:<3}{len(rows):>7} rows{took:>10.1f} ms   {'' if not rows else str(rows[0])[:90]}")


if __name__ == "__main__":
    main()
