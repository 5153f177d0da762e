#!/usr/bin/python3
"""bench/measure when it cannot measure, is interrupted or finds a wrong view: it says so, and leaves nothing behind.

Each case starts servers of its own below a scratch folder, which has to be empty at the end. Last line printed:
"N passed, N failed".
"""
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
passed = failed = 0


def check(name, problem):
    """One test: a problem is a text, or None."""
    global passed, failed
    passed, failed = passed + (problem is None), failed + (problem is not None)
    if problem is not None:
        print(f"FAIL  {name}\n      {problem}", flush=True)


class Case:
    """A run of bench/measure with a folder for its servers and one for its report."""

    def __init__(self, name, *arguments, **environment):
        self.name = name
        self.scratch = tempfile.TemporaryDirectory(prefix="pg_tviews-test-bench.")
        os.chmod(self.scratch.name, 0o755)
        self.servers, self.out = (os.path.join(self.scratch.name, folder) for folder in ("servers", "out"))
        os.mkdir(self.servers)
        outside = {key: value for key, value in os.environ.items() if key not in ("TV_SERVER", "TV_SERVER_DIR")}
        self.process = subprocess.Popen(
            [os.path.join(ROOT, "bench", "measure"), "--quick", "--out", self.out, *arguments], text=True,
            env=dict(outside, TMPDIR=self.servers, **environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # a command in the background inherits that it is ignored, and a shell cannot change that
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def ends(self, status, said):
        printed = self.process.communicate()[0]
        check(f"{self.name}: exit status", None if self.process.returncode == status
              else f"{self.process.returncode}, not {status}: {printed}")
        check(f"{self.name}: says so", None if said in printed else f"printed: {printed}")
        left = os.listdir(self.servers)
        check(f"{self.name}: leaves nothing", ", ".join(left) if left else None)

    def report(self):
        """What was written, or None; never a part."""
        files = sorted(os.listdir(self.out)) if os.path.exists(self.out) else []
        if not files:
            return None
        check(f"{self.name}: both files", None if files == ["index.html", "report.json"] else ", ".join(files))
        with open(os.path.join(self.out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        with open(os.path.join(self.out, "index.html"), encoding="utf-8") as file:
            report["page"] = file.read()
        return report

    def no_report(self):
        check(f"{self.name}: no report", None if self.report() is None else "there is one")


def interrupted(number, status):
    case = Case(f"signal {number}", "--only", "one_row")
    # Once the first server has a database to measure in, which it does for longer than it takes to see that.
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and case.process.poll() is None:
        bases = glob.glob(os.path.join(case.servers, "*", "data", "base"))
        if any(len(os.listdir(base)) > 4 for base in bases):
            break
        time.sleep(0.05)
    case.process.send_signal(number)
    case.ends(status, "interrupted; no report was written")
    case.no_report()


def main():
    case = Case("no disk", "--only", "cascade", TV_BENCH_GB="1000000")
    case.ends(2, "nothing was measured")
    case.no_report()
    case = Case("unknown part", "--only", "cascades")
    case.ends(2, "there is no part 'cascades'")
    case.no_report()
    case = Case("no server", PG_CONFIG="/nonexistent/pg_config")
    case.ends(1, "not found")
    case.no_report()
    interrupted(signal.SIGTERM, 143)
    interrupted(signal.SIGINT, 130)
    # Dry runs keep no view: what is measured then must not count.
    case = Case("wrong view", "--only", "cascade", TV_DRY="1")
    case.ends(1, "the figures above do not count")
    report = case.report()
    check("wrong view: reported", None if report and report["wrong"] and "do not count" in report["page"] else "it is not")
    case = Case("a part of it", "--only", "cascade")
    case.ends(0, "OK: every view of every arm equals its query")
    report = case.report()
    check("a part of it: reported", None if report and report["measurements"] and not report["wrong"] else "it is not")
    # Where the peer is not installed, report and page say so.
    missing = report["not_compared"].get("pg_ivm") if report else None
    check("a part of it: peers", None if missing is None or missing in report["page"] else "the page does not name it")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
