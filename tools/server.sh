#!/bin/bash
#
# server.sh - a throw-away PostgreSQL server for tests, the demo and benchmarks
#
#   eval "$(tools/server.sh start [-c 'name=value']...)"
#                               start one; sets PGHOST, PGPORT, PGUSER and TV_SERVER_DIR
#   tools/server.sh stop        stop the one TV_SERVER_DIR names and delete all it wrote
#   tools/server.sh restart [-c 'name=value']...   fast stop, more settings, start
#   tools/server.sh crash       kill it without a checkpoint and start it again (recovery)
#   tools/server.sh log         print its log
#   tools/server.sh run [-c 'name=value']... [--] COMMAND [ARG...]
#                               start one, run COMMAND against it, stop it whatever happens
#
# Settings given later win over earlier ones and over the defaults below.  PG_CONFIG chooses another
# PostgreSQL than the one found first in PATH.  The server listens on a private Unix socket only, so
# any number of them run side by side.  fsync is off: never use it for data, and give -c fsync=on
# where durability is what is measured.  Started by root, it runs as user postgres.
#
set -euo pipefail

PREFIX=${TMPDIR:-/tmp}/pg_tviews.

die() { echo "server.sh: $*" >&2; exit 1; }

usage() { sed -n '3,/^set -/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

# The server refuses to run as root.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups \
			env HOME="$TV_SERVER_DIR" LC_ALL=C.UTF-8 "$@")
	else
		(cd / && exec "$@")
	fi
}

find_bindir() {
	local config=${PG_CONFIG:-pg_config}

	command -v "$config" >/dev/null || die "$config not found; install PostgreSQL or set PG_CONFIG"
	bindir=$("$config" --bindir)
	[ -x "$bindir/initdb" ] || die "no initdb in $bindir; is the server installed?"
}

# Append settings given as name=value to the configuration.
configure() {
	local setting

	for setting in "$@"; do
		[[ $setting == *=* ]] || die "a setting is written name=value: \"$setting\""
		printf "%s = '%s'\n" "${setting%%=*}" "$(sed "s/'/''/g" <<<"${setting#*=}")"
	done >>"$TV_SERVER_DIR/data/postgresql.conf"
}

launch() {
	if ! as_server "$bindir/pg_ctl" -D "$TV_SERVER_DIR/data" -l "$TV_SERVER_DIR/log" -t 120 -w start \
		>"$TV_SERVER_DIR/pg_ctl.out" 2>&1 </dev/null; then
		cat "$TV_SERVER_DIR/pg_ctl.out" >&2
		[ ! -e "$TV_SERVER_DIR/log" ] || tail -n 20 "$TV_SERVER_DIR/log" >&2
		return 1
	fi
}

# Stop by the process id in the server's own lock file.
halt() {
	local pid

	pid=$(head -n 1 "$TV_SERVER_DIR/data/postmaster.pid" 2>/dev/null) || return 0
	kill -0 "$pid" 2>/dev/null || return 0
	as_server "$bindir/pg_ctl" -D "$TV_SERVER_DIR/data" -m "$1" -t 60 -w stop >/dev/null 2>&1 </dev/null ||
		as_server "$bindir/pg_ctl" -D "$TV_SERVER_DIR/data" -m immediate -t 60 -w stop >/dev/null 2>&1 </dev/null ||
		die "the server with process id $pid does not stop"
}

# Only a folder that this script made, marked as such, is ever deleted.
attach() {
	[ -n "${TV_SERVER_DIR-}" ] || die "TV_SERVER_DIR is not set; was the server started by eval?"
	[ -e "$TV_SERVER_DIR/.pg_tviews_server" ] || die "$TV_SERVER_DIR is not a folder of this script's"
	bindir=$(cat "$TV_SERVER_DIR/.pg_tviews_server")
}

start() {
	find_bindir
	TV_SERVER_DIR=$(mktemp -d "${PREFIX}XXXXXX")
	echo "$bindir" >"$TV_SERVER_DIR/.pg_tviews_server"
	trap 'halt immediate; rm -rf "$TV_SERVER_DIR"' EXIT
	chmod 755 "$TV_SERVER_DIR"
	[ "$(id -u)" != 0 ] || chown postgres: "$TV_SERVER_DIR"

	as_server "$bindir/initdb" -D "$TV_SERVER_DIR/data" -U postgres -A trust -N --no-locale -E UTF8 \
		>"$TV_SERVER_DIR/initdb.out" 2>&1 </dev/null || { cat "$TV_SERVER_DIR/initdb.out" >&2; exit 1; }
	configure listen_addresses= port=5432 "unix_socket_directories=$TV_SERVER_DIR" \
		shared_preload_libraries=pg_tviews fsync=off max_prepared_transactions=20 max_connections=100 \
		jit=off log_line_prefix='%m [%p] %q%a ' "$@"
	launch || exit 1
	trap - EXIT
	export TV_SERVER_DIR PGHOST=$TV_SERVER_DIR PGPORT=5432 PGUSER=postgres
}

stop() {
	attach
	halt fast
	rm -rf "$TV_SERVER_DIR"
}

# End the command of "run" and wait for it: it may have something to clean up.
interrupted() {
	trap '' INT TERM HUP
	if [ -n "$child" ]; then
		kill -TERM "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	exit "$1"
}

settings=()
parse_settings() {
	while [ $# -gt 0 ]; do
		case $1 in
			-c) [ $# -ge 2 ] || usage; settings+=("$2"); shift 2 ;;
			--) shift; break ;;
			-*) usage ;;
			*) break ;;
		esac
	done
	rest=("$@")
}

[ $# -ge 1 ] || usage
action=$1
shift
case $action in
	start)
		parse_settings "$@"
		[ ${#rest[@]} -eq 0 ] || usage
		start "${settings[@]+"${settings[@]}"}"
		for name in PGHOST PGPORT PGUSER TV_SERVER_DIR; do
			printf 'export %s=%q\n' "$name" "${!name}"
		done
		;;
	stop)
		stop
		;;
	restart)
		parse_settings "$@"
		attach
		configure "${settings[@]+"${settings[@]}"}"
		halt fast
		launch
		;;
	crash)
		attach
		halt immediate
		launch
		;;
	log)
		attach
		cat "$TV_SERVER_DIR/log"
		;;
	run)
		parse_settings "$@"
		[ ${#rest[@]} -ge 1 ] || usage
		start "${settings[@]+"${settings[@]}"}"
		trap stop EXIT
		# In the background, so that a signal to this script alone ends the command at once, too.
		child=
		trap 'interrupted 130' INT
		trap 'interrupted 143' TERM HUP
		status=0
		(trap - INT && exec "${rest[@]}") <&0 &
		child=$!
		wait "$child" || status=$?
		child=
		exit "$status"
		;;
	*)
		usage
		;;
esac
