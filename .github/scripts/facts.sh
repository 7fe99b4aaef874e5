#!/usr/bin/env bash
# facts.sh THING... OUT: one line NAME HASH for each thing that must come out again: the files of a folder by SHA-256,
# an OCI layout by its manifest's digest, a store path by the hash of its NAR. Runs on macOS too, without sha256sum.
set -euo pipefail
export LC_ALL=C
sha256() { python3 -c 'import hashlib, sys; print(hashlib.file_digest(sys.stdin.buffer, "sha256").hexdigest())' < "$1"; }
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
      hash=$(sha256 "$file")
      echo "${file##*/} sha256:$hash" >> "$out.new"
    done
  fi
done
[ -s "$out.new" ] || { echo "facts: nothing to compare" >&2; exit 3; }
mv "$out.new" "$out"
cat "$out"
