#!/usr/bin/env bash
# verified.sh RELEASE DIGEST: names by digest what `verify` has seen: SHA256SUMS, whose every line must hold; the image,
# whose manifest must have the digest that was built; and the evidence, bundles and the image's SBOM, where both SBOMs
# must be those that were attested. They are outputs of the step.
set -euo pipefail
export LC_ALL=C
release=$1 built=$2
scripts=$(dirname "$0")
[ -n "$built" ] || { echo "verified: no digest of the image that was built" >&2; exit 3; }
(cd "$release/dist" && sha256sum --check --strict --quiet SHA256SUMS)
sums=$(sha256sum < "$release/dist/SHA256SUMS" | cut -d ' ' -f 1)
image=$("$scripts/digest.sh" "$release/image" "$built")
wheel=$(cat "$release"/dist/*.whl | sha256sum | cut -d ' ' -f 1)
"$scripts/attested.sh" "$release/dist/sbom.cdx.json" "$release/bundles/dist-sbom.sigstore.json" "sha256:$wheel"
"$scripts/attested.sh" "$release/image-sbom/sbom.cdx.json" "$release/bundles/image-sbom.sigstore.json" "$image"
evidence=$(cd "$release" && sha256sum image-sbom/* bundles/* | sha256sum | cut -d ' ' -f 1)
{
  echo "sums-sha256=$sums"
  echo "image-digest=$image"
  echo "evidence-sha256=$evidence"
} | tee -a "${GITHUB_OUTPUT:?}"
