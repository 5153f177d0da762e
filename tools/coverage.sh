#!/bin/bash
#
# coverage.sh - which lines of src/ do the tests reach?
#
#   tools/coverage.sh [SUITE...]   the arguments of tools/test.sh; then a table per file
#
# Builds a copy of the tree with gcc's counters, runs the tests on it, and installs the plain build
# again.  Backends write their counters when they end.
#
set -euo pipefail

cd "$(dirname "$0")/.."
top=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL
export PG_CONFIG=${PG_CONFIG:-pg_config}

tools/deps.sh test

work=$(mktemp -d /tmp/pg_tviews-coverage.XXXXXX)
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; cd "$top"; rm -rf "$work"; make -s install >/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

make -s all
git ls-files -coz --exclude-standard | tar --ignore-failed-read -c --null -T - 2>/dev/null | tar -x -C "$work"
chmod 755 "$work"
# The flags of the Makefile come first, these win.
make -s -C "$work" -j"$(nproc)" all SHLIB_LINK='--coverage' \
	COPT='--coverage -O0 -fprofile-update=atomic -U_FORTIFY_SOURCE'
[ "$(id -u)" != 0 ] || chown -R postgres: "$work"
"$work/tools/test.sh" --without lint "$@" &
child=$!
status=0
wait "$child" || status=$?
child=

cd "$work"
find src -name '*.gcda' | sort | while read -r file; do
	gcov -n -o "$(dirname "$file")" "${file%.gcda}.c" 2>/dev/null | grep -A1 "^File '${file%.gcda}.c'" |
		sed -n "s/^Lines executed:\(.*\)% of \(.*\)/\1 \2/p" | while read -r percent lines; do
			printf '%6.1f %% of %5d lines  %s\n' "$percent" "$lines" "${file%.gcda}.c"
		done
done
exit "$status"
