#!/bin/bash
#
# cassert.sh - run the test suites on a PostgreSQL built with assertions
#
#   tools/cassert.sh [SUITE...]   the arguments of tools/test.sh
#   tools/cassert.sh --server     only build that PostgreSQL and print its pg_config
#
# Such a server checks its own invariants and ours, wipes freed memory and notices writes past the
# end of it.  It is built once from the source package of Debian's postgresql-15 and kept in
# CASSERT_DIR (default /var/tmp/pg_tviews-cassert).  The extension is built in a copy of the tree.
#
set -euo pipefail

cd "$(dirname "$0")/.."
dir=${CASSERT_DIR:-/var/tmp/pg_tviews-cassert}
config=$dir/pgsql/bin/pg_config
ready=$dir/ready-icu-libxml
unset PG_CONFIG MAKEFLAGS MFLAGS MAKELEVEL

tools/deps.sh cassert

work=$(mktemp -d /tmp/pg_tviews-cassert.XXXXXX)
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The source, with package lists of our own: the machine's apt configuration stays as it is.
download() {
	local suite sources=(/etc/apt/sources.list.d/*.sources) mirror signed

	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$(awk '/^URIs:/ {print $2; exit}' "${sources[@]}" 2>/dev/null) || mirror=
	signed=$(awk '/^Signed-By:/ {print $2; exit}' "${sources[@]}" 2>/dev/null) || signed=
	[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' \
		/etc/apt/sources.list)
	mkdir -p "$work/lists/partial"
	echo "deb-src ${signed:+[signed-by=$signed] }$mirror $suite main" >"$work/src.list"
	local options=(-qq -o Dir::Etc::sourcelist="$work/src.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists"
		-o APT::Sandbox::User=root)
	(cd "$work" && apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only postgresql-15)
	tar xf "$work"/postgresql-15_*.orig.tar.* -C "$work"
}

build_server() {
	local flags=

	echo "building PostgreSQL with assertions in $dir (some minutes)"
	download
	# With valgrind's headers, the server also tells valgrind about palloc.
	[ ! -e /usr/include/valgrind/memcheck.h ] || flags=-DUSE_VALGRIND
	(
		cd "$work"/postgresql-15.*/
		./configure -q --prefix="$dir/pgsql" --enable-cassert --enable-debug --without-readline --without-zlib \
			--with-icu --with-libxml \
			CFLAGS='-O1 -g -fno-omit-frame-pointer' CPPFLAGS="$flags"
		make -s -j"$(nproc)"
		make -s install
		make -s -C contrib install
		mkdir -p "$dir/pgsql/lib/pgxs/src/test/perl"
		cp -r src/test/perl/PostgreSQL "$dir/pgsql/lib/pgxs/src/test/perl/"
	) >"$work/build.log" 2>&1 </dev/null || { tail -n 30 "$work/build.log" >&2; exit 1; }
	touch "$ready"
}

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
[ -e "$ready" ] || build_server
cp -n /usr/share/postgresql/15/extension/pgtap* "$("$config" --sharedir)/extension/"
exec 9>&-
if [ "${1-}" = --server ]; then
	echo "$config"
	exit 0
fi

mkdir "$work/tree"
git ls-files -coz --exclude-standard | tar --ignore-failed-read -c --null -T - 2>/dev/null | tar -x -C "$work/tree"
PG_CONFIG=$config "$work/tree/tools/test.sh" --without lint "$@" &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"
