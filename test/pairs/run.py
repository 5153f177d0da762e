#!/usr/bin/python3
"""Transactions that meet: writes on either side of every kind of view, at every isolation level.

First every pair of the writes that matter most, in both orders, on the same and on opposite sides of each operator, at
each level: one case each, in one of the ways to take turns, which the seed chooses. Then random cases, for some
seconds: other views and writes, transactions of several steps, savepoints, a third session.

Per case the sessions begin, write, and end in turn; who has to wait for another goes on when he may. In half of the
cases each of them compares the view with its query after what it did. A session that gets 40001 or 40P01 rolls back and
tries again, as applications do; any other error is a failure, but that of a view that another dropped. Then all views
are compared with their queries, as values and as text, and with tview.check().
The last line reads "N passed, N failed"; the exit status is 1 if any failed.

    test/pairs/run.py [--seconds 25] [--seed N] [--views join,left] [--part core|random] [--case NAME]... [--show]

--seconds is the time of the random cases. --show prints the cases instead. A failure is printed with the --case that
plays it again, see cases.py. The server is the one the PG* environment names; databases tview_pairs_N are made and
dropped.
"""
import argparse
import itertools
import multiprocessing
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import case_of, core_cases, name_of, random_cases, share  # noqa: E402
from play import Player  # noqa: E402
from seeds import commit_seed  # noqa: E402
from views import VIEWS  # noqa: E402

JOBS = 2


def work(number, core, options, results):
    """One process: all cases of core, then random ones while there is time."""
    player = Player(number)
    try:
        for case in core:
            results.put((name_of(case), player.play(case)))
        until = time.time() + options.seconds
        for case in rest_of(options, number):
            if time.time() > until:
                break
            results.put((name_of(case), player.play(case)))
    finally:
        player.close()
        results.put((player.waited, player.retried))


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--seed", default=commit_seed())
    parser.add_argument("--views")
    parser.add_argument("--part", choices=["core", "random"])
    parser.add_argument("--case", action="append")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    options.views = options.views.split(",") if options.views else list(VIEWS)
    for view in options.views:
        if view not in VIEWS:
            parser.error("no view is named \"%s\"" % view)
    return options


def plan(options):
    """The cases that every process plays to the last."""
    if options.case:
        return [[case_of(name) for name in options.case]]
    core = [case for case in core_cases(options.seed) if case.view in options.views] if options.part != "random" else []
    return share(core, random.Random(options.seed), JOBS)


def rest_of(options, number):
    """The cases that a process plays then; without an end, if there are any."""
    return [] if options.case or options.part == "core" else random_cases(options.seed, number, options.views)


def main():
    options = read_options()
    print("seed %s" % options.seed)
    plans = plan(options)
    if options.show:
        for number, core in enumerate(plans):
            for case in itertools.chain(core, itertools.islice(rest_of(options, number), 100)):
                print(name_of(case))
        return 0
    results = multiprocessing.Queue()
    begin = time.time()
    workers = [multiprocessing.Process(target=work, args=(n, core, options, results)) for n, core in enumerate(plans)]
    for process in workers:
        process.start()
    expected = sum(map(len, plans))
    passed = failed = ended = waited = retried = 0
    while ended < len(workers):
        result = results.get()
        if isinstance(result[0], int):
            ended += 1
            waited, retried = waited + result[0], retried + result[1]
        elif result[1] is None:
            passed += 1
        else:
            failed += 1
            if failed <= 20:
                print("FAIL  %s\n      %s\n      run again: --case '%s'" % (result[0], result[1], result[0]), flush=True)
    for process in workers:
        process.join()
        if process.exitcode:
            failed += 1
            print("FAIL  a worker ended with %s" % process.exitcode)
    print("%d pairs and %d random cases in %.0f s; %d times a session waited, %d times one had to try again" %
          (expected, passed + failed - expected, time.time() - begin, waited, retried))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
