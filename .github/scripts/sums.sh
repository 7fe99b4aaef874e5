#!/usr/bin/env bash
# sums.sh DIR: SHA256SUMS of the files in DIR, in one order everywhere.
set -euo pipefail
export LC_ALL=C
cd "$1"
rm -f SHA256SUMS
files=(*)
[ -f "${files[0]}" ] || { echo "sums: no files in $1" >&2; exit 3; }
sha256sum -- "${files[@]}" > SHA256SUMS.new
mv SHA256SUMS.new SHA256SUMS
cat SHA256SUMS
