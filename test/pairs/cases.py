"""What a case is, its name, and which there are.

The name tells all of it, so that it can be played again:

    left / read committed: insert l; [delete r] / serializable: key change l; prepare / 1212112 look

is the view; the transactions, [of them what is undone by ROLLBACK TO] and how they end, if not by COMMIT; the order in
which the sessions take their steps, a digit each; and flags:

    look        a session compares the view with its query after each step
    learned     the view's edges have learned before that transactions write both sides
    deferred    the view is maintained at commit
"""
import collections
import itertools
import random
import re

from views import BOTH, CORE_VIEWS, CORE_VIEW_WRITES, CORE_WRITES, OTHER_VIEW_WRITES, OTHER_WRITES, VIEWS, WRITES, tables

LEVELS = ["read committed", "repeatable read", "serializable"]
FLAGS = ["look", "learned", "deferred"]
ENDS = ["commit", "rollback", "prepare"]

Case = collections.namedtuple("Case", "view transactions order flags")
Transaction = collections.namedtuple("Transaction", "level steps end")
Step = collections.namedtuple("Step", "write table undone")


def step_name(step):
    name = (step.write + " " + step.table).strip()
    return "[" + name + "]" if step.undone else name


def name_of(case):
    parts = [case.view]
    for transaction in case.transactions:
        steps = [step_name(step) for step in transaction.steps]
        if transaction.end != "commit":
            steps.append(transaction.end)
        parts.append("%s: %s" % (transaction.level, "; ".join(steps)))
    return " / ".join(parts + [" ".join([case.order] + sorted(case.flags))])


def case_of(name):
    """The case of that name."""
    view, *parts, schedule = name.split(" / ")
    transactions = []
    for part in parts:
        level, names = part.split(": ")
        end = "commit"
        steps = []
        for text in names.split("; "):
            if text in ENDS:
                end = text
                continue
            write, table = re.fullmatch(r"(.*?)(?: ([lrs]))?", text.strip("[]")).groups()
            if write not in WRITES:
                raise ValueError("no write is named \"%s\"" % write)
            steps.append(Step(write, table or "", text.startswith("[")))
        transactions.append(Transaction(level, tuple(steps), end))
    order, *flags = schedule.split()
    return Case(view, tuple(transactions), order, frozenset(flags))


def written(transaction):
    """The tables that it writes."""
    names = {step.table for step in transaction.steps} - {""}
    return names | {"l", "r"} if any(step.write in BOTH for step in transaction.steps) else names


def learns(case):
    """Will the view's edges know that transactions write both of their sides?"""
    return "learned" in case.flags or any(len(written(transaction)) > 1 for transaction in case.transactions)


def core_cases(seed):
    """
    Every pair of the writes that are promised to meet well, in both orders, on the same and on opposite sides of each
    operator, at each level. Each in one of the six ways to do it, which the seed chooses.
    """
    writes = [Step(write, table, False) for write in CORE_WRITES for table in "lr"]
    writes += [Step(write, "", False) for write in CORE_VIEW_WRITES]
    cases = []
    for view, level, first, second in itertools.product(CORE_VIEWS, LEVELS, writes, writes):
        transactions = tuple(Transaction(level, (step,), "commit") for step in (first, second))
        case = Case(view, transactions, "", frozenset())
        dice = random.Random("%s %s" % (seed, name_of(case)))
        cases.append(case._replace(order=dice.choice(["1122", "1212", "1221"]), flags=frozenset(dice.choice([(), ("look",)]))))
    return cases


def random_step(dice, sides):
    if dice.random() < 0.78:
        write = dice.choice(list(CORE_WRITES) + list(OTHER_WRITES))
        return Step(write, dice.choice(sides), dice.random() < 0.12)
    return Step(dice.choice(list(CORE_VIEW_WRITES) + list(OTHER_VIEW_WRITES)), "", dice.random() < 0.05)


def random_case(seed, view, number):
    """Two or three transactions of some steps each, on one of the views."""
    dice = random.Random("%s %s %d" % (seed, view, number))
    sides = tables(view)
    level = dice.choice(LEVELS)
    mixed = dice.random() < 0.2
    transactions = []
    order = []
    for n in range(dice.choice([2, 2, 2, 3])):
        steps = tuple(random_step(dice, sides) for _ in range(dice.choice([1, 1, 1, 2, 2, 3])))
        # the server prepares no transaction that has used CONCURRENTLY
        prepare = "commit" if any(step.write == "refresh concurrently" for step in steps) else "prepare"
        end = dice.choice(["commit"] * 8 + ["rollback", prepare])
        transactions.append(Transaction(dice.choice(LEVELS) if mixed else level, steps, end))
        order += [str(n + 1)] * count_actions(transactions[-1])
    dice.shuffle(order)
    flags = {flag for flag, chance in zip(FLAGS, (0.5, 0.15, 0.25)) if dice.random() < chance}
    return Case(view, tuple(transactions), "".join(order), frozenset(flags))


def count_actions(transaction):
    """What a transaction takes turns with: its steps, the ROLLBACK TO after those undone, and its end."""
    return (len(transaction.steps) + sum(step.undone for step in transaction.steps) +
            (2 if transaction.end == "prepare" else 1))


def share(cases, dice, workers, size=40):
    """The cases of every worker: by kind of view, for a view costs more to make than a case."""
    groups = {}
    dice.shuffle(cases)
    for case in cases:
        groups.setdefault((case.view, "deferred" in case.flags), []).append(case)
    chunks = [group[i:i + size] for group in groups.values() for i in range(0, len(group), size)]
    dice.shuffle(chunks)
    return [[case for chunk in chunks[n::workers] for case in chunk] for n in range(workers)]


def random_cases(seed, worker, views):
    """Without an end: some of each view, and again."""
    dice = random.Random("%s worker %d" % (seed, worker))
    names = [name for name in VIEWS if name in views]
    number = 0
    while True:
        dice.shuffle(names)
        for view in names:
            batch = [random_case("%s %d" % (seed, worker), view, number + i) for i in range(10)]
            yield from sorted(batch, key=lambda case: "deferred" in case.flags)
        number += 10
