"""A workload of bench/measure: tables, a view, the same kept by hand, and operations that all arms execute in turns."""
import measuring
import tvbench

TEMPLATE = "tview_measure_workload"


class Operation:
    """One kind of transaction.

    make(number) gives its statements; by_hand(number) what has to follow in the same transaction where the copy is
    kept by hand, if no trigger does it. Tables are vacuumed before an operation, not within one: VACUUM makes a backend
    compile anew what it knows of them.
    """

    def __init__(self, title, make, count, by_hand=None, warm=1):
        self.title, self.make, self.by_hand, self.count, self.warm = title, make, by_hand, count, warm

    def transaction(self, arm, number):
        extra = self.by_hand(number) if arm == "hand" and self.by_hand else []
        return self.make(number) + extra


class Workload:
    def __init__(self, name, title, size, tables, query, hand, operations):
        """hand: SQL that makes table "hand", equal to the query, and the triggers that keep it, if any."""
        self.name, self.title, self.size, self.tables = name, title, size, tables
        self.query, self.hand, self.operations = query, hand, operations


def measure(run, load):
    """All operations of a workload, building and REFRESH; every arm is compared with the query at the end."""
    wanted = [operation for operation in load.operations
              if run.wants("workload", workload=load.name, size=load.size, operation=operation.title)]
    if not wanted:
        return
    what = f"{load.title}, {load.size}"
    run.template(TEMPLATE, load.tables)
    conns = {arm: run.database(arm, template=TEMPLATE) for arm in ("plain", "ours", "hand")}
    if run.wants("workload", workload=load.name, size=load.size, operation="build"):
        run.add("workload", workload=load.name, title=load.title, size=load.size, operation="build",
                arms=measuring.build_times(run, conns["ours"], load.query, what))
    tvbench.create_view(conns["ours"].cursor(), "v", load.query)
    conns["hand"].cursor().execute(load.hand)
    # A plain view costs its tables nothing: it stands in the first arm to be refreshed.
    cur = conns["plain"].cursor()
    tvbench.create_view(cur, "v", load.query, maintained=False)
    recompute = sorted(tvbench.timed(cur, "REFRESH MATERIALIZED VIEW v") for _ in range(3))[1]
    for operation in wanted:
        for conn in conns.values():
            measuring.prepare(conn)
        figures = measuring.in_turns(conns, operation.transaction, operation.count, operation.warm, wal=run.admin)
        run.add("workload", workload=load.name, title=load.title, size=load.size, operation=operation.title,
                arms=figures, refresh_ms=recompute)
    run.check_arms(conns, load.query, what)
    run.close(conns)
    run.drop_template(TEMPLATE)
