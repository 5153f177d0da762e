#!/bin/bash
#
# indent.sh - format our C code as the server's is, with PostgreSQL 15's pgindent
#
#   tools/indent.sh [FILE...]           format in place (all of src/ and test/unit/ by default)
#   tools/indent.sh --check [FILE...]   print the differences and exit 1 if there are any
#
# pgindent must know every type name: tools/typedefs.list is the server's own list, ours are found in
# the sources.  Needs the package pg-bsd-indent.
#
set -euo pipefail

cd "$(dirname "$0")/.."
check=
if [ "${1-}" = --check ]; then
	check=1
	shift
fi
command -v pg_bsd_indent >/dev/null || { echo "indent.sh: pg_bsd_indent is missing; run tools/deps.sh test" >&2; exit 1; }

mapfile -t own < <(find src test/unit \( -name '*.c' -o -name '*.h' \) 2>/dev/null | sort)
if [ $# -gt 0 ]; then
	files=("$@")
else
	files=("${own[@]}")
fi
[ ${#files[@]} -gt 0 ] || exit 0

work=$(mktemp -d /tmp/pg_tviews-indent.XXXXXX)
trap 'rm -rf "$work"' EXIT

# "typedef struct X X;", "typedef enum X { ... } X;" and "typedef int (*X) (...);"
cat tools/typedefs.list >"$work/typedefs"
cat "${own[@]}" | perl -0777 -ne '
	s{/\*.*?\*/}{}gs;
	while (/\btypedef\b((?:[^;{}]|\{(?:[^{}]|\{[^{}]*\})*\})*);/g) {
		my $decl = $1;
		$decl =~ s/\{.*\}//s;
		if ($decl =~ /\(\s*\*\s*(\w+)\s*\)\s*\(/) { print "$1\n"; next; }
		$decl =~ s/\[[^\]]*\]//g;
		print "$1\n" if $decl =~ /(\w+)\s*$/;
	}' >>"$work/typedefs"

status=0
for file in "${files[@]}"; do
	mkdir -p "$work/$(dirname "$file")"
	cp "$file" "$work/$file"
done
(cd "$work" && PERL_HASH_SEED=0 "$OLDPWD/tools/pgindent" --typedefs="$work/typedefs" --indent="$(command -v pg_bsd_indent)" \
	"${files[@]}") 2>"$work/errors" || status=1
# pgindent reports a file that it cannot parse, and goes on.
if [ -s "$work/errors" ]; then
	cat "$work/errors" >&2
	status=1
fi
for file in "${files[@]}"; do
	if [ -n "$check" ]; then
		diff -u --label "$file" --label "$file (formatted)" "$file" "$work/$file" || status=1
	else
		cmp -s "$file" "$work/$file" || cat "$work/$file" >"$file"
	fi
done
exit $status
