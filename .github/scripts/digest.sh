#!/usr/bin/env bash
# digest.sh LAYOUT [sha256:...]: the digest of the one manifest of an OCI layout, after every blob was hashed. With a
# second word exit 1 unless it is that digest.
set -euo pipefail
layout=$1
cd "$layout/blobs/sha256"
for blob in *; do
  [ "$(sha256sum < "$blob")" = "$blob  -" ] || { echo "digest: blob $blob is not what its name says" >&2; exit 1; }
done
cd - > /dev/null
digest=$(python3 -c '
import json, sys
manifests = json.load(open(sys.argv[1], encoding="utf-8"))["manifests"]
if len(manifests) != 1:
    sys.exit(f"digest: {len(manifests)} manifests in the layout, not one")
print(manifests[0]["digest"])
' "$layout/index.json")
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "digest: no sha256 digest: $digest" >&2; exit 1; }
[ -f "$layout/blobs/sha256/${digest#sha256:}" ] || { echo "digest: the manifest $digest is not there" >&2; exit 1; }
if [ $# -gt 1 ] && [ "$digest" != "$2" ]; then
  echo "digest: the image is $digest, not $2" >&2
  exit 1
fi
echo "$digest"
