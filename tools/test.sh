#!/bin/bash
#
# test.sh - build, install, and run the test suites against a throw-away server
#
#   tools/test.sh [--without SUITE]... [--accept] [SUITE...]
#
# With no SUITE named, runs all there are, in this order:
#   build       all of src/ and install; a compiler warning is an error
#   lint        layers, exported symbols, formatting
#   unit        test/unit/*.c              cmocka programs, each test counted
#   regress     test/regress/sql/*.sql     each in a new database, which has no extension yet
#   isolation   test/isolation/specs/*.spec   each in a new database with pg_tviews
#   pgtap       test/pgtap/*.sql           each in a new database with pgtap and pg_tviews
#   tap         test/tap/*.pl              these start servers of their own
#   NAME        test/NAME/run.py           prints "N passed, N failed" as its last line
#   demo        demo/run
#   server      the server survived all of it: no crash, no leak, no broken memory in its log
# A suite may be narrowed to one test: regress/first_view, pgtap/aggregates, tap/crash.
# --accept takes new output of regress and isolation as the expected one; read it with git diff.
#
# Ends with "N passed, N failed"; the exit status tells the same.  Nothing is skipped (a test that
# says so counts as failed) or tried twice.  The server and all scratch files are gone at the end,
# also after an interrupt; KEEP=1 keeps what a failed test wrote.  PG_CONFIG chooses the PostgreSQL,
# OLD_PG_CONFIG the one that tap/upgrade upgrades from (default: the same).
#
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES PGOPTIONS PGDATABASE
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
TIME_LIMIT=${TIME_LIMIT:-1800}

passed=0 failed=0 failures=() selected=() without=() accept=
while [ $# -gt 0 ]; do
	case $1 in
		--without) without+=("$2"); shift 2 ;;
		--accept) accept=1; shift ;;
		-*) sed -n '3,/^set -/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
		*) selected+=("$1"); shift ;;
	esac
done

#
# Results
#

ok() {
	passed=$((passed + 1))
	printf 'ok    %s\n' "$1"
}

# fail NAME [FILE [LINES]]: the end of FILE is shown
fail() {
	failed=$((failed + 1))
	failures+=("$1")
	printf 'FAIL  %s\n' "$1"
	if [ -s "${2-}" ]; then
		tail -n "${3:-60}" "$2" | sed 's/^/      /'
	fi
}

# judge NAME STATUS [FILE]: one test, by exit status
judge() {
	if [ "$2" = 0 ]; then ok "$1"; else fail "$1" "${3-}"; fi
}

# judge_tap NAME STATUS FILE: as many tests as FILE has TAP lines at top level
judge_tap() {
	local good bad

	good=$(grep -E '^ok [0-9]' "$3" | grep -ciEv '#[[:space:]]*(skip|todo)')
	bad=$(grep -ciE '^not ok [0-9]|^ok [0-9].*#[[:space:]]*(skip|todo)' "$3")
	# Died before or after its tests, or ran none.
	if [ "$bad" = 0 ] && { [ "$2" != 0 ] || [ "$good" = 0 ]; }; then
		bad=1
	fi
	passed=$((passed + good))
	if [ "$bad" = 0 ]; then
		printf 'ok    %s (%d)\n' "$1" "$good"
	else
		failed=$((failed + bad - 1))
		fail "$1" "$3"
	fi
}

# judge_counts NAME STATUS FILE: what the last line "N passed, N failed" of FILE says
judge_counts() {
	local good bad

	if [[ $(tail -n 1 "$3") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
	else
		good=0 bad=1
	fi
	if [ "$bad" = 0 ] && { [ "$2" != 0 ] || [ "$good" = 0 ]; }; then
		bad=1
	fi
	passed=$((passed + good))
	if [ "$bad" = 0 ]; then
		printf 'ok    %s (%d)\n' "$1" "$good"
	else
		failed=$((failed + bad - 1))
		fail "$1" "$3" 200
	fi
}

# Is this suite wanted?  A suite named as SUITE/TEST counts.
wanted() {
	local name

	for name in ${without[@]+"${without[@]}"}; do
		[ "$name" != "$1" ] || return 1
	done
	[ ${#selected[@]} -gt 0 ] || return 0
	for name in "${selected[@]}"; do
		[ "${name%%/*}" != "$1" ] || return 0
	done
	return 1
}

# tests SUITE GLOB: the files of a suite, in alphabetical order, as far as they were asked for
tests() {
	local file base name

	for file in $2; do
		[ -e "$file" ] || continue
		base=${file##*/} base=${base%.*}
		if [ ${#selected[@]} -eq 0 ]; then
			echo "$file"
			continue
		fi
		for name in "${selected[@]}"; do
			if [ "$name" = "$1" ] || [ "$name" = "$1/$base" ]; then
				echo "$file"
				break
			fi
		done
	done | LC_ALL=C sort
}

#
# Set-up and clean-up
#

finish() {
	local status=$?

	trap '' INT TERM HUP
	[ -z "$child" ] || kill "$child" 2>/dev/null
	[ -z "${TV_SERVER_DIR-}" ] || tools/server.sh stop
	if [ -n "${KEEP-}" ] && [ "$failed" -gt 0 ]; then
		echo "kept: $work"
	else
		rm -rf "$work"
	fi
	exit "$status"
}

# Run a command for TIME_LIMIT seconds at most.  It runs in the background, in a process group that
# timeout makes and ends, so that a signal to this script takes effect at once.
child=
limited() {
	local status

	timeout -k 10 "$TIME_LIMIT" "$@" &
	child=$!
	wait "$child"
	status=$?
	child=
	return "$status"
}

summary() {
	local name

	echo
	for name in ${failures[@]+"${failures[@]}"}; do
		echo "failed: $name"
	done
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
}

#
# Suites
#

build() {
	local status

	# Two runs in one tree must not build at once.
	exec 9<Makefile
	flock 9
	make -s -j"$(nproc)" all >"$work/build.log" 2>&1 && make -s install >>"$work/build.log" 2>&1
	status=$?
	exec 9<&-
	judge build "$status" "$work/build.log"
	return "$status"
}

lint() {
	tools/check_layers.py >"$work/layers" 2>&1
	judge lint/layers $? "$work/layers"
	tools/check_symbols.sh >"$work/symbols" 2>&1
	judge lint/symbols $? "$work/symbols"
	tools/indent.sh --check >"$work/indent" 2>&1
	judge lint/indent $? "$work/indent"
}

# The comment line "Links: src/a.c src/b.c" of a program names the sources that it tests.
unit() {
	local file name links

	tests unit 'test/unit/*.c' >"$work/list"
	while read -r file; do
		name=$(basename "$file" .c)
		links=$(sed -n 's/^ \* Links: //p' "$file")
		# shellcheck disable=SC2046,SC2086
		if ! gcc -g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
			-Werror $("$PG_CONFIG" --cppflags) -Isrc -I"$("$PG_CONFIG" --includedir-server)" \
			-o "$work/$name" "$file" $links -lcmocka >"$work/unit.out" 2>&1; then
			fail "unit/$name" "$work/unit.out"
			continue
		fi
		CMOCKA_MESSAGE_OUTPUT=TAP limited "$work/$name" >"$work/unit.out" 2>&1 </dev/null
		judge_tap "unit/$name" $? "$work/unit.out"
	done <"$work/list"
}

# compared SUITE PROGRAM GLOB [OPTION...]: outputs compared with expected/, by pg_regress or its sibling
compared() {
	local suite=$1 program=$2 glob=$3 file name out
	shift 3

	tests "$suite" "$glob" >"$work/list"
	while read -r file; do
		name=$(basename "${file%.*}")
		out=$work/$suite.$name
		mkdir "$out"
		if limited env -C "test/$suite" "$pgxs/src/test/$program" --bindir="$bindir" --inputdir=. --outputdir="$out" \
			--host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --dbname="${suite}_$name" "$@" "$name" \
			>"$out/run.log" 2>&1 </dev/null; then
			ok "$suite/$name"
			psql -qX -d postgres -c "DROP DATABASE \"${suite}_$name\"" >/dev/null 2>&1
		elif [ -n "$accept" ] && [ -s "$out/results/$name.out" ]; then
			mkdir -p "test/$suite/expected"
			cp "$out/results/$name.out" "test/$suite/expected/$name.out"
			fail "$suite/$name: accepted"
		elif [ -s "$out/regression.diffs" ]; then
			fail "$suite/$name" "$out/regression.diffs" 200
		elif [ ! -e "test/$suite/expected/$name.out" ]; then
			fail "$suite/$name: no expected output" "$out/results/$name.out" 200
		else
			fail "$suite/$name" "$out/run.log"
		fi
	done <"$work/list"
}

pgtap() {
	local file name

	tests pgtap 'test/pgtap/*.sql' >"$work/list"
	[ -s "$work/list" ] || return
	if ! psql -qX -v ON_ERROR_STOP=1 -d postgres -c 'CREATE DATABASE pgtap_template' >"$work/pgtap.out" 2>&1 ||
		! psql -qX -v ON_ERROR_STOP=1 -d pgtap_template -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION pg_tviews' \
			>>"$work/pgtap.out" 2>&1; then
		fail pgtap/extensions "$work/pgtap.out"
		return
	fi
	while read -r file; do
		name=$(basename "$file" .sql)
		psql -qX -d postgres -c "CREATE DATABASE \"pgtap_$name\" TEMPLATE pgtap_template" >"$work/pgtap.out" 2>&1
		limited pg_prove -v -d "pgtap_$name" "$file" >"$work/pgtap.out" 2>&1 </dev/null
		judge_tap "pgtap/$name" $? "$work/pgtap.out"
		psql -qX -d postgres -c "DROP DATABASE \"pgtap_$name\"" >/dev/null 2>&1
	done <"$work/list"
}

# Servers do not run as root, so these tests get a copy that user postgres can read and write beside.
tap() {
	local file name as=()

	tests tap 'test/tap/*.pl' >"$work/list"
	[ -s "$work/list" ] || return
	# An older PostgreSQL, which the test of pg_upgrade starts from, needs the library, too.  Up to 15
	# its headers are not C23, which is what newer compilers take a source for.
	if [ -n "${OLD_PG_CONFIG-}" ]; then
		mkdir "$work/old"
		cp -r Makefile exports.txt ./*.control sql src "$work/old/"
		if ! make -s -C "$work/old" PG_CONFIG="$OLD_PG_CONFIG" clean >"$work/old.log" 2>&1 ||
			! make -s -j"$(nproc)" -C "$work/old" PG_CONFIG="$OLD_PG_CONFIG" COPT=-std=gnu17 all >>"$work/old.log" 2>&1 ||
			! make -s -C "$work/old" PG_CONFIG="$OLD_PG_CONFIG" install >>"$work/old.log" 2>&1; then
			fail "tap: build with $OLD_PG_CONFIG" "$work/old.log"
			return
		fi
	fi
	cp -r test "$work/"
	if [ "$(id -u)" = 0 ]; then
		chmod 755 "$work"
		mkdir "$work/tap"
		chown -R postgres: "$work/test" "$work/tap"
		as=(setpriv --reuid=postgres --regid=postgres --init-groups)
	else
		mkdir "$work/tap"
	fi
	while read -r file; do
		name=$(basename "$file" .pl)
		limited ${as[@]+"${as[@]}"} env -C "$work/test" -u PGHOST -u PGPORT -u PGUSER HOME="$work/tap" \
			TESTDIR="$work/tap" TESTDATADIR="$work/tap/data" TESTLOGDIR="$work/tap/log" \
			PG_REGRESS="$pgxs/src/test/regress/pg_regress" PERL5LIB="$pgxs/src/test/perl" \
			prove -v "tap/$name.pl" >"$work/tap.out" 2>&1 </dev/null
		judge_tap "tap/$name" $? "$work/tap.out"
	done <"$work/list"
}

runners() {
	local file name

	for file in test/*/run.py; do
		[ -x "$file" ] || continue
		name=$(basename "$(dirname "$file")")
		wanted "$name" || continue
		# Debian's Python, for it has Debian's psycopg2
		limited /usr/bin/python3 "$file" >"$work/$name.out" 2>&1 </dev/null
		judge_counts "$name" $? "$work/$name.out"
	done
}

demo() {
	[ -x demo/run ] || return
	limited demo/run >"$work/demo.out" 2>&1 </dev/null
	judge demo $? "$work/demo.out"
}

server() {
	local bad='PANIC: |TRAP: |was terminated by signal|WARNING: .*(leak|detected write past|problem in alloc)'

	tools/server.sh log | grep -aE "$bad" >"$work/server.out"
	psql -qXAt -d postgres -c 'SELECT 1' >/dev/null 2>>"$work/server.out"
	if [ -s "$work/server.out" ]; then fail server "$work/server.out"; else ok server; fi
}

# Run one suite, if wanted, and tell its time when it had tests.
suite() {
	local name=$1 begun=$SECONDS count=$((passed + failed))
	shift

	[ "$name" = runners ] || wanted "$name" || return 0
	"$@"
	if [ $((passed + failed)) -gt $count ] && [ $((SECONDS - begun)) -ge 5 ]; then
		echo "      $name took $((SECONDS - begun)) s"
	fi
}

tools/deps.sh test || { echo "0 passed, 1 failed"; exit 1; }
export PG_CONFIG=${PG_CONFIG:-pg_config}
bindir=$("$PG_CONFIG" --bindir)
pgxs=$("$PG_CONFIG" --pgxs)
pgxs=${pgxs%/src/makefiles/pgxs.mk}
export PATH=$bindir:$PATH

work=$(mktemp -d /tmp/pg_tviews-test.XXXXXX)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "testing with $("$PG_CONFIG" --version)"
build || summary
suite lint lint
suite unit unit
if env="$(tools/server.sh start 2>"$work/start.log")"; then
	eval "$env"
else
	fail server/start "$work/start.log"
	summary
fi
suite regress compared regress regress/pg_regress 'test/regress/sql/*.sql'
suite isolation compared isolation isolation/pg_isolation_regress 'test/isolation/specs/*.spec' --load-extension=pg_tviews
suite pgtap pgtap
suite tap tap
suite runners runners
suite demo demo
suite server server
summary
