#!/usr/bin/env bash
# compare.sh COUNT FILE...: the facts of COUNT builds or more. Exit 1 where a fact has two values, 3 where too few say it.
set -euo pipefail
export LC_ALL=C
least=$1
shift
[ $# -ge "$least" ] || { echo "compare: $# files of facts, $least are needed" >&2; exit 3; }
awk -v least="$least" '
  NF != 2 { printf "compare: %s: no fact: %s\n", FILENAME, $0; bad = 1; next }
  !($1 in value) { value[$1] = $2 }
  value[$1] != $2 { printf "compare: %s differs: %s, and %s in %s\n", $1, value[$1], $2, FILENAME; bad = 1 }
  { count[$1]++; total++ }
  END {
    for (name in count) if (count[name] < least) { printf "compare: only %d builds say %s\n", count[name], name; few = 1 }
    if (!total) few = 1
    exit bad ? 1 : few ? 3 : 0
  }' "$@" >&2
cat "$1"
echo "the same in $# builds"
