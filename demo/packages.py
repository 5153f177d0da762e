#!/usr/bin/python3
"""The demonstration behind demo/run. Expects the PG* environment of a server that may be filled and thrown away."""
import argparse
import io
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bench"))
import tvbench  # noqa: E402

DATABASE = "tview_demo"
WIDTH = 98
EXPLAIN_LINES = 45

# Name, base tables (through other views too), query; {} is the schema of the views read.
VIEWS = [
    ("reverse_dependency", {"dependency", "package"}, """
        SELECT t.package_id, t.name, count(*) AS dependents,
               count(*) FILTER (WHERE d.kind IN ('Depends', 'Pre-Depends')) AS hard
        FROM dependency d JOIN package t ON t.name = d.target
        GROUP BY t.package_id, t.name"""),
    ("dependents_histogram", {"dependency", "package"}, """
        SELECT length(dependents::text) AS digits, count(*) AS packages, sum(dependents) AS dependents
        FROM {}reverse_dependency
        GROUP BY 1"""),
    ("size_by_maintainer", {"package", "maintainer", "section"}, """
        SELECT s.section_id, s.name AS section, m.maintainer_id, m.name AS maintainer,
               count(*) AS packages, sum(p.installed_size) AS installed_kb, sum(p.size) AS download_bytes
        FROM package p JOIN section s USING (section_id) JOIN maintainer m USING (maintainer_id)
        GROUP BY s.section_id, s.name, m.maintainer_id, m.name"""),
    ("section_summary", {"package", "maintainer", "section"}, """
        SELECT section, count(*) AS maintainers, sum(packages) AS packages, sum(installed_kb) AS installed_kb
        FROM {}size_by_maintainer
        GROUP BY section"""),
    ("package_card", {"package", "maintainer", "section"}, """
        SELECT p.package_id, p.name, p.version, p.architecture, s.name AS section, m.name AS maintainer, m.email
        FROM package p JOIN maintainer m USING (maintainer_id) JOIN section s USING (section_id)"""),
    ("maintainer_needs", {"package", "dependency"}, """
        SELECT DISTINCT p.maintainer_id, d.target
        FROM package p JOIN dependency d USING (package_id)
        WHERE d.kind IN ('Depends', 'Pre-Depends')"""),
    ("extremes", {"package"}, """
        SELECT maintainer_id, count(*) AS packages, min(installed_size) AS smallest, max(installed_size) AS largest,
               min(name) AS first_name, max(name) AS last_name
        FROM package
        GROUP BY maintainer_id"""),
]

WHAT = {
    "reverse_dependency": "who depends on me: join, group, filter",
    "dependents_histogram": "a view over reverse_dependency",
    "size_by_maintainer": "three-table join, group, sums",
    "section_summary": "a view over size_by_maintainer",
    "package_card": "a row per package, with names",
    "maintainer_needs": "select distinct over a join",
    "extremes": "min and max per maintainer",
}

# What the statements below name, looked up before the clock starts.
LOOKUPS = {
    "largest": "SELECT maintainer_id FROM package GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    "second": "SELECT maintainer_id FROM package GROUP BY 1 ORDER BY count(*) DESC, 1 OFFSET 1 LIMIT 1",
    "popular": "SELECT target FROM dependency JOIN package ON name = target GROUP BY 1 ORDER BY count(*) DESC, 1 "
               "LIMIT 1",
    "another": "SELECT target FROM dependency JOIN package ON name = target GROUP BY 1 ORDER BY count(*) DESC, 1 "
               "OFFSET 1 LIMIT 1",
    "one": "SELECT max(package_id) FROM package WHERE maintainer_id = "
           "(SELECT maintainer_id FROM package GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)",
    "section": "SELECT section_id FROM package WHERE section_id IS NOT NULL GROUP BY 1 "
               "ORDER BY count(*) DESC, 1 LIMIT 1",
}

# What is printed, tables that change, statement.
CHANGES = [
    ("new version of {popular}", {"package"},
     "UPDATE package SET version = version || '+u1', installed_size = installed_size + 12, size = size + 4096 "
     "WHERE name = {popular!r}"),
    ("new version of {another}", {"package"},
     "UPDATE package SET version = version || '+u1', installed_size = installed_size + 12, size = size + 4096 "
     "WHERE name = {another!r}"),
    ("new versions of 500 packages", {"package"},
     "UPDATE package SET version = version || '+b1', installed_size = installed_size + 1, size = size + 100 "
     "WHERE package_id BETWEEN 2001 AND 2500"),
    ("the same 500, set to what they are", {"package"},
     "UPDATE package SET version = version, size = size WHERE package_id BETWEEN 2001 AND 2500"),
    ("new descriptions of 500 (in no view)", {"package"},
     "UPDATE package SET description = upper(description) WHERE package_id BETWEEN 2001 AND 2500"),
    ("one dependency more", {"dependency"},
     "INSERT INTO dependency VALUES (1, 'Depends', 900, 1, {popular!r}, '>= 1')"),
    ("a new package with two dependencies", {"package", "dependency"},
     "WITH p AS (INSERT INTO package VALUES (1000001, 'tview-demo', '1.0', 'all', 1, {largest}, 40, 9000, 'optional', "
     "'Package made by the demo') RETURNING package_id) "
     "INSERT INTO dependency SELECT package_id, 'Depends', n, 1, t, NULL "
     "FROM p, (VALUES (1, {popular!r}), (2, 'bash')) v(n, t)"),
    ("one package removed (cascade)", {"package", "dependency"},
     "DELETE FROM package WHERE package_id = 3001"),
    ("{popular} removed", {"package", "dependency"},
     "DELETE FROM package WHERE name = {popular!r}"),
    ("200 packages removed (cascade)", {"package", "dependency"},
     "DELETE FROM package WHERE package_id BETWEEN 4001 AND 4200"),
    ("the largest maintainer renamed", {"maintainer"},
     "UPDATE maintainer SET name = 'Guild of ' || name WHERE maintainer_id = {largest}"),
    ("one package to another maintainer", {"package"},
     "UPDATE package SET maintainer_id = {second} WHERE package_id = {one}"),
    ("the largest section renamed", {"section"},
     "UPDATE section SET name = name || '-code' WHERE section_id = {section}"),
]

EXPLAINED = ("UPDATE package SET maintainer_id = {largest}, installed_size = installed_size + 1\n"
             "WHERE package_id = {one}")

FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*): ?(.*)$")
MAINTAINER = re.compile(r"^(.*?)\s*(?:<([^>]*)>)?\s*$")
TARGET = re.compile(r"^\s*([^\s(\[:]+)(?::\w+)?\s*(?:\(([^)]*)\))?")
KINDS = ("Depends", "Pre-Depends", "Recommends", "Suggests")
WANTED = KINDS + ("Package", "Version", "Architecture", "Section", "Maintainer", "Installed-Size", "Size",
                  "Priority", "Description", "Description-en")


def dump_index(path):
    """The raw package index, from a file or from this machine's package manager."""
    if path:
        with open(path, "rb") as index:
            return index.read()
    try:
        dump = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout
        if dump.count(b"\nPackage: ") < 1000:
            print("The package index is empty; fetching it (apt-get update).", flush=True)
            subprocess.run(["apt-get", "-qq", "update"], check=True)
            dump = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(f"demo: no package index: {problem}; give one with --index FILE")
    if dump.count(b"\nPackage: ") < 1000:
        sys.exit("demo: the package index has fewer than 1000 packages; give one with --index FILE")
    return dump


def stanzas(dump):
    """The index as one dictionary per package; continuation lines are not needed."""
    fields = {}
    for line in io.TextIOWrapper(io.BytesIO(dump), encoding="utf-8", errors="replace", newline="\n"):
        line = line.rstrip("\n")
        if not line:
            if fields:
                yield fields
            fields = {}
            continue
        found = FIELD.match(line)
        if found and found[1] in WANTED:
            fields[found[1]] = found[2].replace("\0", "")
    if fields:
        yield fields


def numbered(table, key):
    return table.setdefault(key, len(table) + 1)


def parse(dump):
    """Rows for the four tables."""
    maintainers, sections, names = {}, {}, set()
    packages, dependencies = [], []
    for fields in stanzas(dump):
        name = fields.get("Package")
        if not name or name in names:
            continue
        names.add(name)
        package_id = len(packages) + 1
        section = fields.get("Section")
        maintainer = MAINTAINER.match(fields.get("Maintainer", "nobody"))
        packages.append((package_id, name, fields.get("Version", ""), fields.get("Architecture", "all"),
                         numbered(sections, section) if section else None,
                         numbered(maintainers, (maintainer[1] or maintainer[2], maintainer[2])),
                         fields.get("Installed-Size"), fields.get("Size", 0), fields.get("Priority"),
                         fields.get("Description-en") or fields.get("Description")))
        for kind in KINDS:
            if not fields.get(kind):
                continue
            for group, alternatives in enumerate(fields[kind].split(","), 1):
                for number, alternative in enumerate(alternatives.split("|"), 1):
                    target = TARGET.match(alternative)
                    if target:
                        dependencies.append((package_id, kind, group, number, target[1], target[2]))
    return {
        "maintainer": [(number, name, email) for (name, email), number in maintainers.items()],
        "section": [(number, name) for name, number in sections.items()],
        "package": packages,
        "dependency": dependencies,
    }


def copy_escape(value):
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def load(cur, tables):
    with open(os.path.join(HERE, "packages.sql")) as script:
        cur.execute(script.read())
    for table, rows in tables.items():
        text = "".join("\t".join(map(copy_escape, row)) + "\n" for row in rows)
        cur.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))
    for statement in ("CREATE INDEX ON package (maintainer_id)", "CREATE INDEX ON package (section_id)",
                      "CREATE INDEX ON dependency (target)", "VACUUM ANALYZE"):
        cur.execute(statement)


def create_views(cur):
    """The maintained views, and plain twins in schema plain whose REFRESH is what they are compared with."""
    cur.execute("CREATE SCHEMA plain")
    print(f"{'maintained view':<24}{'what it is':<42}{'rows':>9}{'build ms':>10}{'plain':>9}")
    for name, _, query in VIEWS:
        start = time.perf_counter()
        tvbench.create_view(cur, name, query.format(""))
        middle = time.perf_counter()
        tvbench.create_view(cur, f"plain.{name}", query.format("plain."), maintained=False)
        end = time.perf_counter()
        cur.execute(f"SELECT count(*) FROM {name}")
        print(f"{name:<24}{WHAT[name]:<42}{cur.fetchone()[0]:>9,}{tvbench.milliseconds((middle - start) * 1000):>10}"
              f"{tvbench.milliseconds((end - middle) * 1000):>9}", flush=True)
    cur.execute("ANALYZE")
    print()


def lookups(cur):
    values = {}
    for key, query in LOOKUPS.items():
        cur.execute(query)
        values[key] = cur.fetchone()[0]
    return values


VIEW_WRITES = """
    SELECT coalesce(sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
                        + pg_stat_get_xact_tuples_deleted(oid)), 0)
    FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace"""


def change(cur, statement, readers):
    """Run one statement in a transaction of its own. Return rows, milliseconds with commit, view rows written."""
    cur.execute("BEGIN")
    cur.execute(VIEW_WRITES)
    before = cur.fetchone()[0]
    took = tvbench.timed(cur, statement)
    rows = cur.rowcount
    if tvbench.DRY:
        took += sum(tvbench.timed(cur, f"REFRESH MATERIALIZED VIEW {name}") for name in readers)
    cur.execute(VIEW_WRITES)
    written = cur.fetchone()[0] - before
    took += tvbench.timed(cur, "COMMIT")
    return rows, took, written


def run_changes(cur, values):
    print(f"{'change (one statement each)':<42}{'rows':>6}{'with views':>13}{'view rows':>11}{'REFRESH':>12}"
          f"{'ratio':>10}")
    for label, tables, statement in CHANGES:
        readers = [name for name, bases, _ in VIEWS if bases & tables]
        rows, took, written = change(cur, statement.format(**values), readers)
        refresh = sum(tvbench.timed(cur, f"REFRESH MATERIALIZED VIEW plain.{name}") for name in readers)
        ratio = refresh / took
        print(f"{label.format(**values):<42}{rows:>6,}{tvbench.milliseconds(took) + ' ms':>13}"
              f"{'-' if tvbench.DRY else format(written, ','):>11}{tvbench.milliseconds(refresh) + ' ms':>12}"
              f"{format(ratio, ',.0f' if ratio >= 10 else '.1f') + ' x':>10}", flush=True)
    print("\n'with views': the statement and its commit, every view kept up. 'view rows': rows written in views.")
    print("The first statements of each kind include planning their maintenance, once per connection.")
    print("'REFRESH': the same views as plain materialized views, refreshed (without the statement itself).\n")


def explain(cur, values, whole):
    statement = EXPLAINED.format(**values)
    print("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)\n" + statement + ";\n")
    cur.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + statement)
    lines = [row[0] for row in cur.fetchall()]
    tvbench.refresh_if_dry(cur, [name for name, _, _ in VIEWS])
    shown = lines if whole else lines[:EXPLAIN_LINES]
    for line in shown:
        print(" " + (line if whole or len(line) < WIDTH else line[:WIDTH - 2] + ".."))
    if len(shown) < len(lines):
        print(f" ... {len(lines) - len(shown)} lines more; demo/run --explain prints them all")
    print()


def prove(cur):
    """Compare every view with its query; return the number of wrong ones."""
    wrong = 0
    print("each view against its query (EXCEPT ALL both ways, as values and as text"
          + (")" if tvbench.DRY else "; tview.check)"))
    for name, _, query in VIEWS:
        found = tvbench.difference(cur, name, query.format(""))
        cur.execute(f"SELECT count(*) FROM {name}")
        print(f"  {name:<24}{cur.fetchone()[0]:>9,} rows   {'WRONG: ' + found if found else 'OK'}", flush=True)
        wrong += found is not None
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--index")
    options = parser.parse_args()

    start = time.perf_counter()
    tables = parse(dump_index(options.index))
    tvbench.create_database(DATABASE)
    try:
        conn = tvbench.connect(DATABASE)
        cur = conn.cursor()
        if tvbench.DRY:
            print("DRY RUN: plain materialized views, refreshed after each statement.\n")
        tvbench.install(cur)
        load(cur, tables)
        print("This machine's package index: "
              + ", ".join(f"{len(tables[name]):,} {plural}" for name, plural in
                          (("package", "packages"), ("dependency", "dependencies"), ("maintainer", "maintainers"),
                           ("section", "sections")))
              + f"\nloaded in {time.perf_counter() - start:.0f} s\n", flush=True)
        create_views(cur)
        values = lookups(cur)
        run_changes(cur, values)
        explain(cur, values, options.explain)
        wrong = prove(cur)
        conn.close()
    finally:
        tvbench.drop_database(DATABASE)
    print(f"\n{'WRONG: ' + str(wrong) + ' views differ' if wrong else 'OK: every view equals its query'}"
          f" ({time.perf_counter() - start:.0f} s in all)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
