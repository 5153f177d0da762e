#!/usr/bin/python3
"""bench/measure: what maintenance costs, in one report.

Arms take turns within a round, ratios are taken within rounds, and every arm ends with the equality check. The report
is written at the end, as a whole: an interrupted run, or one that an error ends, leaves the earlier report as it was.
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time

import psycopg2

import accounts
import catalogue
import embedded
import many
import measuring
import on_accounts
import page
import rewritten
import scales

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NEEDED_GB = {True: 2, False: 12}
PARTS = [on_accounts.one_row, on_accounts.bulk, on_accounts.beside, many.many_views, many.cascade, catalogue.catalogue,
         embedded.embedded, rewritten.rewritten, on_accounts.build, on_accounts.refresh, on_accounts.storage, many.memory,
         scales.base_size, scales.tpch]

# Parts that take many minutes: not in a quick run, unless it asks for them.
LONG = ["base_size", "tpch"]

# Parts that have figures of the documents.
CITED = ["one_row", "bulk", "many_views", "catalogue", "embedded", "refresh", "memory"]


def git(*arguments):
    """What git says of this folder, if it is one of git's."""
    try:
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def machine(cur):
    """Where and of what: the commit is the last one that changed the extension."""
    def first(path, key):
        try:
            with open(path) as lines:
                return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), None)
        except OSError:
            return None

    cur.execute("SELECT version()")
    version = cur.fetchone()[0]
    commit = git("log", "-1", "--format=%h", "--", "src", "sql")
    if commit and git("status", "--porcelain", "--", "src", "sql"):
        commit += "-dirty"
    return {"server": version, "commit": commit or None, "system": platform.platform(), "cores": os.cpu_count(),
            "processor": first("/proc/cpuinfo", "model name"), "memory": first("/proc/meminfo", "MemTotal"),
            "load_before": os.getloadavg()[0], "settings": accounts.settings(cur),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def interrupted(number, frame):
    """Once: what follows is cleaning up. Not by SIG_IGN, which Python complains of if both arrive together."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: None)
    raise KeyboardInterrupt


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--figures", action="store_true")
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "report"))
    options = parser.parse_args()
    names = [part.__name__ for part in PARTS]
    wanted = (options.only.split(",") if options.only else CITED if options.figures else
              [name for name in names if not (options.quick and name in LONG)])
    for name in wanted:
        if name not in names:
            parser.error(f"there is no part {name!r}; there are {', '.join(names)}")
    return options, [part for part in PARTS if part.__name__ in wanted]


def lacking_disk(cur, quick):
    """What to say if the server's disk is too small, else None."""
    cur.execute("SHOW data_directory")
    free = shutil.disk_usage(os.path.dirname(cur.fetchone()[0])).free / 2**30
    needed = float(os.environ.get("TV_BENCH_GB", NEEDED_GB[quick]))
    return f"{free:.1f} GB of disk are free, {needed:g} are needed" if free < needed else None


def write(report, folder):
    """Both files, each as a whole."""
    os.makedirs(folder, exist_ok=True)
    files = {"report.json": json.dumps(report, indent=1) + "\n", "index.html": page.render(report)}
    for name, text in files.items():
        with open(os.path.join(folder, name + ".new"), "w", encoding="utf-8") as out:
            out.write(text)
    for name in files:
        os.replace(os.path.join(folder, name + ".new"), os.path.join(folder, name))


def failed(reason, status):
    print(f"bench/measure: {reason}; no report was written", file=sys.stderr, flush=True)
    return status


def main():
    options, parts = parse()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    try:
        run = measuring.Run(options.quick, options.figures)
        cur = run.admin.cursor()
        lacking = lacking_disk(cur, options.quick)
        if lacking:
            return failed(f"{lacking}: nothing was measured", 2)
        about = machine(cur)
        try:
            on_accounts.template(run)
            for part in parts:
                begun = time.monotonic()
                part(run)
                print(f"{part.__name__} took {time.monotonic() - begun:.0f} s", flush=True)
        finally:
            run.drop_all()
    except KeyboardInterrupt:
        return failed("interrupted", 130)
    except (psycopg2.Error, RuntimeError, OSError, subprocess.CalledProcessError) as problem:
        detail = getattr(problem, "stderr", None) or problem
        return failed(f"an arm failed: {str(detail).strip()}", 3)

    about["load_after"] = os.getloadavg()[0]
    report = {"about": about, "quick": options.quick, "parts": [part.__name__ for part in parts], "rows": run.rows,
              "rounds": run.rounds, "not_compared": run.not_compared, "wrong": run.wrong, "measurements": run.found}
    write(report, options.out)
    for what, why in run.not_compared.items():
        print(f"not compared: {what}: {why}")
    for line in run.wrong:
        print(f"WRONG {line}")
    print("WRONG: the figures above do not count" if run.wrong else
          f"OK: every view of every arm equals its query; {os.path.join(options.out, 'index.html')}")
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
