#!/usr/bin/env bash
# owner.sh POLICY REPOSITORY: exit 1 unless every repository that the policy trusts is the one that releases.
set -euo pipefail
export LC_ALL=C
trusted=$(tr '"' '\n' < "$1" | sed -n 's|^https://github\.com/\([^/]*/[^/]*\).*|\1|p' | sort -u | paste -s -d ' ' -)
[ "$trusted" = "$2" ] || {
  echo "owner: $1 trusts ${trusted:-no repository}, and this is $2: write $2 there, and release that commit" >&2
  exit 1
}
