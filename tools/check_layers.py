#!/usr/bin/env python3
"""Check that includes respect the order of the layers, and that one file knows server versions.

base < catalog < delta < planner < executor < commands < src/pg_tviews.c, where base is the files
directly in src/.  An #include "..." may name a file of its own layer or of one further left.
PG_VERSION_NUM stands in tv_compat.h only.  Prints FILE:LINE for each breach and exits 1.
"""

import pathlib
import re
import sys

LAYERS = ["base", "catalog", "delta", "planner", "executor", "commands", "top"]
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def layer_of(path):
    """The rank of a path relative to src/, or None for a folder that is no layer."""
    parts = path.parts
    if len(parts) == 1:
        name = "top" if parts[0] == "pg_tviews.c" else "base"
        return LAYERS.index(name)
    return LAYERS.index(parts[0]) if parts[0] in LAYERS[1:-1] else None


def check_file(src, path):
    """Yield a message for each include of path that breaks the rule."""
    own = layer_of(path.relative_to(src))
    if own is None:
        yield f"{path}:1: folder is no layer"
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if "PG_VERSION_NUM" in line and path.name != "tv_compat.h":
                yield f"{path}:{number}: PG_VERSION_NUM belongs in tv_compat.h"
            match = INCLUDE.match(line)
            if not match:
                continue
            target = pathlib.PurePosixPath(match.group(1))
            if not (src / target).is_file():
                # One of the server's, unless it lies beside the including file.
                if (path.parent / target).is_file():
                    yield f'{path}:{number}: "{target}" must be written from src/'
                continue
            rank = layer_of(target)
            if rank is None or rank > own:
                yield f'{path}:{number}: layer {LAYERS[own]} must not include "{target}"'


def main():
    top = pathlib.Path(__file__).resolve().parent.parent
    src = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else top / "src"
    files = sorted(src.rglob("*.c")) + sorted(src.rglob("*.h"))
    errors = [message for path in files for message in check_file(src, path)]
    for message in errors:
        print(message.replace(f"{top}/", ""))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
