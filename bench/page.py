"""The page of bench/measure: tables and plots out of a report."""
import html

ARMS = {"plain": "plain DML", "ours": "pg_tviews", "hand": "hand-written trigger", "empty": "empty trigger", "ivm": "pg_ivm"}
COLORS = {"plain": "#888", "ours": "#06c", "hand": "#c60", "empty": "#393", "ivm": "#936"}
STYLE = ("body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
         "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd}"
         "td:first-child,th:first-child{text-align:left}.wrong{color:#c00;font-weight:bold}svg text{font:12px system-ui}")


def table(head, rows):
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def bars(rows, unit, each=False):
    """rows: (label, [(arm, value)]). The longest bar is the largest value of all rows, or of each row."""
    top = max(value for _, values in rows for _, value in values)
    out, y = [], 0
    for label, values in rows:
        out.append(f'<text x="0" y="{y + 13}">{html.escape(label)}</text>')
        top = max(value for _, value in values) if each else top
        for arm, value in values:
            out.append(f'<rect x="310" y="{y + 3}" width="{320 * value / top:.1f}" height="12" fill="{COLORS[arm]}"/>'
                       f'<text x="{316 + 320 * value / top:.1f}" y="{y + 13}">{value:.2f} {unit} {ARMS[arm]}</text>')
            y += 16
        y += 8
    return f'<svg viewBox="0 0 800 {y}" width="100%" role="img">{"".join(out)}</svg>'


def ratio(arms, arm, unit):
    return arms[arm][unit]["ratio"] if arm in arms and unit in arms[arm] else None


def number(value, digits=2):
    return "" if value is None else f"{value:,.{digits}f}"


def one_row(found):
    parts = []
    for change in ("update", "insert"):
        some = [m for m in found if m["change"] == change]
        if not some:
            continue
        unit = "cpu_us" if "cpu_us" in some[0]["arms"]["plain"] else "us"
        parts.append(f"<h2>One row per transaction: {change}</h2><p>Of plain DML, "
                     f"{'processor time of the server' if unit == 'cpu_us' else 'time of the client'}.</p>")
        parts.append(bars([(m["title"], [(arm, m["arms"][arm][unit]["ratio"]) for arm in m["arms"] if arm != "plain"])
                           for m in some], "x"))
        parts.append(table(["view", "plain, us", "pg_tviews, us", "x plain", "CPU x plain", "trigger x plain"],
                           [(m["title"], number(m["arms"]["plain"]["us"]["median"], 1),
                             number(m["arms"]["ours"]["us"]["median"], 1), number(ratio(m["arms"], "ours", "us")),
                             number(ratio(m["arms"], "ours", "cpu_us")), number(ratio(m["arms"], "hand", "us")))
                            for m in some]))
    return "".join(parts)


def bulk(found):
    return ("<h2>One statement, many rows</h2>" +
            table(["view", "rows", "plain, ms", "pg_tviews, ms", "x plain", "trigger x plain", "empty trigger x plain"],
                  [(m["title"], f"{m['rows']:,}", number(m["arms"]["plain"]["ms"]["median"]),
                    number(m["arms"]["ours"]["ms"]["median"]), number(ratio(m["arms"], "ours", "ms")),
                    number(ratio(m["arms"], "hand", "ms")), number(ratio(m["arms"], "empty", "ms"))) for m in found]) +
            bars([(f"{m['title']}, {m['rows']:,}", [("ours", ratio(m["arms"], "ours", "ms")),
                                                     ("hand", ratio(m["arms"], "hand", "ms"))])
                  for m in found if m["rows"] >= 1000], "x"))


def added_us(m):
    """Microseconds of processor time, or of the client's, on top of the first arm."""
    unit = "cpu_ms" if "cpu_ms" in m["arms"]["plain"] else "ms"
    return 1000 * (m["arms"]["ours"][unit]["median"] - m["arms"]["plain"][unit]["median"])


def many_views(found):
    return ("<h2>Many views over one table, one updated row</h2><p>In a connection that has its plans.</p>" +
            table(["views", "read the column", "x plain", "CPU x plain", "CPU added per view, us"],
                  [(m["views"], "yes" if m["concerned"] else "no", number(ratio(m["arms"], "ours", "ms")),
                    number(ratio(m["arms"], "ours", "cpu_ms")), number(added_us(m) / m["views"], 1)) for m in found]))


def cold_start(found):
    return ("<h2>The first statement of a connection</h2><p>It compiles the views that it concerns.</p>" +
            table(["views", "read the column", "first, ms", "second, ms", "added per view, ms"],
                  [(m["views"], "yes" if m["concerned"] else "no", number(m["arms"]["first"]["ms"]["median"]),
                    number(m["arms"]["second"]["ms"]["median"]),
                    number((m["arms"]["first"]["ms"]["median"] - m["arms"]["second"]["ms"]["median"]) / m["views"]))
                   for m in found]))


def cascade(found):
    return ("<h2>Views over views, one updated row</h2>" +
            table(["depth", "x plain", "CPU x plain", "CPU added per view, us"],
                  [(m["depth"], number(ratio(m["arms"], "ours", "ms")), number(ratio(m["arms"], "ours", "cpu_ms")),
                    number(added_us(m) / m["depth"], 1)) for m in found]))


def beside(found):
    return ("<h2>What is paid where no view is concerned, one updated row</h2>" +
            table(["", "x plain", "CPU x plain"],
                  [(m["title"], number(ratio(m["arms"], "ours", "us")), number(ratio(m["arms"], "ours", "cpu_us")))
                   for m in found]))


def workload(found):
    """One table per workload; the same operation of several sizes in one plot."""
    parts = ["<h2>Workloads</h2><p>Client time of a transaction, ms. The copy kept by hand follows by trigger or by "
             "the statement that a programmer would add.</p>"]
    for name in dict.fromkeys(m["workload"] for m in found):
        some = [m for m in found if m["workload"] == name]
        parts.append(f"<h3>{html.escape(name)}</h3>")
        parts.append(table(
            ["", "rows", "operation", "plain", "pg_tviews", "+-", "by hand", "x plain", "x by hand", "REFRESH",
             "WAL kB, plain", "pg_tviews"],
            [(m["title"], f"{m['size']:,}", m["operation"], middle(m, "plain"), middle(m, "ours"),
              f"{100 * m['arms']['ours']['ms']['spread']:.0f} %", middle(m, "hand"), number(ratio(m["arms"], "ours", "ms")),
              number(m["arms"]["ours"]["ms"]["of"].get("hand")), number(m.get("refresh_ms"), 1),
              kilobytes(m, "plain"), kilobytes(m, "ours")) for m in some]))
        plotted = [m for m in some if "hand" in m["arms"]]
        parts.append(bars([(f"{m['operation']}, {m['size']:,}",
                            [(arm, m["arms"][arm]["ms"]["median"]) for arm in ("plain", "ours", "hand")])
                           for m in plotted], "ms", each=True))
    return "".join(parts)


def middle(m, arm):
    return number(m["arms"][arm]["ms"]["median"]) if arm in m["arms"] else ""


def kilobytes(m, arm):
    return number(m["arms"][arm]["wal_bytes"]["median"] / 1024, 1) if "wal_bytes" in m["arms"][arm] else ""


def build(found):
    return ("<h2>Building</h2>" +
            table(["view", "CREATE MATERIALIZED VIEW, ms", "with USING tview, ms", "ratio"],
                  [(m["title"], number(m["arms"]["plain"]["ms"]["median"], 1),
                    number(m["arms"]["ours"]["ms"]["median"], 1), number(ratio(m["arms"], "ours", "ms"))) for m in found]))


def refresh(found):
    return ("<h2>Recomputing, each time</h2>" +
            table(["view", "REFRESH, ms", "CONCURRENTLY, ms"],
                  [(m["title"], number(m["ms"]["refresh"], 1), number(m["ms"]["concurrently"], 1)) for m in found]))


def storage(found):
    return ("<h2>Bytes per updated row</h2><p>Autovacuum is off: growth is what it would have to reclaim.</p>" +
            table(["view", "WAL, plain", "WAL, pg_tviews", "growth, plain", "growth, pg_tviews"],
                  [(m["title"],) + tuple(number(m["arms"][arm][key], 0) for key in ("wal_bytes", "grown_bytes")
                                         for arm in ("plain", "ours")) for m in found]))


def memory(found):
    return "<h2>Memory of a backend</h2>" + table(
        ["views", "tables read only, MB", "every table written, MB", "per view, kB"],
        [(m["views"], number(m["reads_bytes"] / 2**20, 1), number(m["writes_bytes"] / 2**20, 1),
          number(m["per_view_bytes"] / 1024, 1)) for m in found])


def base_size(found):
    """Against the smallest size; what is less than a microsecond is noise."""
    first = {m["title"]: m for m in reversed(found)}
    return ("<h2>Size of the tables</h2><p>Microseconds of the client per changed row, on top of plain DML.</p>" +
            table(["view", "rows of the table", "one row, plain", "added", "of the smallest", "1,000 rows, plain", "added",
                   "of the smallest", "REFRESH, ms"],
                  [(m["title"], f"{m['size']:,}", number(m["plain_one_us"], 1), number(m["added_one_us"], 1),
                    number(m["added_one_us"] / max(first[m["title"]]["added_one_us"], 1)), number(m["plain_batch_us"]),
                    number(m["added_batch_us"]), number(m["added_batch_us"] / max(first[m["title"]]["added_batch_us"], 1)),
                    number(m["refresh_ms"], 1)) for m in found]))


def tpch(found):
    return ("<h2>Queries derived from TPC-H</h2><p>Not comparable with TPC-H. Processor time per transaction of one "
            "order with its lineitems, against REFRESH.</p>" +
            table(["query", "scale factor", "plain, ms", "added, ms", "recompute, ms", "recompute / added", "view, kB",
                   "state, kB", "state / inputs"],
                  [(m["title"], m["scale"], number(m["plain_ms"]), number(m["added_ms"], 3), number(m["recompute_ms"], 1),
                    number(m["recompute_ms"] / max(m["added_ms"], 0.01), 0), number(m["view_bytes"] / 1024, 0),
                    number(m["state_bytes"] / 1024, 0), f"{100 * m['state_bytes'] / m['input_bytes']:.1f} %")
                   for m in found]))


SECTIONS = [one_row, bulk, beside, many_views, cold_start, cascade, workload, build, refresh, storage, memory, base_size, tpch]


def render(report):
    parts = [f"<!doctype html><meta charset=utf-8><title>pg_tviews: benchmarks</title><style>{STYLE}</style>"
             "<h1>pg_tviews: benchmarks</h1>"]
    if report["wrong"]:
        parts += ['<p class="wrong">WRONG: the figures below do not count.</p>']
        parts += [f'<p class="wrong">{html.escape(line)}</p>' for line in report["wrong"]]
    else:
        parts.append("<p>Every view of every arm was compared with its query at the end of its run, and equals it.</p>")
    parts.append(table(["run", ""], [(key, value) for key, value in report["about"].items()] +
                       [("pgbench_accounts", f"{report['rows']:,} rows"), ("rounds", report["rounds"]),
                        ("quick", report["quick"]), ("not compared", "; ".join(f"{what}: {why}" for what, why in report["not_compared"].items()) or "-")]))
    for section in SECTIONS:
        found = [m for m in report["measurements"] if m["name"] == section.__name__]
        if found:
            parts.append(section(found))
    return "\n".join(parts) + "\n"
