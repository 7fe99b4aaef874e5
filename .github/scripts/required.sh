#!/usr/bin/env bash
# required.sh NAME...: exit 1 where one of these variables is not set, or empty, as an absent secret is. No value is shown.
set -euo pipefail
[ $# -gt 0 ] || { echo "required: no names" >&2; exit 2; }
missing=()
for name in "$@"; do
  [ -n "${!name:-}" ] || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] || { echo "required: not set: ${missing[*]}" >&2; exit 1; }
