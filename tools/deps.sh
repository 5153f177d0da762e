#!/bin/bash
#
# deps.sh - install, by apt-get, the Debian packages that are missing
#
#   tools/deps.sh           to build and install
#   tools/deps.sh demo      also to run the demo and the benchmarks
#   tools/deps.sh test      also to run the test suites
#   tools/deps.sh cassert   also to build a PostgreSQL with assertions
#   tools/deps.sh versions  also to run them on other PostgreSQL versions
#
# Says and does nothing when all is there.  With PG_CONFIG naming a PostgreSQL outside Debian's
# folders, its packages are not wanted.  No server is left running: the package would make and start
# a cluster of its own.
#
set -euo pipefail

die() { echo "deps.sh: $*" >&2; exit 1; }

# Debian's pg_config answers for the headers' version; without them we want 15.
config=${PG_CONFIG:-pg_config}
bindir=$("$config" --bindir 2>/dev/null) || bindir=
case $bindir in
	/usr/lib/postgresql/*/bin) major=${bindir#/usr/lib/postgresql/} major=${major%/bin} ;;
	"") major=15 ;;
	/usr/bin) major=15 ;;
	*) major= ;;
esac

wanted=(gcc make libc6-dev)
[ -z "$major" ] || wanted+=("postgresql-$major" "postgresql-server-dev-$major")
[ -z "${1-}" ] || wanted+=(python3 python3-psycopg2)
if [ "${1-}" = test ] || [ "${1-}" = cassert ] || [ "${1-}" = versions ]; then
	wanted+=(libcmocka-dev libtap-parser-sourcehandler-pgtap-perl libipc-run-perl binutils pgbouncer)
	[ -z "$major" ] || wanted+=("postgresql-$major-pgtap")
	# From 16 on the server's own tree has the formatter; we format with 15's.
	[ "$major" != 15 ] || wanted+=(pg-bsd-indent)
fi
[ "${1-}" != cassert ] || wanted+=(pkg-config libicu-dev libxml2-dev)
[ "${1-}" != versions ] || wanted+=(mmdebstrap iproute2)

missing=()
for package in "${wanted[@]}"; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null || die "not a Debian system; install by hand: ${missing[*]}"
[ "$(id -u)" = 0 ] || die "missing packages; as root, run: apt-get install ${missing[*]}"

log=$(mktemp /tmp/pg_tviews-apt.XXXXXX)
conf=/etc/postgresql-common/createcluster.d
made_conf=
cleanup() {
	rm -f "$log"
	if [ -n "$made_conf" ]; then
		rm -f "$conf/pg_tviews.conf"
		rmdir --ignore-fail-on-non-empty "$conf"
	fi
}
trap cleanup EXIT

if [ -n "$major" ] && [[ " ${missing[*]} " == *" postgresql-$major "* ]]; then
	mkdir -p "$conf"
	echo 'create_main_cluster = false' >"$conf/pg_tviews.conf"
	made_conf=1
fi

echo "installing: ${missing[*]}"
install() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends \
		install "${missing[@]}" >>"$log" 2>&1 </dev/null
}
if ! install; then
	# The package lists may be absent or older than the archive.
	apt-get -qq -o DPkg::Lock::Timeout=300 update >>"$log" 2>&1 </dev/null && install || {
		tail -n 30 "$log" >&2
		die "could not install: ${missing[*]}"
	}
fi
if [[ " ${missing[*]} " == *" pgbouncer "* ]] && [ -d /run/systemd/system ]; then
	systemctl -q disable --now pgbouncer || true
fi
