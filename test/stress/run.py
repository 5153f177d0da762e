#!/usr/bin/python3
"""Concurrency test: builds the program in this folder and runs it; see stress.h.

    test/stress/run.py [--seconds N] [--sessions N] [--seed N] [--round N] [--show-refused]

The server is the one the PG* environment names; the database tview_stress is made and dropped.  The seed is
printed; --round with it runs one round over and over.  The last line reads "N passed, N failed", phases after
which all views were compared; the exit status is 1 if any failed.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from seeds import commit_seed  # noqa: E402

arguments = sys.argv[1:]
if "--seed" not in arguments:
    arguments += ["--seed", commit_seed()]

with tempfile.TemporaryDirectory(prefix="pg_tviews-stress.") as out:
    subprocess.run(["make", "-s", "-C", HERE, "OUT=" + out], check=True)
    status = subprocess.run([os.path.join(out, "stress")] + arguments, check=False).returncode
if status < 0 or status > 1:
    print("0 passed, 1 failed")
sys.exit(1 if status else 0)
