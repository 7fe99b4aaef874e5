#!/usr/bin/env bash
# facts.sh THING... OUT: one line NAME HASH for each thing that must come out again: the files of a folder by SHA-256,
# an OCI layout by its manifest's digest, a store path by the hash of its NAR.
set -euo pipefail
export LC_ALL=C
out=${*: -1}
: > "$out.new"
for thing in "${@:1:$#-1}"; do
  if [ -f "$thing/oci-layout" ]; then
    hash=$("$(dirname "$0")/digest.sh" "$thing")
    echo "image $hash" >> "$out.new"
  elif [ -L "$thing" ]; then
    hash=$(nix hash path "$thing/")
    echo "nar $hash" >> "$out.new"
  else
    for file in "$thing"/*.whl "$thing"/*.tar.gz; do
      hash=$(sha256sum < "$file" | cut -d ' ' -f 1)
      echo "${file##*/} sha256:$hash" >> "$out.new"
    done
  fi
done
[ -s "$out.new" ] || { echo "facts: nothing to compare" >&2; exit 3; }
mv "$out.new" "$out"
cat "$out"
