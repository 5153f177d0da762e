"""What demo/, bench/ and test/tpch/ share: databases, view creation, the equality check, statistics.

Dry mode (TV_DRY=1) uses plain materialized views in place of maintained ones and refreshes them where a
maintained view would already be right. It checks the scripts, not the extension.
"""
import os
import statistics
import subprocess
import time

import psycopg2

DRY = os.environ.get("TV_DRY") == "1"


def connect(dbname):
    conn = psycopg2.connect(dbname=dbname)
    conn.autocommit = True
    return conn


def drop_database(name):
    conn = connect("postgres")
    with conn.cursor() as cur:
        cur.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    conn.close()


def create_database(name, template=None):
    """Make an empty database, or a copy of template, replacing what was there."""
    drop_database(name)
    conn = connect("postgres")
    with conn.cursor() as cur:
        if template is None:
            cur.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
        else:
            cur.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    conn.close()


def install(cur):
    if not DRY:
        cur.execute("CREATE EXTENSION pg_tviews")


def create_view(cur, name, query, maintained=True):
    using = "USING tview " if maintained and not DRY else ""
    cur.execute(f"CREATE MATERIALIZED VIEW {name} {using}AS\n{query}")


def refresh_if_dry(cur, names):
    if DRY:
        for name in names:
            cur.execute(f"REFRESH MATERIALIZED VIEW {name}")


WHAT = ("rows missing", "rows too many", "rows missing as text", "rows too many as text")


def difference(cur, view, query, as_text=True, extension_check=True):
    """Compare a view with its query, both ways. Return None when equal, else a short description.

    Values are compared with the types' own equality; as_text also compares how each row prints, which tells
    1.0 from 1.00. One statement, so that both sides see the same snapshot.
    """
    text = """,
        (SELECT count(*) FROM (SELECT q::text FROM q EXCEPT ALL SELECT v::text FROM v) d),
        (SELECT count(*) FROM (SELECT v::text FROM v EXCEPT ALL SELECT q::text FROM q) d)""" if as_text else ""
    cur.execute(f"""
        WITH q AS MATERIALIZED (
        {query}
        ), v AS MATERIALIZED (SELECT * FROM {view})
        SELECT (SELECT count(*) FROM (TABLE q EXCEPT ALL TABLE v) d),
               (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE q) d){text}""")
    return describe(cur, view, zip(cur.fetchone(), WHAT), extension_check)


def difference_at_limit(cur, view, query, order, limit, as_text=True, extension_check=True):
    """The same for a view whose query ends with ORDER BY order LIMIT limit, which here is left out of query.

    Of rows that are equal in the sort keys, any may be the last ones within the limit. So every row whose peers all
    fit must be in the view, the view may have no other rows than those whose first peer fits, and as many rows as
    the limit, or the query, gives.
    """
    columns = columns_of(cur, view)
    form = "::text" if as_text else ""
    cur.execute(f"""
        WITH q AS MATERIALIZED (
        {query}
        ), r AS MATERIALIZED (SELECT *, rank() OVER (ORDER BY {order}) AS "first place",
                                     count(*) OVER (ORDER BY {order}) AS "last place" FROM q),
        v AS MATERIALIZED (SELECT * FROM {view}),
        must AS (SELECT {columns} FROM r WHERE "last place" <= {limit}),
        may AS (SELECT {columns} FROM r WHERE "first place" <= {limit})
        SELECT (SELECT count(*) FROM (SELECT must{form} FROM must EXCEPT ALL SELECT v{form} FROM v) d),
               (SELECT count(*) FROM (SELECT v{form} FROM v EXCEPT ALL SELECT may{form} FROM may) d),
               abs(least({limit}, (SELECT count(*) FROM q)) - (SELECT count(*) FROM v))""")
    return describe(cur, view, zip(cur.fetchone(), WHAT[:2] + ("rows differ in number",)), extension_check)


def columns_of(cur, relation):
    cur.execute("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", (relation,))
    return cur.fetchone()[0]


def describe(cur, view, counts, extension_check):
    found = [f"{n} {what}" for n, what in counts if n]
    if extension_check and not DRY:
        cur.execute("SELECT count(*) FROM tview.check(%s)", (view,))
        n = cur.fetchone()[0]
        if n:
            found.append(f"tview.check reports {n}")
    return ", ".join(found) or None


def timed(cur, statement, args=None):
    """Run one statement; return its client time in milliseconds."""
    start = time.perf_counter()
    cur.execute(statement, args)
    return (time.perf_counter() - start) * 1000


def spread(values):
    """Half the distance between the quartiles, as a share of the median."""
    if len(values) < 2:
        return 0.0
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    middle = statistics.median(values)
    return (quartiles[2] - quartiles[0]) / 2 / middle if middle else 0.0


def milliseconds(value):
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


class ServerCpu:
    """CPU seconds of the server's finished backends, from the postmaster's accounting of its children.

    None where /proc does not show the server (another host, another system).
    """

    def __init__(self, cur):
        self.path = None
        cur.execute("SELECT pg_backend_pid()")
        try:
            with open(f"/proc/{cur.fetchone()[0]}/stat") as stat:
                parent = stat.read().rsplit(")", 1)[1].split()[1]
            with open(f"/proc/{parent}/comm") as comm:
                if comm.read().strip() in ("postgres", "postmaster"):
                    self.path = f"/proc/{parent}/stat"
        except OSError:
            pass
        self.tick = os.sysconf("SC_CLK_TCK")

    def children(self):
        """How many processes the postmaster has, those included that it has not yet accounted for."""
        parent = self.path.split("/")[2] if self.path else None
        found = 0
        for pid in os.listdir("/proc") if parent else []:
            if pid.isdigit():
                try:
                    with open(f"/proc/{pid}/stat") as stat:
                        found += stat.read().rsplit(")", 1)[1].split()[1] == parent
                except OSError:
                    pass
        return found

    def wait_for(self, children):
        """Wait until backends that end have been accounted for."""
        for _ in range(400):
            if self.children() <= children:
                return
            time.sleep(0.005)

    def read(self):
        if self.path is None:
            return None
        with open(self.path) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[13]) + int(fields[14])) / self.tick


def program(name):
    """A client program of the server under test: beside pg_config if PG_CONFIG names one, else from PATH."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    try:
        bindir = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        path = os.path.join(bindir, name)
        if os.path.exists(path):
            return path
    except (OSError, subprocess.CalledProcessError):
        pass
    return name
