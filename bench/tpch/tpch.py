#!/usr/bin/python3
"""A schema, a seeded data generator and 22 queries derived from TPC-H.

Derived from, and not comparable with, TPC-H: the generator is our own. It follows the published value ranges and
dependencies, and plants a few rows so that every query returns something at scale factors far below 1.

    tpch.py load [--sf 0.01] [--seed 1]     fill the current database (PG* environment)
    tpch.py query N [--sf 0.01] [--plain]   print query N; --plain without its ORDER BY and LIMIT
                                            (N is 1 to 22 or 15v, the form of query 15 that reads a view)
    tpch.py rows [--sf 0.01]                run the 22 queries and count what they return
"""
import argparse
import datetime
import io
import os
import random
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import tvbench  # noqa: E402

TABLES = ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem")

REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")
NATIONS = (("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1), ("EGYPT", 4), ("ETHIOPIA", 0),
           ("FRANCE", 3), ("GERMANY", 3), ("INDIA", 2), ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2),
           ("JORDAN", 4), ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0), ("PERU", 1), ("CHINA", 2),
           ("ROMANIA", 3), ("SAUDI ARABIA", 4), ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3),
           ("UNITED STATES", 1))
# Suppliers take nations in this order, so that the ones the queries name exist even when there are ten suppliers.
NATION_ORDER = (7, 3, 20, 2, 6, 9, 8, 12, 18, 21) + (0, 1, 4, 5, 10, 11, 13, 14, 15, 16, 17, 19, 22, 23, 24)
SEGMENTS = ("AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY")
PRIORITIES = ("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")
INSTRUCTIONS = ("COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN")
MODES = ("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK")
TYPES = tuple(f"{a} {b} {c}"
              for a in ("ECONOMY", "LARGE", "MEDIUM", "PROMO", "SMALL", "STANDARD")
              for b in ("ANODIZED", "BRUSHED", "BURNISHED", "PLATED", "POLISHED")
              for c in ("BRASS", "COPPER", "NICKEL", "STEEL", "TIN"))
CONTAINERS = tuple(f"{a} {b}" for a in ("JUMBO", "LG", "MED", "SM", "WRAP")
                   for b in ("BAG", "BOX", "CAN", "CASE", "DRUM", "JAR", "PACK", "PKG"))
COLOURS = tuple("""almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished
    chartreuse chiffon chocolate coral cornflower cornsilk cream cyan dark deep dim dodger drab firebrick floral forest
    frosted gainsboro ghost goldenrod green grey honeydew hot indian ivory khaki lace lavender lawn lemon light lime
    linen magenta maroon medium metallic midnight mint misty moccasin navajo navy olive orange orchid pale papaya peach
    peru pink plum powder puff purple red rose rosy royal saddle salmon sandy seashell sienna sky slate smoke snow
    spring steel tan thistle tomato turquoise violet wheat white yellow""".split())
WORDS = tuple("""furious sly careful quick blithe even final ironic regular bold silent daring pending express unusual
    accounts deposits packages theodolites instructions dependencies foxes ideas pinto beans platelets asymptotes
    courts dolphins multipliers sauternes warthogs frets dinos attainments somas braids sleep wake cajole nag haggle
    detect integrate use boost affix above among across after against along about slyly quickly carefully blithely
    furiously fluffily special requests special requests the of to""".split())

# What one part in thirty is made to be, in turn, for the queries that ask for rare parts: 2, 8, 9, 17, 19 (three
# branches), 20.
PLANTED = (
    {"p_type": "STANDARD PLATED BRASS", "p_size": 15},
    {"p_type": "ECONOMY ANODIZED STEEL"},
    {"p_brand": "Brand#23", "p_container": "MED BOX", "p_size": 5},
    {"p_brand": "Brand#12", "p_container": "SM CASE", "p_size": 3},
    {"p_brand": "Brand#34", "p_container": "LG PACK", "p_size": 9},
    {"p_name": "forest green"},
)
PLANT_EVERY = 30

FIRST_DATE = datetime.date(1992, 1, 1)
DATE_RANGE = (datetime.date(1998, 12, 31) - datetime.timedelta(days=151) - FIRST_DATE).days
CURRENT = (datetime.date(1995, 6, 17) - FIRST_DATE).days
DATES = tuple((FIRST_DATE + datetime.timedelta(days=n)).isoformat() for n in range(2700))


def money(cents):
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


class Generator:
    """Rows of every table, and of refresh orders, for one scale factor and seed."""

    def __init__(self, sf, seed=1):
        self.sf = sf
        self.dice = random.Random(f"tpch {sf} {seed}")
        self.suppliers = max(10, round(10000 * sf))
        self.parts = max(100, round(200000 * sf))
        self.customers = max(30, round(150000 * sf))
        self.orders = max(100, round(1500000 * sf))
        self.new_orders = 0
        # Comments are cut out of one long text: thousands of draws per row would be most of the time.
        self.text = " ".join(self.dice.choice(WORDS) for _ in range(20000))

    def comment(self, longest):
        length = int(longest * (0.4 + 0.6 * self.dice.random()))
        start = self.dice.randrange(len(self.text) - length)
        return self.text[start:start + length].strip()

    def phone(self, nation):
        dice = self.dice
        return f"{nation + 10}-{dice.randint(100, 999)}-{dice.randint(100, 999)}-{dice.randint(1000, 9999)}"

    def address(self):
        return "".join(self.dice.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,",
                                         k=self.dice.randint(10, 40))).strip(" ,") or "x"

    # --- the tables -------------------------------------------------------------------------------------------------

    def region_rows(self):
        for key, name in enumerate(REGIONS):
            yield key, name, self.comment(150)

    def nation_rows(self):
        for key, (name, region) in enumerate(NATIONS):
            yield key, name, region, self.comment(150)

    def part_rows(self):
        dice = self.dice
        for key in range(1, self.parts + 1):
            maker = dice.randint(1, 5)
            part = {"p_partkey": key, "p_name": " ".join(dice.sample(COLOURS, 5)), "p_mfgr": f"Manufacturer#{maker}",
                    "p_brand": f"Brand#{maker}{dice.randint(1, 5)}", "p_type": dice.choice(TYPES),
                    "p_size": dice.randint(1, 50), "p_container": dice.choice(CONTAINERS),
                    "p_retailprice": money(self.price(key)), "p_comment": self.comment(22)}
            if key % PLANT_EVERY == 0:
                part.update(PLANTED[key // PLANT_EVERY % len(PLANTED)])
            yield tuple(part.values())

    @staticmethod
    def price(part):
        return 90000 + part // 10 % 20001 + 100 * (part % 1000)

    def part_suppliers(self, part):
        """Four different suppliers of a part, spread over all of them."""
        found = []
        for i in range(4):
            supplier = (part + i * (self.suppliers // 4 + (part - 1) // self.suppliers)) % self.suppliers + 1
            while supplier in found:
                supplier = supplier % self.suppliers + 1
            found.append(supplier)
        return found

    def supplier_rows(self):
        for key in range(1, self.suppliers + 1):
            nation = NATION_ORDER[(key - 1) % 25]
            comment = self.comment(100)
            if key % 20 == 9:
                comment = (comment[:60] + " Customer slow Complaints")[-100:]
            yield (key, f"Supplier#{key:09d}", self.address(), nation, self.phone(nation),
                   money(self.dice.randint(-99999, 999999)), comment)

    def partsupp_rows(self):
        for part in range(1, self.parts + 1):
            for supplier in self.part_suppliers(part):
                yield (part, supplier, self.dice.randint(1, 9999), money(self.dice.randint(100, 100000)),
                       self.comment(190))

    def customer_rows(self):
        for key in range(1, self.customers + 1):
            nation = self.dice.randrange(25)
            yield (key, f"Customer#{key:09d}", self.address(), nation, self.phone(nation),
                   money(self.dice.randint(-99999, 999999)), self.dice.choice(SEGMENTS), self.comment(115))

    def order(self, key, large=False):
        """One order and its lineitems."""
        dice = self.dice
        customer = dice.randint(1, self.customers)
        while customer % 3 == 0:
            customer = dice.randint(1, self.customers)
        day = dice.randint(0, DATE_RANGE)
        lines, total, open_lines = [], 0, 0
        for number in range(1, (7 if large else dice.randint(1, 7)) + 1):
            part = dice.randint(1, self.parts)
            # Planted parts more often than the others.
            if dice.random() < 0.02:
                part = part // PLANT_EVERY * PLANT_EVERY or PLANT_EVERY
            quantity = dice.randint(44, 50) if large else dice.randint(1, 50)
            extended = quantity * self.price(part)
            discount, tax = dice.randint(0, 10), dice.randint(0, 8)
            shipped = day + dice.randint(1, 121)
            received = shipped + dice.randint(1, 30)
            still_open = shipped > CURRENT
            mode, instruction = dice.choice(MODES), dice.choice(INSTRUCTIONS)
            if part % PLANT_EVERY == 0 and dice.random() < 0.3:
                mode, instruction = "AIR", "DELIVER IN PERSON"
            open_lines += still_open
            total += extended * (100 + tax) * (100 - discount)
            lines.append((key, part, dice.choice(self.part_suppliers(part)), number, quantity, money(extended),
                          money(discount), money(tax), dice.choice("RA") if received <= CURRENT else "N",
                          "O" if still_open else "F", DATES[shipped], DATES[day + dice.randint(30, 90)],
                          DATES[received], instruction, mode, self.comment(43)))
        status = "F" if not open_lines else "O" if open_lines == len(lines) else "P"
        order = (key, customer, status, money(total // 10000), DATES[day], dice.choice(PRIORITIES),
                 f"Clerk#{dice.randint(1, max(1, round(1000 * self.sf))):09d}", 0, self.comment(78))
        return order, lines

    def order_rows(self):
        """Orders with their lineitems; three of every four keys are left free, for refreshes."""
        for i in range(self.orders):
            yield self.order(i // 8 * 32 + i % 8 + 1, large=i % 500 == 77)

    def new_order(self):
        """An order of the first refresh function: a key from the gaps."""
        i = self.new_orders
        self.new_orders += 1
        return self.order(i // 8 * 32 + 8 + i % 8 + 1, large=i % 40 == 9)


# --- loading --------------------------------------------------------------------------------------------------------

def copy(cur, table, rows):
    cur.copy_expert(f"COPY {table} FROM STDIN", io.StringIO("".join("\t".join(map(str, row)) + "\n" for row in rows)))


def run_script(cur, name):
    with open(os.path.join(HERE, name)) as script:
        cur.execute(script.read())


def load(cur, generator):
    """Make the tables and fill them, in one transaction's worth of COPYs per 20,000 orders."""
    run_script(cur, "schema.sql")
    for table in TABLES[:6]:
        copy(cur, table, getattr(generator, f"{table}_rows")())
    orders, lines = [], []
    for order, its_lines in generator.order_rows():
        orders.append(order)
        lines += its_lines
        if len(orders) == 20000:
            copy(cur, "orders", orders)
            copy(cur, "lineitem", lines)
            orders, lines = [], []
    copy(cur, "orders", orders)
    copy(cur, "lineitem", lines)
    run_script(cur, "indexes.sql")
    plain_views(cur)
    cur.execute("VACUUM ANALYZE")


# --- queries --------------------------------------------------------------------------------------------------------

# Query 15 has two forms: with a CTE, and over the plain view "revenue".
QUERIES = tuple(map(str, range(1, 16))) + ("15v",) + tuple(map(str, range(16, 23)))


def name(label):
    """The view that keeps a query: q01, q15v."""
    return "q" + label.rjust(3 if label.endswith("v") else 2, "0")


def text(file):
    with open(os.path.join(HERE, "queries", file)) as found:
        return found.read().rstrip()


def query(label, sf=1, ordered=True):
    """The text of a query; without ORDER BY and LIMIT if not ordered.

    Query 11's fraction follows the scale factor, up to a hundredth, above which nothing would be left.
    """
    found = text(name(label) + ".sql")
    if label == "11":
        found = found.replace("* 0.0001", f"* {min(0.0001 / sf, 0.01):.10f}")
    return found if ordered else split(found)[0]


def split(found):
    """A query as (what stands before its last ORDER BY, the sort keys or None, the LIMIT or None)."""
    parts = re.fullmatch(r"(.*?)(?:\nORDER BY ([^()]*?))?(?:\nLIMIT (\d+))?", found, flags=re.S)
    return parts[1], parts[2], int(parts[3]) if parts[3] else None


def difference(cur, view, found, **options):
    """As tvbench.difference(), of a view and the text of its query; aware of ties at the end of a LIMIT."""
    body, order, limit = split(found)
    if limit is None:
        return tvbench.difference(cur, view, body, **options)
    return tvbench.difference_at_limit(cur, view, body, order, limit, **options)


def plain_views(cur):
    """The plain view that query 15v reads."""
    cur.execute(text("revenue.sql"))


# --- refresh functions ----------------------------------------------------------------------------------------------

ORDER_INSERT = "INSERT INTO orders VALUES (" + ", ".join(["%s"] * 9) + ")"
LINE = "(" + ", ".join(["%s"] * 16) + ")"


def rf1(cur, generator):
    """Insert one order with its lineitems, in two statements; return its key."""
    order, lines = generator.new_order()
    insert_order(cur, order, lines)
    return order[0]


def insert_order(cur, order, lines):
    cur.execute(ORDER_INSERT, order)
    cur.execute("INSERT INTO lineitem VALUES " + ", ".join([LINE] * len(lines)),
                [value for line in lines for value in line])


def rf2(cur, key):
    """Delete one order with its lineitems, in two statements."""
    cur.execute("DELETE FROM lineitem WHERE l_orderkey = %s", (key,))
    cur.execute("DELETE FROM orders WHERE o_orderkey = %s", (key,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("load", "query", "rows"))
    parser.add_argument("number", nargs="?", choices=QUERIES)
    parser.add_argument("--sf", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    if options.action == "query":
        print(query(options.number, options.sf, not options.plain))
        return
    conn = tvbench.connect(os.environ.get("PGDATABASE", "postgres"))
    cur = conn.cursor()
    start = time.perf_counter()
    if options.action == "load":
        load(cur, Generator(options.sf, options.seed))
        print(f"loaded scale factor {options.sf} in {time.perf_counter() - start:.1f} s")
    else:
        for label in QUERIES:
            took = tvbench.timed(cur, query(label, options.sf))
            rows = cur.fetchall()
            print(f"Q{label:<4}{len(rows):>7} rows{took:>10.1f} ms   {'' if not rows else str(rows[0])[:70]}")


if __name__ == "__main__":
    main()
