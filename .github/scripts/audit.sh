#!/usr/bin/env bash
# audit.sh DIR: every SBOM below DIR, all of them even where one has something; exit code of the worst, 3 for none.
set -euo pipefail
shopt -s nullglob
sboms=("$1"/*.cdx.json)
[ ${#sboms[@]} -gt 0 ] || { echo "audit: no SBOM in $1" >&2; exit 3; }
worst=0
for sbom in "${sboms[@]}"; do
  echo "==> $sbom"
  code=0
  .venv/bin/repro audit "$sbom" || code=$?
  [ "$code" -eq 0 ] || [ "$worst" -eq 1 ] || worst=$code
done
exit "$worst"
