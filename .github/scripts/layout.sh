#!/usr/bin/env bash
# layout.sh STREAM OUT: what the program STREAM writes (a docker archive) as an OCI layout in OUT. Converted twice, and
# the digest of the manifest must be the same; it is printed, and is an output of the step.
set -euo pipefail
stream=$1 out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for turn in first second; do
  "$stream" > "$work/archive.tar"
  skopeo --insecure-policy copy --quiet "docker-archive:$work/archive.tar" "oci:$work/$turn"
done
first=$("$(dirname "$0")/digest.sh" "$work/first")
second=$("$(dirname "$0")/digest.sh" "$work/second")
[ "$first" = "$second" ] || { echo "layout: two conversions differ: $first, $second" >&2; exit 1; }
rm -rf "$out"
mv "$work/first" "$out"
echo "$first"
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "digest=$first" >> "$GITHUB_OUTPUT"; fi
