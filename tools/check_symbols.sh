#!/bin/bash
#
# check_symbols.sh - the library exports what SQL and the server call, and nothing else
#
set -euo pipefail

cd "$(dirname "$0")/.."
library=${1:-pg_tviews.so}
exported=$(nm -D --defined-only "$library" | awk '{print $NF}')
unwanted=$(grep -Ev '^(Pg_magic_func|_PG_init|tview_[a-z0-9_]+|pg_finfo_tview_[a-z0-9_]+)$' <<<"$exported") || unwanted=
missing=$(comm -23 <(printf '%s\n' Pg_magic_func _PG_init | sort) <(sort <<<"$exported"))

[ -z "$unwanted" ] || sed "s|^|$library: must not export |" <<<"$unwanted"
[ -z "$missing" ] || sed "s|^|$library: does not export |" <<<"$missing"
[ -z "$unwanted$missing" ]
