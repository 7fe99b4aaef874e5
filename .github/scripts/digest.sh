#!/usr/bin/env bash
# digest.sh LAYOUT [sha256:...]: the digest of the one manifest of an OCI layout, after every blob was hashed. With a
# second word exit 1 unless it is that digest.
set -euo pipefail
layout=$1
digest=$(python3 -c '
import hashlib, json, pathlib, re, sys

layout = pathlib.Path(sys.argv[1])
blobs = layout / "blobs" / "sha256"
for blob in sorted(blobs.iterdir()):
    with blob.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != blob.name:
            sys.exit(f"digest: blob {blob.name} is not what its name says")
manifests = json.loads((layout / "index.json").read_bytes())["manifests"]
if len(manifests) != 1:
    sys.exit(f"digest: {len(manifests)} manifests in the layout, not one")
digest = manifests[0]["digest"]
if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
    sys.exit(f"digest: no sha256 digest: {digest}")
if not (blobs / digest.partition(":")[2]).is_file():
    sys.exit(f"digest: the manifest {digest} is not there")
print(digest)
' "$layout")
if [ $# -gt 1 ] && [ "$digest" != "$2" ]; then
  echo "digest: the image is $digest, not $2" >&2
  exit 1
fi
echo "$digest"
