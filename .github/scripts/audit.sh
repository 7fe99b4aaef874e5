#!/usr/bin/env bash
# audit.sh DIR DATABASE: every SBOM in DIR, all of them even where one has something; the worst exit code, 3 for none.
set -euo pipefail
shopt -s nullglob
database=$2
sboms=("$1"/*.cdx.json)
[ ${#sboms[@]} -gt 0 ] || { echo "audit: no SBOM in $1" >&2; exit 3; }
worst=0
for sbom in "${sboms[@]}"; do
  echo "==> $sbom"
  code=0
  .venv/bin/repro audit "$sbom" --db "$database" || code=$?
  [ "$code" -eq 0 ] || [ "$worst" -eq 1 ] || worst=$code
done
exit "$worst"
