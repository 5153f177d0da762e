"""Parts of bench/measure about many views: over one table, over each other, in a new backend, and their memory."""
import measuring
import tvbench

UPDATE = "EXECUTE change({})"
PREPARE = "PREPARE change(int) AS UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = $1"


def renew(conn):
    conn.cursor().execute("VACUUM ANALYZE")
    conn.cursor().execute("DEALLOCATE ALL")


def prepared_updates(run, conns, count):
    for conn in conns.values():
        conn.cursor().execute(PREPARE)
    return measuring.in_turns(conns, lambda arm, number: [UPDATE.format(number * 7919 % run.rows + 1)], count, warm=20)


def first_statements(run, database, times):
    """The first and the second statement of new backends: medians of several."""
    values = {"first": [], "second": []}
    for number in range(times):
        conn = tvbench.connect(database)
        conn.cursor().execute(PREPARE)
        watch = measuring.Stopwatch(conn)
        for which in values:
            values[which].append(watch.time([UPDATE.format(number * 7919 % run.rows + 1)]))
        conn.close()
    return measuring.summaries(values, "second")


def many_views(run):
    """Views over one base: those that an update concerns, and those that read other columns."""
    for concerned in (True, False):
        column = "abalance" if concerned else "length(filler)"
        query = f"SELECT bid + {{}} AS k, sum({column}) AS s FROM pgbench_accounts GROUP BY 1"
        conns = {"plain": run.database("plain"), "ours": run.database("ours")}
        cur = conns["ours"].cursor()
        done = 0
        for n in (1, 10, 100) if run.quick else (1, 2, 5, 10, 20, 50, 100):
            for i in range(done, n):
                tvbench.create_view(cur, f"v{i}", query.format(i))
            done = n
            if not run.wants("many_views", views=n, concerned=concerned):
                continue
            for conn in conns.values():
                renew(conn)
            figures = prepared_updates(run, conns, 60 if run.quick else 200)
            cold = first_statements(run, measuring.DATABASE + "ours", 3 if run.quick else 9)
            run.add("many_views", views=n, concerned=concerned, arms=figures)
            run.add("cold_start", views=n, concerned=concerned, arms=cold)
        for i in (0, 42, 99):
            run.check(cur, f"v{i}", query.format(i), "100 views")
        run.close(conns)


def cascade(run):
    """Views over views, ten deep."""
    base = "SELECT aid, abalance AS b FROM pgbench_accounts"
    conns = {"plain": run.database("plain"), "ours": run.database("ours")}
    cur = conns["ours"].cursor()
    query = base
    for depth in range(1, 11):
        tvbench.create_view(cur, f"v{depth}", query)
        query = f"SELECT aid, b FROM v{depth}"
        if run.quick and depth not in (1, 2, 5, 10):
            continue
        for conn in conns.values():
            renew(conn)
        run.add("cascade", depth=depth, arms=prepared_updates(run, conns, 60 if run.quick else 200))
    for depth in (1, 5, 10):
        run.check(cur, f"v{depth}", base, f"cascade, depth {depth}")
    run.close(conns)


def memory(run):
    """Memory of a backend that has changed a base of each of many views, and of one that has not."""
    n = 100 if run.quick else 1000
    conns = {"ours": run.database("ours", template="template0")}
    cur = conns["ours"].cursor()
    for i in range(n):
        cur.execute(f"CREATE TABLE t{i} (id int PRIMARY KEY, k int, v int)")
        tvbench.create_view(cur, f"v{i}", f"SELECT k, count(*), sum(v) FROM t{i} GROUP BY k")

    def backend(statement):
        conn = tvbench.connect(measuring.DATABASE + "ours")
        cur = conn.cursor()
        for i in range(n):
            cur.execute(statement.format(i))
        cur.execute("SELECT sum(total_bytes) FROM pg_backend_memory_contexts")
        found = float(cur.fetchone()[0])
        conn.close()
        return found

    reads = backend("SELECT count(*) FROM t{}")
    writes = backend("INSERT INTO t{} VALUES (1, 1, 1)")
    for i in (0, n - 1):
        run.check(cur, f"v{i}", f"SELECT k, count(*), sum(v) FROM t{i} GROUP BY k", f"memory, {n} views")
    run.close(conns)
    run.add("memory", views=n, reads_bytes=reads, writes_bytes=writes, per_view_bytes=(writes - reads) / n)
