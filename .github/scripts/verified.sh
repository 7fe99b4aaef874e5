#!/usr/bin/env bash
# verified.sh RELEASE DIGEST: names by digest what `verify` has seen: SHA256SUMS, whose every line must hold, and the
# image, whose manifest must have the digest that was built. They are outputs of the step.
set -euo pipefail
release=$1 built=$2
[ -n "$built" ] || { echo "verified: no digest of the image that was built" >&2; exit 3; }
(cd "$release/dist" && sha256sum --check --strict --quiet SHA256SUMS)
sums=$(sha256sum < "$release/dist/SHA256SUMS" | cut -d ' ' -f 1)
image=$("$(dirname "$0")/digest.sh" "$release/image" "$built")
{
  echo "sums-sha256=$sums"
  echo "image-digest=$image"
} | tee -a "${GITHUB_OUTPUT:?}"
