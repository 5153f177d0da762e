#!/bin/bash
#
# versions.sh - run the test suites on other PostgreSQL versions, each in a Debian chroot
#
#   tools/versions.sh [VERSION...] [-- COMMAND...]
#
# VERSION is 17 or 18 (default: both); COMMAND runs in a copy of the tree in place of the tests.
# The chroots are made once, from Debian's archive, and kept in CHROOTS (default
# /var/tmp/pg_tviews-chroots, 750 MB each).  A command runs in a throw-away overlay over one, in
# namespaces of its own: it changes neither the chroot nor this machine, and a server that it leaves
# running dies with it.  Each has PostgreSQL 15, too, which the test of pg_upgrade starts from.
# Needs root and a kernel with overlayfs.
#
set -euo pipefail

cd "$(dirname "$0")/.."
CHROOTS=${CHROOTS:-/var/tmp/pg_tviews-chroots}

die() { echo "versions.sh: $*" >&2; exit 1; }

# What tools/deps.sh asks for, beside the server.
packages=(gcc make libc6-dev binutils python3 python3-psycopg2 libcmocka-dev
	libtap-parser-sourcehandler-pgtap-perl libipc-run-perl pgbouncer)

# The version that tap/upgrade upgrades from.
OLD=15

suite_of() {
	case $1 in
		15) echo bookworm ;;
		17) echo trixie ;;
		18) echo sid ;;
		*) die "no Debian suite is known to have PostgreSQL $1" ;;
	esac
}

# For a version, with the one to upgrade from and the peer that bench/concurrency compares.
wanted_of() {
	wanted=("${packages[@]}" "postgresql-$1" "postgresql-server-dev-$1" "postgresql-$1-pgtap"
		"postgresql-$OLD" "postgresql-server-dev-$OLD")
	[ "$1" != 18 ] || wanted+=(postgresql-18-pg-ivm)
}

# Run a command in the kept chroot itself, to install things.
in_chroot() {
	unshare --mount --pid --ipc --fork --kill-child --propagation private bash -c '
		root=$1; shift
		mount -t proc proc "$root/proc"
		mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
		exec chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' - "$root" "$@" 9>&- </dev/null
}

# The Debian mirror this machine is set up with: deb822 files first, then the one-line format.
mirror() {
	local found

	found=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/*.sources 2>/dev/null) || found=
	[ -n "$found" ] || found=$(awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' \
		/etc/apt/sources.list)
	echo "$found"
}

# postgresql-server-dev-NN depends on clang and LLVM, 480 MB that only bitcode for the JIT compiler
# needs, and the old server on its library.  An empty package stands in for them, and PGXS is told.
fake_llvm() {
	local provides

	provides=$(in_chroot apt-cache show "postgresql-server-dev-$version" "postgresql-server-dev-$OLD" "postgresql-$OLD" |
		sed -n 's/^Depends: //p' | tr ',' '\n' | awk '$1 ~ /^(clang|llvm)-[0-9]+(-dev)?$|^libllvm[0-9]+$/ {print $1}' |
		sort -u | paste -sd, | sed 's/,/, /g')
	[ -n "$provides" ] || return 0
	mkdir -p "$root/tmp/nollvm/DEBIAN"
	printf '%s\n' 'Package: nollvm' 'Version: 2' 'Architecture: all' 'Maintainer: none <root@localhost>' \
		"Provides: $provides" 'Description: empty stand-in for clang and LLVM' >"$root/tmp/nollvm/DEBIAN/control"
	in_chroot dpkg-deb -b /tmp/nollvm /tmp/nollvm.deb && in_chroot dpkg -i /tmp/nollvm.deb || return 1
	rm -rf "$root"/tmp/nollvm*
}

add_packages() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg makefile

	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	echo "deb [signed-by=$keyring] $(mirror) $(suite_of "$OLD") main" >"$root/etc/apt/sources.list.d/old.list"
	in_chroot apt-get -qq update && fake_llvm && in_chroot apt-get -qq -y install "${wanted[@]}" || return 1
	for makefile in "$root"/usr/lib/postgresql/*/lib/pgxs/src/Makefile.global; do
		sed -i 's/^with_llvm.*/with_llvm = no/' "$makefile"
	done
	in_chroot apt-get clean
	echo "${wanted[*]}" >"$root/.ready"
}

make_chroot() {
	local suite keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	suite=$(suite_of "$version")
	rm -rf --one-file-system "$root"
	# A mirror may serve a snapshot whose Release file has expired.
	mmdebstrap --quiet --mode=root --variant=apt --include=ca-certificates \
		--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
		--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
		"$suite" "$root" "deb [signed-by=$keyring] $(mirror) $suite main" || return 1
	printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
	echo 'APT::Keep-Downloaded-Packages "false";' >"$root/etc/apt/apt.conf.d/99chroot"
	# No service starts in here, no cluster is made by the package.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod +x "$root/usr/sbin/policy-rc.d"
	mkdir -p "$root/etc/postgresql-common/createcluster.d"
	echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.d/chroot.conf"
	mkdir -p "$root/src"
	add_packages
}

# Not exec'ed at the end: the shell stays process 1 of the namespace, so that orphans are reaped.
run_in_overlay() {
	unshare --mount --pid --ipc --net --fork --kill-child --propagation private bash -c '
		set -e
		root=$1 work=$2 tree=$3 version=$4 old=$5
		shift 5
		ip link set lo up
		mount -t tmpfs -o mode=755 tmpfs "$work"
		mkdir "$work"/{upper,scratch,root}
		mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/scratch" "$work/root"
		r=$work/root
		cp -r "$tree/." "$r/src/"
		mount -t proc proc "$r/proc"
		mount -t tmpfs -o mode=1777 tmpfs "$r/dev/shm"
		mount -t tmpfs -o mode=1777 tmpfs "$r/tmp"
		chroot "$r" /usr/bin/env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 CI="${CI-}" \
			PG_CONFIG="/usr/lib/postgresql/$version/bin/pg_config" \
			OLD_PG_CONFIG="/usr/lib/postgresql/$old/bin/pg_config" \
			PATH="/usr/lib/postgresql/$version/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
			sh -c "cd /src && \"\$@\"" - "$@"' - "$root" "$work/mount" "$work/tree" "$version" "$OLD" "$@" </dev/null
}

versions=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	suite_of "$1" >/dev/null
	versions+=("$1")
	shift
done
[ $# -eq 0 ] || shift
[ ${#versions[@]} -gt 0 ] || versions=(17 18)
[ $# -gt 0 ] || set -- tools/test.sh --without lint

[ "$(id -u)" = 0 ] || die "must be root"
tools/deps.sh versions
mkdir -p "$CHROOTS"

work=$(mktemp -d /tmp/pg_tviews-versions.XXXXXX)
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir "$work/tree" "$work/mount"
git ls-files -coz --exclude-standard | tar --ignore-failed-read -c --null -T - 2>/dev/null | tar -x -C "$work/tree"

failed=()
for version in "${versions[@]}"; do
	root=$CHROOTS/$version
	wanted_of "$version"
	exec 9>"$root.lock"
	flock -s 9
	if [ "$(cat "$root/.ready" 2>/dev/null)" != "${wanted[*]}" ]; then
		# What others run over the chroot must not see it change.
		flock -u 9
		flock 9
		if [ ! -e "$root/.ready" ]; then
			echo "making a chroot with PostgreSQL $version in $root (a minute or two)"
			make_chroot >"$root.log" 2>&1 || { tail -n 30 "$root.log" >&2; die "could not make $root"; }
		elif [ "$(cat "$root/.ready")" != "${wanted[*]}" ]; then
			echo "adding packages to PostgreSQL $version in $root"
			add_packages >"$root.log" 2>&1 || { tail -n 30 "$root.log" >&2; die "could not add packages to $root"; }
		fi
		flock -s 9
	fi
	run_in_overlay "$@" &
	child=$!
	wait "$child" || failed+=("$version")
	child=
	exec 9>&-
done
[ ${#failed[@]} -eq 0 ] || die "failed on PostgreSQL ${failed[*]}"
